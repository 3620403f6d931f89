/**
 * One client of the monitors: event-built dgrams into a pipe, socket or file. What it has been given and has not taken holds its buffers;
 * nothing waits for it. When it goes away its buffers come back.
 */

import { OutputClosed } from '../../cli/output.ts';
import type { DgramSink } from '../../stream/sink.ts';

export interface ClientEvents {
  /** The client has taken an event, or will not any more: its buffer is free again. */
  taken(word: number): void;
  /** The client is gone; its buffers come next. */
  gone(why: string): void;
}

interface Given {
  dgram: Buffer;
  /** 0 for transitions. */
  word: number;
}

/** Transitions that a client may leave unread before it counts as gone: nothing else bounds them. */
const MOST_TRANSITIONS = 1000;

export class ClientOutput {
  readonly name: string;
  /** Events that it has taken, events that it had not when it went, and events too big for it. */
  delivered = 0;
  lost = 0;
  tooBig = 0;
  transitions = 0;
  private readonly sink: DgramSink;
  private readonly limit: number;
  private readonly events: ClientEvents;
  private queue: Given[] = [];
  private underWay: Promise<void> | undefined;
  private over = false;

  /** @param limit largest dgram it gets, in bytes */
  constructor(sink: DgramSink, limit: number, events: ClientEvents) {
    this.name = sink.name;
    this.sink = sink;
    this.limit = limit;
    this.events = events;
  }

  get connected(): boolean {
    return !this.over;
  }

  /** Buffers it holds. */
  get held(): number {
    return this.queue.reduce((sum, { word }) => sum + (word === 0 ? 0 : 1), 0);
  }

  /** @returns false if it is too big for this client, and is not taken */
  give(dgram: Buffer, word: number): boolean {
    if (dgram.length > this.limit) {
      this.tooBig++;
      return false;
    }
    this.queue.push({ dgram, word });
    if (this.queue.length - this.held > MOST_TRANSITIONS) this.leave('it has stopped reading');
    else this.underWay ??= this.write();
    return true;
  }

  /** What it has been given is passed on, unless it goes away. */
  async close(): Promise<void> {
    await this.underWay;
    if (this.over) return;
    try {
      await this.sink.close();
      this.over = true;
    } catch (error) {
      this.leave(reason(error));
    }
  }

  /** Writes dgram by dgram: a buffer is held until its own event has been taken, and no longer. */
  private async write(): Promise<void> {
    // Not before the caller has done with this event.
    await Promise.resolve();
    try {
      while (!this.over && this.queue.length > 0) {
        this.sink.bytes(this.queue[0]!.dgram);
        await this.sink.drain();
        if (this.over) return;
        const { word } = this.queue.shift()!;
        if (word === 0) this.transitions++;
        else {
          this.delivered++;
          this.events.taken(word);
        }
      }
    } catch (error) {
      this.leave(reason(error));
    } finally {
      this.underWay = undefined;
    }
  }

  /** It is not served any more. Works any number of times. */
  leave(why: string): void {
    if (this.over) return;
    this.over = true;
    const { queue } = this;
    this.queue = [];
    this.sink.abandon();
    this.events.gone(why);
    for (const { word } of queue) {
      if (word === 0) continue;
      this.lost++;
      this.events.taken(word);
    }
  }
}

function reason(error: unknown): string {
  return error instanceof OutputClosed ? 'it has gone away' : (error as Error).message;
}
