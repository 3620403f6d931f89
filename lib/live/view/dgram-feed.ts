/** Values of a stream of dgrams. Scalars of every event; arrays as often as somebody can look at them. */

import { setImmediate } from 'node:timers/promises';
import { DgramReader } from '../../stream/dgram-reader.ts';
import type { ByteSource } from '../../stream/source.ts';
import { Fields } from '../../xtc/fields.ts';
import { SERVICE } from '../../xtc/service.ts';
import { EPICS_EPOCH, type Epoch, formatUtc } from '../../xtc/time.ts';
import { Walker } from '../../xtc/walk.ts';
import type { Board } from './board.ts';
import type { Feed } from './feed.ts';
import { type OfferedHere, offeredBy } from './offer.ts';

export interface DgramFeedOptions {
  readonly board: Board;
  readonly epoch: Epoch;
  /** Milliseconds between two arrays of one field. */
  readonly period: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Descriptions have come. */
  readonly onOffer: (fields: readonly OfferedHere[]) => void;
  readonly stop?: AbortSignal;
}

/** A fast input leaves the viewers a turn at least this often, in milliseconds. */
const TURN_MS = 20;

export class DgramFeed implements Feed {
  readonly name: string;
  readonly axis = 'time' as const;
  readonly bad = 0;
  events = 0;
  arrived: number | undefined;
  private readonly options: DgramFeedOptions;
  private readonly reader: DgramReader;
  private readonly walker = new Walker();
  private selected: readonly string[] = [];
  private fields = new Fields([]);
  private armedAt = Number.NEGATIVE_INFINITY;
  private readonly last = { sec: 0, nsec: 0 };

  constructor(source: ByteSource, options: DgramFeedOptions) {
    this.name = source.name;
    this.options = options;
    this.reader = new DgramReader(source, options.stop ? { stop: options.stop } : {});
  }

  get read(): number {
    return this.reader.framed;
  }

  get time(): string {
    return this.events === 0 ? '' : formatUtc(this.last.sec, this.last.nsec, this.options.epoch);
  }

  words(): readonly string[] {
    return this.reader.findings.map(({ code, offset, detail }) => `${code} at ${offset}: ${detail}`);
  }

  select(fields: readonly string[]): void {
    // A name that no description could have is never found, and says so by its absence.
    this.selected = fields.filter((name) => name.split(':').length >= 3);
    this.fields = new Fields(this.selected.map((name) => ({ name, from: name })));
    this.armedAt = Number.NEGATIVE_INFINITY;
  }

  async run(): Promise<void> {
    const { now } = this.options;
    let turn = now();
    do {
      const time = now();
      this.arm(time);
      while (this.reader.next()) this.take(time);
      if (now() - turn < TURN_MS) continue;
      await setImmediate();
      turn = now();
    } while (await this.reader.fill());
  }

  close(): void {
    this.reader.close();
  }

  /** Arrays are looked at again when their time has come. */
  private arm(now: number): void {
    if (now - this.armedAt < this.options.period) return;
    this.armedAt = now;
    this.fields.paused.fill(false);
  }

  private take(now: number): void {
    const { dgram } = this.reader;
    const { fields } = this;
    if (dgram.service === SERVICE.Configure) fields.forget();
    fields.clear();
    this.walker.walk(dgram, fields);
    this.arrived = now;
    if (dgram.service === SERVICE.L1Accept) {
      this.events++;
      this.last.sec = dgram.sec;
      this.last.nsec = dgram.nsec;
    } else if (dgram.service === SERVICE.Configure) this.options.onOffer(offeredBy(this.walker.table));
    this.giveValues(dgram.sec + dgram.nsec / 1e9 + (this.options.epoch === 'epics' ? EPICS_EPOCH : 0), now);
  }

  private giveValues(time: number, now: number): void {
    const { values, paused } = this.fields;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === undefined) continue;
      this.options.board.add(this.selected[i]!, value, time, now);
      // Every number counts in a trend; of arrays one per picture is enough.
      if (typeof value === 'object') paused[i] = true;
    }
  }
}
