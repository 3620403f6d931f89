/** Records of a graph, one JSON object a line, as `graph-run --format jsonl` writes them (spec graph.md 5). */

import { setImmediate } from 'node:timers/promises';
import { printable } from '../../cli/screen/text.ts';
import { DataError } from '../../errors.ts';
import { type Value, valueFromJson } from '../../json/value.ts';
import type { ByteSource } from '../../stream/source.ts';
import type { Board } from './board.ts';
import type { Feed } from './feed.ts';
import { type OfferedHere, offeredByOutputs } from './offer.ts';

export interface RecordFeedOptions {
  readonly board: Board;
  readonly now: () => number;
  /** Outputs have come that were not known. */
  readonly onOffer: (fields: readonly OfferedHere[]) => void;
}

const BLOCK = 1 << 20;
/** A line that is longer is no record. */
const LONGEST = 256 << 20;
const NEWLINE = 10;

export class RecordFeed implements Feed {
  readonly name: string;
  readonly axis = 'heartbeat' as const;
  read = 0;
  arrived: number | undefined;
  bad = 0;
  private heartbeat: number | undefined;
  private firstFault = '';
  private readonly source: ByteSource;
  private readonly options: RecordFeedOptions;
  private readonly known = new Map<string, Value>();

  constructor(source: ByteSource, options: RecordFeedOptions) {
    this.name = source.name;
    this.source = source;
    this.options = options;
  }

  get events(): number {
    return this.read - this.bad;
  }

  get time(): string {
    return this.heartbeat === undefined ? '' : `heartbeat ${this.heartbeat}`;
  }

  words(): readonly string[] {
    return this.bad === 0 ? [] : [`${this.bad} of ${this.read} lines are no records; the first: ${this.firstFault}`];
  }

  /** Every output of a record is parsed anyway. */
  select(): void {}

  async run(): Promise<void> {
    const block = Buffer.allocUnsafeSlow(BLOCK);
    let parts: Buffer[] = [];
    let waiting = 0;
    for (;;) {
      const bytes = await this.source.read(block);
      let start = 0;
      for (let end = block.indexOf(NEWLINE); end >= 0 && end < bytes; end = block.indexOf(NEWLINE, start)) {
        this.line(Buffer.concat([...parts, block.subarray(start, end)]).toString());
        parts = [];
        waiting = 0;
        start = end + 1;
      }
      if (bytes === 0) break;
      waiting += bytes - start;
      if (waiting > LONGEST) throw new DataError('graph-record', `a line of more than ${LONGEST} bytes is no record`);
      parts.push(Buffer.from(block.subarray(start, bytes)));
      await setImmediate();
    }
    if (waiting > 0) this.line(Buffer.concat(parts).toString());
  }

  close(): void {
    this.source.close();
  }

  private line(text: string): void {
    if (text.trim() === '') return;
    this.read++;
    try {
      this.record(JSON.parse(text));
    } catch (error) {
      this.bad++;
      this.firstFault ||= printable((error as Error).message);
    }
  }

  private record(json: unknown): void {
    const { heartbeat, outputs } = (json ?? {}) as { heartbeat?: unknown; outputs?: unknown };
    if (typeof heartbeat !== 'number' || typeof outputs !== 'object' || outputs === null)
      throw new DataError('graph-record', 'a record has a heartbeat and outputs');
    this.arrived = this.options.now();
    this.heartbeat = heartbeat;
    const values = Object.entries(outputs).flatMap(([name, part]): [string, Value][] => {
      const value = valueFromJson(part);
      return value === undefined ? [] : [[name, value]];
    });
    const unknown = values.filter(([name]) => !this.known.has(name));
    for (const [name, value] of unknown) this.known.set(name, value);
    // Said before the values, so that who wants the usual plots gets the first ones too.
    if (unknown.length > 0) this.options.onOffer(offeredByOutputs(this.known));
    for (const [name, value] of values) this.options.board.add(name, value, heartbeat, this.arrived);
  }
}
