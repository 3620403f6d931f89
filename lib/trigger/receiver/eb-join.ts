/**
 * eb-join as a whole: events and results of one receiver come in, decided events go out. Events and every stream of results are read by
 * themselves; one loop joins what has come and writes it. Reading of events stops when too many are undecided, never that of results.
 */

import type { Lifecycle } from '../../cli/lifecycle.ts';
import { type Output, OutputClosed } from '../../cli/output.ts';
import { DaqError, UsageError } from '../../errors.ts';
import { openSink, openStream } from '../../stream/open.ts';
import type { DgramSink } from '../../stream/sink.ts';
import { openPatientSink } from '../../stream/socket/pipe-sink.ts';
import type { ByteSource } from '../../stream/source.ts';
import { DGRAM } from '../../xtc/layout.ts';
import { envType } from '../../xtc/service.ts';
import type { Fate } from '../join/fate.ts';
import { Joiner } from '../join/joiner.ts';
import { LimitedSay } from '../teb/limited-say.ts';
import type { TriggerConfig } from '../types.ts';
import { ENV } from '../wire/layout.ts';
import { readRecords, type StreamEnd } from '../wire/read-records.ts';
import { ResultRecord } from '../wire/result.ts';
import { type JoinState, ReceiverCounts } from './counts.ts';
import { Delivery } from './delivery.ts';
import type { JoinOptions } from './flags.ts';
import { HeldEvents } from './held-events.ts';
import { MonitorOutput } from './monitor-output.ts';
import { Pebble } from './pebble.ts';
import { Recording } from './recording.ts';
import { TrigInfoWriter } from './triginfo.ts';

export interface EbJoinParts {
  options: JoinOptions;
  config: TriggerConfig;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (text: string) => void;
}

/** After a signal, decisions that are under way have this long to come. */
const GRACE_MS = 1000;
/** Transitions that a monitor may leave unread, beside the events for which it has buffers. */
const MON_TRANSITIONS = 1000;
const READS_PER_TURN = 32;
const now = () => performance.now();

export class EbJoin {
  private readonly parts: EbJoinParts;
  private readonly joiner: Joiner;
  private readonly counts = new ReceiverCounts();
  private readonly limited: LimitedSay;
  private readonly pebble: Pebble;
  private readonly held: HeldEvents;
  private delivery!: Delivery;
  private events!: ByteSource;
  private results: ByteSource[] = [];
  private recording: Recording | undefined;
  private sinks: DgramSink[] = [];
  private monitors: MonitorOutput | undefined;
  private eventsOver = false;
  private stopped = false;
  private wake: () => void = () => {};
  private poked = false;
  private room: () => void = () => {};
  /** Recorded events that the outputs have certainly taken. */
  private delivered = 0;

  /** @throws UsageError if the configuration has no such receiver */
  constructor(parts: EbJoinParts) {
    this.parts = parts;
    const { options, config } = parts;
    const drp = config.drps.find(({ id }) => id === options.receiver);
    if (!drp) throw new UsageError(`the configuration has no detector process ${options.receiver}`);
    const buffers = options.buffers ?? drp.buffers;
    const { noCommon, onMissing, timeoutMs } = options;
    const deciders = options.results.length;
    this.joiner = new Joiner({ common: config.common, deciders, noCommon, onMissing, timeoutMs, buffers });
    this.held = new HeldEvents(buffers);
    this.pebble = new Pebble(options.maxEvent, options.eventFormat);
    this.limited = new LimitedSay(parts.say);
  }

  /** Opens everything, all at once: pipes and sockets wait for each other's programs in any order. @throws DaqError */
  async open(): Promise<void> {
    const { options, config, lifecycle, stdout, say } = this.parts;
    const streams = { lifecycle, say, stdout, greeting: () => false };
    const [events, results, record, smd, mon] = await Promise.all([
      openStream(options.events, streams),
      Promise.all(options.results.map((url) => openStream(url, streams))),
      options.record === undefined ? undefined : openSink(options.record, { lifecycle, say, stdout }),
      options.smd === undefined ? undefined : openSink(options.smd, { lifecycle, say, stdout }),
      options.mon === undefined ? undefined : openPatientSink(options.mon, streams),
    ]);
    this.events = events;
    this.results = results;
    this.sinks = [record, smd].filter((sink) => sink !== undefined);
    if (record) this.recording = new Recording(record, this.pebble, /^zmq[+:]/.test(options.record!));
    if (mon) {
      const limit = config.mebs.reduce((sum, { buffers }) => sum + buffers, MON_TRANSITIONS);
      this.monitors = new MonitorOutput(mon, options.receiver, limit, (why) =>
        say(`${mon.name}: monitors are lost: ${why}`),
      );
    }
    this.delivery = new Delivery({
      receiver: options.receiver,
      pebble: this.pebble,
      counts: this.counts,
      recording: this.recording,
      smd,
      monitors: this.monitors,
      lines: options.lines ? stdout : undefined,
      triginfo: options.triginfo === 'no' ? undefined : new TrigInfoWriter(options.triginfo === 'extended'),
      dropEmpty: options.dropEmpty,
      maxEvent: options.maxEvent,
    });
  }

  /** Runs until all events have their fates and all results have been read. @throws InputError, DaqError */
  async run(): Promise<void> {
    const { lifecycle } = this.parts;
    const stop = () => this.stopReading();
    lifecycle.stop.addEventListener('abort', stop, { once: true });
    try {
      if (lifecycle.stop.aborted) stop();
      const results = Promise.all(this.results.map((source, decider) => this.readResults(source, decider)));
      await Promise.all([this.readEvents(), this.writeAll().then(() => this.afterEvents()), results]);
      await this.monitors?.close();
      for (const sink of this.sinks) await sink.close();
    } catch (error) {
      for (const sink of this.sinks) sink.abandon();
      this.monitors?.abandon();
      throw error;
    } finally {
      lifecycle.stop.removeEventListener('abort', stop);
      this.closeInputs();
    }
  }

  state(): JoinState {
    const { joiner, counts } = this;
    counts.unmonitored = this.monitors?.missed ?? 0;
    return {
      joiner: joiner.counts,
      receiver: counts,
      waiting: joiner.waiting,
      waitingResults: joiner.waitingResults,
    };
  }

  private async readEvents(): Promise<void> {
    const { pebble, events } = this;
    try {
      for (let reads = 1; !this.stopped; reads++) {
        const time = now();
        while (pebble.next()) while (!this.takeEvent(time)) await this.forRoom();
        this.poke();
        const answer = events.read(pebble.space());
        const bytes = typeof answer === 'number' ? answer : await answer;
        if (bytes === 0) break;
        pebble.filled(bytes);
        // Files answer at once: results, timers and signals need their turn.
        if (reads % READS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      if (pebble.pending > 0 && !this.stopped)
        this.garbled(events, `it ends inside an event: ${pebble.pending} bytes of it came`);
      if (events.lost !== undefined && !this.stopped) this.lost(events, events.lost);
    } catch (error) {
      if (!(error instanceof DaqError && error.code === 'bad_frame')) throw error;
      this.garbled(events, `offset ${error.place.offset}: ${error.message}`);
    } finally {
      this.eventsOver = true;
      this.poke();
    }
  }

  /** @returns false if too many events are undecided */
  private takeEvent(time: number): boolean {
    const { pebble } = this;
    const env = pebble.slab.view.getInt32(pebble.start + DGRAM.env, true);
    if (envType(env) === ENV.marker) this.counts.markers++;
    else if (this.stopped) return true;
    else if (!this.joiner.event(pebble.pid, env, time)) return false;
    else this.held.push(pebble.hold(), pebble.start, pebble.size);
    return true;
  }

  private forRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.room = resolve;
      this.poke();
    });
  }

  private async readResults(source: ByteSource, decider: number): Promise<void> {
    const record = new ResultRecord();
    const end = await readRecords(source, record, {
      input: source.name,
      onRecord: () => {
        if (this.eventsOver && this.joiner.waiting === 0) this.counts.lateResults++;
        else this.joiner.result(decider, record);
      },
      onPause: () => {
        this.counts.batches++;
        this.poke();
      },
    });
    if (!this.stopped) this.resultsEnded(source, end);
    this.joiner.resultsEnded(decider);
    this.poke();
  }

  private resultsEnded(source: ByteSource, end: StreamEnd): void {
    if (end.how === 'lost') this.lost(source, end.why);
    if (end.how === 'garbled') this.garbled(source, end.why);
  }

  /** Joins and writes until every event has left. Nothing is emitted while a write is under way: what it writes must stay. */
  private async writeAll(): Promise<void> {
    for (;;) {
      this.poked = false;
      const some = this.emit();
      if (some) {
        this.monitors?.flush();
        await this.drain();
        if (this.monitors?.behind) await this.monitors.catchUp();
        this.room();
        continue;
      }
      if (this.eventsOver && (this.joiner.waiting === 0 || this.gaveUp)) return;
      await this.forNews();
    }
  }

  /** Hands on the events whose fate is known, until the outputs are full. @returns whether there were some */
  private emit(): boolean {
    const { joiner, delivery, held, recording, monitors } = this;
    const time = now();
    let some = false;
    while (!this.gaveUp) {
      const fate = joiner.next(time);
      if (!fate) break;
      some = true;
      if (fate.reason !== undefined) this.rejected(fate);
      delivery.take(fate, held);
      if (recording?.full || monitors?.behind) break;
    }
    return some;
  }

  private get gaveUp(): boolean {
    return this.parts.options.onMissing === 'stop' && this.joiner.counts.rejected.no_decision > 0;
  }

  private rejected(fate: Fate): void {
    const { options } = this.parts;
    if (fate.reason === 'no_common' && options.noCommon === 'discard') return;
    this.limited.line(now(), () => `event ${fate.pid} is rejected: ${fate.reason}`);
    if (this.gaveUp) this.stopReading();
  }

  private async drain(): Promise<void> {
    try {
      await this.recording?.drain();
      for (const sink of this.sinks) await sink.drain();
      if (this.parts.options.lines) await this.parts.stdout.drain();
      this.delivered = this.joiner.counts.recorded;
    } catch (error) {
      const gone = error instanceof OutputClosed || (error instanceof DaqError && error.code === 'reader-gone');
      if (!gone) throw error;
      this.counts.undelivered = this.joiner.counts.recorded - this.delivered;
      this.counts.lost.push('the reader of the recorded events has gone away');
      throw error;
    }
  }

  /** Waits until something has come, or the oldest event has waited too long. */
  private async forNews(): Promise<void> {
    if (this.poked) return;
    const { deadline } = this.joiner;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (deadline !== undefined) timer = setTimeout(resolve, Math.max(1, Math.ceil(deadline - now())));
    });
    clearTimeout(timer);
  }

  private poke(): void {
    this.poked = true;
    this.wake();
  }

  /** As if the events had ended here; their decisions may still come, for a moment. */
  private stopReading(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.events.close();
    this.room();
    setTimeout(() => this.closeResults(), this.gaveUp ? 0 : GRACE_MS).unref();
    if (this.eventsOver && this.joiner.waiting === 0) this.closeResults();
  }

  /** After a signal nobody waits for the rest of the results; else they are read, so that the decider can end in order. */
  private afterEvents(): void {
    if (this.stopped) this.closeResults();
  }

  private closeResults(): void {
    for (const source of this.results) source.close();
  }

  private closeInputs(): void {
    this.events.close();
    this.closeResults();
  }

  private lost(source: ByteSource, why: string): void {
    this.counts.lost.push(source.name);
    this.parts.say(`${source.name}: ${why}`);
  }

  private garbled(source: ByteSource, why: string): void {
    this.counts.badFrames++;
    this.parts.say(`${source.name}: ${why}`);
  }
}
