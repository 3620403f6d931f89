/**
 * `meb-route build` as a whole: monitored events of all receivers become whole events and go to clients; their buffers come back and are
 * announced again. Nothing here ever makes the receivers wait for a client.
 */

import { statSync } from 'node:fs';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Output } from '../../cli/output.ts';
import { openStream } from '../../stream/open.ts';
import { openPatientSink } from '../../stream/socket/pipe-sink.ts';
import type { ByteSource } from '../../stream/source.ts';
import { REFERENCE_DGRAM_LIMIT } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import { BufferLedger } from '../route/buffer-ledger.ts';
import { MON_PREFIX, MonitorBuilder, type MonitoredEvent } from '../route/monitor-builder.ts';
import { LimitedSay } from '../teb/limited-say.ts';
import { REJECTIONS, type Rejection, type TriggerConfig } from '../types.ts';
import { mebOf } from '../wire/buffer-word.ts';
import { EbDgram } from '../wire/eb-dgram.ts';
import { readRecords } from '../wire/read-records.ts';
import { Announcer } from './announcer.ts';
import { EventParts } from './assemble.ts';
import { Clients } from './clients.ts';
import { RouteCounts, type RouteState } from './counts.ts';
import type { BuildOptions } from './flags.ts';
import { OpenTransitions } from './open-transitions.ts';

export interface MebRouteParts {
  options: BuildOptions;
  config: TriggerConfig;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (text: string) => void;
}

/** All clients are one holder to the ledgers: whoever leaves gives its buffers back one by one. */
const HOLDER = 0;
const now = () => performance.now();

export class MebRoute {
  private readonly parts: MebRouteParts;
  private readonly builder: MonitorBuilder;
  private readonly ledgers: Map<number, BufferLedger>;
  private readonly clients: Clients;
  private readonly events: EventParts;
  private readonly transitions = new OpenTransitions();
  private readonly counts = new RouteCounts();
  private readonly limited: LimitedSay;
  private announcer: Announcer | undefined;
  private sources: ByteSource[] = [];
  /** Detector processes that each stream carries, as far as they have been seen. */
  private readonly carried: Set<number>[] = [];
  private timer: NodeJS.Timeout | undefined;
  private room: (() => void)[] = [];
  private stopped = false;

  constructor(parts: MebRouteParts) {
    this.parts = parts;
    const { config, options, say } = parts;
    this.builder = new MonitorBuilder(config, { timeoutMs: options.timeoutMs });
    this.ledgers = new Map(config.mebs.map(({ id, buffers }) => [id, new BufferLedger(id, buffers)]));
    this.limited = new LimitedSay(say);
    this.events = new EventParts(say);
    this.clients = new Clients({
      addresses: options.clients,
      open: (url) => openPatientSink(url, { lifecycle: parts.lifecycle, say, stdout: parts.stdout }),
      reopens: (url) => /^(unix|tcp)-listen:/.test(url) || statSync(url, { throwIfNoEntry: false })?.isFIFO() === true,
      maxEvent: options.maxEvent,
      transitions: this.transitions,
      freed: (word) => this.freed(word),
      changed: () => this.announce(),
      say,
    });
  }

  /** Opens everything, all at once. @throws DaqError */
  async open(): Promise<void> {
    const { options, lifecycle, say, stdout } = this.parts;
    const streams = { lifecycle, say, stdout, greeting: () => false };
    const [sources, free] = await Promise.all([
      Promise.all(options.mons.map((url) => openStream(url, streams))),
      options.free === undefined ? undefined : openPatientSink(options.free, streams),
      this.clients.open(),
    ]);
    this.sources = sources;
    // The decider ends before we do, so this is no loss; if it died, the receivers will say so.
    if (free) this.announcer = new Announcer(free);
    // A decider that hears nothing of free buffers takes all as free at first.
    if (!free) this.allAnnounced();
    this.announce();
  }

  /** Runs until all streams have ended and the clients have taken what is theirs. @throws InputError, DaqError */
  async run(): Promise<void> {
    const { lifecycle } = this.parts;
    const stop = () => {
      this.stopped = true;
      for (const source of this.sources) source.close();
    };
    lifecycle.stop.addEventListener('abort', stop, { once: true });
    try {
      if (lifecycle.stop.aborted) stop();
      await Promise.all(this.sources.map((source, i) => this.read(source, i)));
      this.builder.builder.endAll(now());
      this.work();
      await this.clients.close(lifecycle.stop);
      await this.announcer?.close();
    } catch (error) {
      this.clients.abandon();
      this.announcer?.abandon();
      throw error;
    } finally {
      clearTimeout(this.timer);
      lifecycle.stop.removeEventListener('abort', stop);
      for (const source of this.sources) source.close();
    }
  }

  state(): RouteState {
    const { clients, ledgers } = this;
    return {
      counts: this.counts,
      builder: this.builder.builder.counts,
      clients: clients.counts,
      connected: clients.connected,
      held: clients.held(),
      buffers: [...ledgers.values()].map(({ meb, buffers, idle, announced, held }) => {
        return { meb, all: buffers, idle, announced, held };
      }),
      announced: this.announcer?.words ?? 0,
      disagreements: this.builder.disagreements,
    };
  }

  private async read(source: ByteSource, index: number): Promise<void> {
    const record = new EbDgram();
    const carried = new Set<number>();
    this.carried[index] = carried;
    const end = await readRecords(source, record, {
      input: source.name,
      prefix: MON_PREFIX,
      maxPayload: Math.max(this.parts.options.maxEvent, REFERENCE_DGRAM_LIMIT),
      held: true,
      onRecord: () => {
        carried.add(record.source);
        return this.take(record, source.name) ? undefined : this.takeLater(record, source.name);
      },
      onPause: () => this.work(),
    });
    if (end.how === 'lost' && !this.stopped) this.lost(`${source.name}: ${end.why}`);
    if (end.how === 'garbled' && !this.stopped) {
      this.counts.badFrames++;
      this.parts.say(`${source.name}: ${end.why}`);
    }
    for (const one of carried) this.builder.builder.end(one, now());
    this.work();
  }

  /** @returns false if there is no room for another event */
  private take(record: EbDgram, name: string): boolean {
    const verdict = this.builder.contribute(record, now());
    if (verdict === 'full') return false;
    if ((REJECTIONS as readonly string[]).includes(verdict)) this.rejected(verdict as Rejection, record, name);
    return true;
  }

  private async takeLater(record: EbDgram, name: string): Promise<void> {
    do {
      this.work();
      await new Promise<void>((resolve) => this.room.push(resolve));
    } while (!this.take(record, name));
  }

  private rejected(verdict: Rejection, { source, pid }: EbDgram, name: string): void {
    this.limited.line(now(), () => `${name}: event ${pid} of detector process ${source} is rejected: ${verdict}`);
  }

  /** Everything that is whole goes out. */
  private work(): void {
    for (let event = this.builder.next(); event !== undefined; event = this.builder.next()) {
      this.route(event);
      this.builder.release();
    }
    const { room } = this;
    this.room = [];
    for (const resolve of room) resolve();
    clearTimeout(this.timer);
    const { deadline } = this.builder.builder;
    if (deadline !== undefined) this.timer = setTimeout(() => this.tick(), Math.max(1, deadline - now()));
  }

  private tick(): void {
    this.builder.builder.tick(now());
    this.work();
  }

  private route({ event, monBufNo, payloadBytes }: MonitoredEvent): void {
    const { counts } = this;
    if (!event.isL1) {
      counts.transitions++;
      const dgram = this.events.assemble(event);
      this.transitions.take(event.service, dgram);
      this.clients.transition(dgram);
      if (event.service === SERVICE.Configure) this.newRun();
      return;
    }
    counts.events++;
    for (let group = 0; group < counts.groups.length; group++) if ((event.rogs >>> group) & 1) counts.groups[group]!++;
    if (!this.ledgers.get(mebOf(monBufNo))?.give(monBufNo, HOLDER)) {
      counts.strays++;
      return;
    }
    if (payloadBytes > this.parts.options.maxEvent) {
      counts.tooBig++;
      return this.freed(monBufNo);
    }
    const given = this.clients.give(mebOf(monBufNo), this.events.assemble(event), monBufNo);
    if (given === 'given') return;
    if (given === 'no-client') counts.noClient++;
    else counts.tooBig++;
    this.freed(monBufNo);
  }

  private freed(word: number): void {
    this.ledgers.get(mebOf(word))?.giveBack(word);
    this.announce();
  }

  /**
   * A decider that hears nothing of free buffers begins with all of them anew (I11). One that does keeps those that it has not dealt, and
   * announcing them again could have one dealt twice.
   */
  private newRun(): void {
    if (this.announcer) return;
    for (const ledger of this.ledgers.values()) ledger.configure();
    this.allAnnounced();
  }

  /** Announces what is idle, for monitors that somebody looks at. */
  private announce(): void {
    if (!this.announcer) return;
    for (const ledger of this.ledgers.values()) {
      if (!this.clients.serves(ledger.meb)) continue;
      for (let word = ledger.announce(); word !== undefined; word = ledger.announce()) this.announcer.announce(word);
    }
  }

  private allAnnounced(): void {
    for (const ledger of this.ledgers.values()) while (ledger.announce() !== undefined);
  }

  private lost(why: string): void {
    this.counts.lost.push(why);
    this.parts.say(why);
  }
}
