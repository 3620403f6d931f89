/**
 * Monitored events of all receivers become whole events (spec teb.md, sections 2.4 and 8.1): the same event builder, over records that
 * carry the word of their buffer in the four bytes before them. Read the streams with `new RecordSplitter({ prefix: MON_PREFIX })`.
 */

import type { BuiltEvent } from '../building/built-event.ts';
import { Contracts } from '../building/contracts.ts';
import { EventBuilder } from '../building/event-builder.ts';
import type { EventBuilderOptions } from '../building/options.ts';
import type { Milliseconds, TriggerConfig, Verdict } from '../types.ts';
import { EbDgram } from '../wire/eb-dgram.ts';
import { sourcesOf } from '../wire/masks.ts';
import { uint32At } from '../wire/words.ts';

/** Bytes of the buffer word before each record of a mon stream. */
export const MON_PREFIX = 4;

/** A monitored event, or a transition; valid until it is released. */
export interface MonitoredEvent {
  readonly event: BuiltEvent;
  /** Word of its buffer; 0 for transitions. */
  readonly monBufNo: number;
  /** Bytes of all records without their headers: what a client needs room for, the Parent dgram aside. */
  readonly payloadBytes: number;
}

export class MonitorBuilder {
  readonly builder: EventBuilder;
  /** Receivers that named another buffer for an event than the others. */
  disagreements = 0;
  private readonly cursor = new EbDgram();

  /** Every detector sends its part of a monitored event, whether it contributes to decisions or not. */
  constructor(config: Pick<TriggerConfig, 'common' | 'drps'>, options: EventBuilderOptions = {}) {
    const contributors = config.drps.map((drp) => drp.id);
    this.builder = new EventBuilder(new Contracts({ ...config, contributors }), options);
  }

  /** Offers a record of a mon stream; its four bytes of prefix must lie before it in its block. */
  contribute(record: EbDgram, now: Milliseconds): Verdict {
    return this.builder.contribute(record, now);
  }

  /** The next whole event; undefined if there is none. */
  next(): MonitoredEvent | undefined {
    const event = this.builder.next();
    if (event === undefined) return undefined;
    let monBufNo: number | undefined;
    let payloadBytes = 0;
    for (const source of sourcesOf(event.presentLow, event.presentHigh)) {
      event.record(source, this.cursor);
      payloadBytes += this.cursor.payloadLength;
      const word = monBufNoOf(this.cursor);
      monBufNo ??= word;
      if (word !== monBufNo) this.disagreements++;
    }
    return { event, monBufNo: monBufNo ?? 0, payloadBytes };
  }

  /** Gives back the oldest `count` events that were taken. */
  release(count = 1): void {
    this.builder.release(count);
  }
}

/** The word of the buffer of a record of a mon stream. */
export function monBufNoOf(record: EbDgram): number {
  return uint32At(record.block, record.at - MON_PREFIX);
}
