/** The publication with its sockets: sets of constants in, messages to everybody out. */

import { randomBytes } from 'node:crypto';
import type { Meter } from '../../cli/metrics.ts';
import { npyFrames, type Stamp } from '../encode/npy-frames.ts';
import { pickleSet } from '../encode/pickle.ts';
import { DeflateMemo } from '../encode/zlib.ts';
import type { ConstantSet } from '../types.ts';
import type { Endpoint, Format } from './endpoint.ts';
import type { Journal } from './journal.ts';
import { Listener, type Outgoing, type Refusal } from './listener.ts';
import { type Order, Publication, type PublicationPolicy, type SubscriberId } from './publication.ts';
import type { SharedSegments } from './segments.ts';
import { wireMessage } from './zmtp.ts';

export interface PublisherOptions {
  policy: PublicationPolicy;
  endpoints: readonly Endpoint[];
  partition: number | undefined;
  /** Contents of our own format go there instead of into messages. */
  segments?: SharedSegments;
  journal?: Journal;
  say: (message: string) => void;
}

/** Refusals are said so often, and counted for ever. */
const MAX_SAID = 20;
const LINGER_MS = 2000;

export class Publisher {
  readonly publication: Publication;
  readonly refused: Record<Refusal, number> = { slow: 0, 'bad-frame': 0, silent: 0 };
  messages = 0;
  bytes = 0;
  staleRuns = 0;
  /** From the last BeginRun until everybody had the constants. */
  seconds = 0;
  private readonly options: PublisherOptions;
  private readonly origin = randomBytes(8).toString('hex');
  private readonly listeners: Listener[] = [];
  private readonly memo = new DeflateMemo();
  private outgoing = new Map<Format, Outgoing>();
  private lastId = 0;
  private seq = 0;
  private begunAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private deliveredAt = Number.NEGATIVE_INFINITY;
  private changed: (() => void) | undefined;
  private opened: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.options = options;
    this.publication = new Publication(options.policy);
  }

  /** Binds all endpoints. @throws DaqError `already-served`, `ipc-refused`, `output-failed`; nothing is bound then */
  async open(): Promise<void> {
    try {
      for (const endpoint of this.options.endpoints) this.listeners.push(await this.listen(endpoint));
    } catch (error) {
      for (const listener of this.listeners) listener.close();
      throw error;
    }
  }

  /** Where it listens, with the ports that were taken. */
  get places(): { text: string; format: Format }[] {
    return this.listeners.map(({ endpoint, port }) => ({
      text: port === undefined ? endpoint.text : endpoint.text.replace(/:0$/, `:${port}`),
      format: endpoint.format,
    }));
  }

  /** Connections now, subscribed or not. */
  get connections(): number {
    return this.listeners.reduce((sum, { size }) => sum + size, 0);
  }

  /** A run begins: what is sent from now on is of this run. */
  begin(exp: string | undefined, run: number): void {
    const { journal, say } = this.options;
    const before = journal?.begin(exp, run) ?? 0;
    if (before > 0) {
      say(
        `run ${run} was sent to ${before} subscribers before this program was started again: of those who join, only readers of npy-frames get it again (--late always sends it to all)`,
      );
    }
    this.outgoing.clear();
    this.begunAt = performance.now();
    this.seq = this.publication.begin(before);
  }

  /**
   * Publishes the constants of the run that began last, and waits while the expected subscribers are waited for. A set that comes after
   * the next `begin` is dropped.
   * @throws DataError `calib-encode`, DaqError `ipc-limit`
   */
  async publish(set: ConstantSet): Promise<void> {
    const { seq } = this;
    if (set.stale) this.staleRuns++;
    const outgoing = await this.encode(set, seq);
    if (seq !== this.seq) return;
    this.outgoing = outgoing;
    this.execute(this.publication.ready(performance.now()));
    if (this.publication.deadline !== undefined) await new Promise<void>((resolve) => (this.opened = resolve));
  }

  /** Waits until everything that was sent has left, and at least `atLeast` copies of the run have. */
  async served(atLeast: number, signal: AbortSignal): Promise<void> {
    const { counts } = this.publication;
    while (!signal.aborted && (counts.served < atLeast || counts.underWay > 0)) await this.change(signal);
  }

  end(): void {
    this.publication.end();
    this.options.journal?.end();
    this.outgoing.clear();
    this.schedule();
  }

  /** Waits until all that was sent has left, for two seconds at most; then lets everybody go. Works any number of times. */
  async close(): Promise<void> {
    this.end();
    const patience = AbortSignal.timeout(LINGER_MS);
    while (!patience.aborted && this.publication.counts.underWay > 0) await this.change(patience);
    if (this.options.segments) await this.readersHaveOpened();
    for (const listener of this.listeners) listener.close();
    this.options.segments?.close();
  }

  /** A reader that has just been told of a segment must find it, although we end. */
  private async readersHaveOpened(): Promise<void> {
    const left = this.deliveredAt + LINGER_MS - performance.now();
    if (left <= 0) return;
    const patience = AbortSignal.timeout(Math.ceil(left));
    while (!patience.aborted && this.connections > 0) await this.change(patience);
  }

  /** Removes what must not be left behind, whatever happens. */
  unlink(): void {
    for (const listener of this.listeners) listener.removeFile();
    this.options.segments?.unlink();
  }

  meters(): Meter[] {
    const counter = (name: string, help: string, value: () => number): Meter => ({
      name,
      help,
      kind: 'counter',
      value,
    });
    return [
      counter('runs_total', 'Runs that began', () => this.publication.counts.runs),
      counter(
        'late_served_total',
        'Subscribers that came while their run was open',
        () => this.publication.counts.late,
      ),
      counter('published_messages_total', 'Messages to single subscribers', () => this.messages),
      counter('published_bytes_total', 'Bytes of these', () => this.bytes),
      counter('stale_runs_published_total', 'Runs published with constants of an earlier one', () => this.staleRuns),
      { name: 'subscribers', help: 'Subscribers now', kind: 'gauge', value: () => this.publication.subscribed },
      {
        name: 'refused_total',
        help: 'Connections that were closed, by reason',
        kind: 'counter',
        label: 'reason',
        value: () => this.refused,
      },
      {
        name: 'seconds_from_beginrun_to_last_send',
        help: 'Of the last run',
        kind: 'gauge',
        value: () => this.seconds,
      },
    ];
  }

  private listen(endpoint: Endpoint): Promise<Listener> {
    const { publication } = this;
    const listener = Listener.open(endpoint, () => ++this.lastId, {
      subscribed: (id, newcomer) => this.execute(publication.subscribedBy(id, newcomer)),
      unsubscribed: (id) => publication.unsubscribedBy(id),
      delivered: (id, seq) => this.delivered(id, seq, endpoint.format),
      left: (id) => {
        publication.left(id);
        this.settled();
      },
      refused: (reason, detail) => this.refuse(endpoint, reason, detail),
    });
    return listener;
  }

  private execute(orders: readonly Order[]): void {
    for (const order of orders) {
      if (order.kind === 'absent') this.sayAbsent(order.present);
      else for (const id of order.to) this.send(id);
    }
    this.schedule();
  }

  private send(id: SubscriberId): void {
    const listener = this.listeners.find((candidate) => candidate.has(id));
    const message = listener && this.outgoing.get(listener.endpoint.format);
    if (message === undefined) return;
    this.messages++;
    this.bytes += message.bytes;
    listener!.send(id, message);
  }

  private delivered(id: SubscriberId, seq: number, format: Format): void {
    this.publication.delivered(id, seq);
    this.deliveredAt = performance.now();
    if (seq === this.seq) {
      this.seconds = (performance.now() - this.begunAt) / 1000;
      if (format !== 'npy-frames') this.options.journal?.sent();
    }
    this.settled();
  }

  /** Something was delivered, or somebody left. */
  private change(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      this.changed = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  private settled(): void {
    this.changed?.();
    if (this.publication.counts.underWay > 0) return;
    // Everybody has heard of the newest segment.
    this.options.segments?.retire();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const { deadline } = this.publication;
    if (deadline === undefined) {
      this.opened?.();
      this.opened = undefined;
      return;
    }
    const wait = Math.max(0, deadline - performance.now());
    this.timer = setTimeout(() => this.execute(this.publication.tick(performance.now())), wait + 1);
  }

  private async encode(set: ConstantSet, seq: number): Promise<Map<Format, Outgoing>> {
    const formats = new Set(this.options.endpoints.map(({ format }) => format));
    const pickled = formats.has('pickle') || formats.has('zlib') ? pickleSet(set) : [];
    const outgoing = new Map<Format, Outgoing>();
    for (const format of formats) {
      const frames =
        format === 'npy-frames'
          ? this.frames(set, seq).map((frame) => [frame])
          : [format === 'zlib' ? await this.memo.deflate(pickled) : pickled];
      outgoing.set(format, outgoingOf(seq, wireMessage(frames)));
    }
    return outgoing;
  }

  private frames(set: ConstantSet, seq: number): Buffer[] {
    const { segments, partition } = this.options;
    const stamp: Stamp = { origin: this.origin, seq, partition };
    return npyFrames(set, stamp, segments?.put(set, seq));
  }

  private sayAbsent(present: number): void {
    const { expect } = this.options.policy;
    this.options.say(
      `${expect - present} of ${expect} expected subscribers have not come; the constants go to ${present}`,
    );
  }

  private refuse({ text }: Endpoint, reason: Refusal, detail: string): void {
    const said = Object.values(this.refused).reduce((sum, count) => sum + count, 0);
    this.refused[reason]++;
    if (said < MAX_SAID) this.options.say(`${text}: a connection is closed: ${detail}`);
    else if (said === MAX_SAID) this.options.say('more connections are closed; they are only counted from here on');
  }
}

function outgoingOf(seq: number, pieces: readonly Buffer[]): Outgoing {
  return { seq, pieces, bytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}
