/**
 * The way of results to the reducer (spec mapreduce.md 3.4, 6.2): PUSH. Nobody says over this way what has arrived, so for a reducer of ours results
 * are kept until Redis says that their keys are accepted; when the reducer is another process, what is left is sent to it.
 */

import { Push } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { connectTo } from '../address/socket.ts';
import { readAcceptedBefore, readAcceptedKeys } from '../redis/accepted.ts';
import { isOurs, type ReducerConfig } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import type { Registry } from '../redis/registry.ts';
import { jointCount, jointMessage, type Result, type ResultSender, singleMessage } from './result-message.ts';
import { Retained } from './retained.ts';

export interface ResultLinkOptions {
  readonly registry: Registry;
  /** Bytes of results that may be unaccepted; then no further event is begun. */
  readonly hold: number;
  readonly say: (message: string) => void;
  /** There is room again. */
  readonly roomy: () => void;
}

const SETTLE_MS = 1000;
const SETTLE_FULL_MS = 50;

export class ResultLink {
  readonly counts = { sent: 0, again: 0, bytes: 0 };
  readonly #options: ResultLinkOptions;
  #socket: Push | undefined;
  #reducer: ReducerConfig | null = null;
  #retained = new Retained();
  #sender: ResultSender = { worker: '', map: '', encoding: '' };
  #queue: Result[] = [];
  #queuedBytes = 0;
  #sending = false;
  #idle: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #settling = false;
  #closed = false;

  constructor(options: ResultLinkOptions) {
    this.#options = options;
    this.#schedule();
  }

  /** A new map: what is left of the old one is for nobody. */
  begin(sender: ResultSender): void {
    this.#sender = sender;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#retained = new Retained();
  }

  /** No further event should be begun. */
  get full(): boolean {
    return this.#queuedBytes + this.#retained.bytes > this.#options.hold;
  }

  /** Results that nobody has confirmed. */
  get unconfirmed(): number {
    return this.#retained.count + this.#queue.length;
  }

  follow(reducer: ReducerConfig | null): void {
    // While there is none, what is known of the last one holds: results go on being kept for its successor.
    if (reducer === null || this.#closed) return;
    const before = this.#reducer;
    this.#reducer = reducer;
    if (before?.service_uuid === reducer.service_uuid && before.url === reducer.url) return;
    this.#socket?.close();
    this.#socket = new Push({
      ...KEEP_ALIVE,
      linger: 2000,
      sendHighWaterMark: 1000,
      reconnectInterval: 50,
      reconnectMaxInterval: 1000,
    });
    connectTo(this.#socket, reducer.url);
    if (this.#retained.count > 0) void this.#sendAgain();
    else this.#pump();
  }

  send(result: Result): void {
    this.#queue.push(result);
    this.#queuedBytes += result.body.length;
    this.#pump();
  }

  #pump(): void {
    if (this.#sending || !this.#socket) return;
    this.#sending = true;
    // What the payload has made of the events of one turn of the event loop goes together.
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    const socket = this.#socket!;
    while (this.#queue.length > 0 && socket === this.#socket) {
      const ours = this.#reducer !== null && isOurs(this.#reducer);
      const results = this.#queue.slice(0, ours ? jointCount(this.#queue) : 1);
      try {
        await socket.send(ours ? jointMessage(results, this.#sender) : singleMessage(results[0]!, this.#sender));
      } catch (error) {
        if (!socket.closed) throw error;
        break;
      }
      // Another map has begun meanwhile.
      if (this.#queue[0] !== results[0]) continue;
      this.#queue.splice(0, results.length);
      for (const result of results) this.#hasSent(result, ours);
    }
    this.#sending = false;
    if (this.#queue.length > 0 && !this.#closed) this.#pump();
    else for (const done of this.#idle.splice(0)) done();
  }

  #hasSent(result: Result, retain: boolean): void {
    this.#queuedBytes -= result.body.length;
    this.counts.sent++;
    this.counts.bytes += result.body.length;
    if (retain) this.#retained.add(result);
  }

  /** Everything has been handed to the socket. */
  sent(): Promise<void> {
    if (this.#queue.length === 0 || this.#closed) return Promise.resolve();
    return new Promise((done) => this.#idle.push(done));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#settle(), this.full ? SETTLE_FULL_MS : SETTLE_MS);
    this.#timer.unref();
  }

  /** Forgets results whose keys are accepted. */
  async #settle(): Promise<void> {
    if (this.#retained.count > 0 && !this.#settling) {
      const wasFull = this.full;
      // Only who has no room left needs to know about the last second.
      await this.#settleNow(wasFull ? readAcceptedKeys : readAcceptedBefore);
      if (wasFull && !this.full) this.#options.roomy();
    }
    this.#schedule();
  }

  async #settleNow(read: typeof readAcceptedKeys): Promise<readonly Result[]> {
    const retained = this.#retained;
    this.#settling = true;
    try {
      return retained.settle((await read(this.#options.registry, this.#sender.map)).keys);
    } catch (error) {
      if (this.#closed) return [];
      // Without an answer everything is kept, and comes twice at worst.
      if (error instanceof BadRecord) this.#options.say(`accepted results: ${error.message}`);
      return retained.settle(new Map());
    } finally {
      this.#settling = false;
    }
  }

  async #sendAgain(): Promise<void> {
    const left = await this.#settleNow(readAcceptedKeys);
    this.#retained = new Retained();
    if (left.length > 0) this.#options.say(`${left.length} results are sent again, to a new reducer`);
    this.counts.again += left.length;
    for (const result of left) this.#queuedBytes += result.body.length;
    this.#queue.unshift(...left);
    this.#pump();
  }

  /** Gives what is queued 2 s to leave. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    for (const done of this.#idle.splice(0)) done();
  }
}
