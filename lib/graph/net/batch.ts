/** Events on their way to a worker: many in a message. */

import type { Dgram } from '../../xtc/dgram.ts';
import { viewOf } from '../../xtc/dgram.ts';
import { DGRAM } from '../../xtc/layout.ts';
import { isArray, type Value } from '../value.ts';
import type { Message } from './messages.ts';

/** An event as the manager has it: a dgram in a reader's block, or simulated values. */
export type EventData =
  | { readonly kind: 'dgram'; readonly bytes: Buffer }
  | { readonly kind: 'values'; readonly values: readonly (Value | undefined)[] };

const PER_VALUE = 16;

/** Bytes, for the limits of queues. */
export function sizeOf(event: EventData): number {
  if (event.kind === 'dgram') return event.bytes.length;
  return event.values.reduce<number>((sum, value) => sum + (isArray(value) ? value.data.byteLength : PER_VALUE), 0);
}

/** Collects events for one worker. What it is given is copied before the reader moves on. */
export class Batch {
  #numbers: number[] = [];
  #dgrams: Buffer[] = [];
  #values: (readonly (Value | undefined)[])[] = [];
  bytes = 0;

  /** Events. */
  get length(): number {
    return this.#numbers.length;
  }

  add(number: number, event: EventData, size: number): void {
    this.#numbers.push(number);
    this.bytes += size;
    if (event.kind === 'dgram') this.#dgrams.push(event.bytes);
    else this.#values.push([...event.values]);
  }

  /** The message; views of the reader's block are in it until it is encoded. */
  take(): Message {
    const numbers = Float64Array.from(this.#numbers);
    const message: Message =
      this.#values.length > 0
        ? { kind: 'values', numbers, values: this.#values, bytes: this.bytes }
        : { kind: 'events', numbers, dgrams: Buffer.concat(this.#dgrams) };
    this.#numbers = [];
    this.#dgrams = [];
    this.#values = [];
    this.bytes = 0;
    return message;
  }
}

/**
 * Moves `dgram` over the dgrams that lie one after the other in `bytes`.
 * @returns false if they do not fill it exactly
 */
export function eachDgram(bytes: Buffer, dgram: Dgram, use: (index: number) => void): boolean {
  dgram.attach(bytes, viewOf(bytes));
  let index = 0;
  let start = 0;
  while (start + DGRAM.size <= bytes.length) {
    const size = 12 + dgram.view.getUint32(start + DGRAM.extent, true);
    if (size < DGRAM.size || start + size > bytes.length) return false;
    Object.assign(dgram, { start, size, offset: start, index, whole: true });
    use(index++);
    start += size;
  }
  return start === bytes.length;
}
