/**
 * Messages for one worker, in order, and what the socket says of them (spec mapreduce.md 6.4). Nothing is lost by a worker that is away:
 * its messages wait until it is back, its events are over, or the map is.
 */

import { bytesOf } from '../frames/types.ts';
import type { Message } from './event-frames.ts';
import { Fifo } from './fifo.ts';

/** Events of one message: small frames travel together. */
const BATCH_EVENTS = 64;
const BATCH_BYTES = 32 << 10;

export type Attempted = 'sent' | 'full' | 'away';

export interface OutboxOptions {
  /** Sends messages as one; tells what became of it. */
  readonly send: (messages: readonly Message[]) => Promise<Attempted>;
  readonly delivered: (message: Message) => void;
  readonly undeliverable: (message: Message) => void;
}

/** A full peer has no event that tells of room; it is asked again, more and more rarely. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 32;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #messages = new Fifo<Message>();
  #pumping = false;
  #away = false;
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The worker takes several events in one message. */
  batches = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#messages.length;
  }

  put(message: Message): void {
    this.#messages.put(message);
    if (this.#away) this.#forgetOver();
    else if (!this.#pumping) this.#start();
  }

  /** Where events may travel together, those of one turn of the event loop do. */
  #start(): void {
    this.#pumping = true;
    if (this.batches) setImmediate(() => void this.#pump());
    else void this.#pump();
  }

  /** The worker has shown itself. @param batches it takes several events in one message */
  back(batches = this.batches): void {
    this.batches = batches;
    this.#away = false;
    if (!this.#pumping) this.#start();
  }

  /** Everything in it is given up: the worker is another one, or the map is over. */
  clear(): void {
    for (const message of this.#messages.clear()) this.#options.undeliverable(message);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.clear();
  }

  async #pump(): Promise<void> {
    while (!this.#closed && this.#messages.length > 0) {
      const batch = this.#take();
      const attempted = await this.#options.send(batch);
      if (attempted === 'sent') {
        this.#pause = FIRST_PAUSE_MS;
        for (const message of batch) this.#options.delivered(message);
        continue;
      }
      this.#putBack(batch);
      if (attempted === 'away') {
        this.#away = true;
        break;
      }
      await this.#wait();
    }
    this.#pumping = false;
  }

  #take(): Message[] {
    const batch = [this.#messages.take()!];
    if (!this.batches) return batch;
    let bytes = sizeOf(batch[0]!);
    while (batch.length < BATCH_EVENTS) {
      const { first } = this.#messages;
      if (first === undefined || (bytes += sizeOf(first)) > BATCH_BYTES) break;
      batch.push(this.#messages.take()!);
    }
    return batch;
  }

  #putBack(batch: readonly Message[]): void {
    const behind = this.#messages.clear();
    for (const message of [...batch, ...behind]) {
      if (this.#closed) this.#options.undeliverable(message);
      else this.#messages.put(message);
    }
  }

  /** A worker that stays away must not hold frames of events that are over. */
  #forgetOver(): void {
    while (this.#messages.first?.of.released) this.#options.undeliverable(this.#messages.take()!);
  }

  async #wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, this.#pause);
    });
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }
}

function sizeOf({ streams }: Message): number {
  let bytes = 0;
  for (const { data } of streams) bytes += bytesOf(data);
  return bytes;
}
