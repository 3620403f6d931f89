/** Where records go: lines, pictures, snapshots (docs/graph.md). */

import type { ChalkInstance } from 'chalk';
import type { CompiledGraph } from '../compile/compiled.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import type { SnapshotFile } from '../snapshot/file.ts';
import type { Names } from './names.ts';
import { recordJson } from './print.ts';
import { joined, Standing } from './standing.ts';
import { recordText } from './text.ts';

/** A graph in force, and its number in this run: 1, 2, ... */
export interface GraphInForce {
  readonly graph: CompiledGraph;
  readonly version: number;
}

/** Pictures of the outputs as they stand. */
export interface Pictures {
  graph(inForce: GraphInForce): void;
  add(record: HeartbeatRecord): void;
  /** The picture as lines. */
  lines(): readonly string[];
}

export interface ResultOptions {
  readonly names: Names;
  readonly format: 'text' | 'jsonl' | 'plot';
  /** One record for so many heartbeats. */
  readonly every: number;
  /** The last record only. */
  readonly last: boolean;
  readonly snapshot: SnapshotFile | undefined;
  /** For the format `plot`, or for a screen that shows them by itself. */
  readonly pictures: Pictures | undefined;
  /** True if nothing is printed. */
  readonly quiet: boolean;
  readonly line: (text: string) => void;
  readonly colour: ChalkInstance;
}

export class Results {
  readonly #options: ResultOptions;
  readonly #standing: Standing;
  #inForce: GraphInForce | undefined;
  #open: HeartbeatRecord | undefined;
  #last: HeartbeatRecord | undefined;
  #count = 0;
  #frames = 0;

  constructor(options: ResultOptions) {
    this.#options = options;
    this.#standing = new Standing(options.names);
  }

  /** Takes a record, and the graph it was made with. */
  add(record: HeartbeatRecord, inForce: GraphInForce): void {
    const { every, snapshot, pictures } = this.#options;
    if (inForce.graph !== this.#inForce?.graph) this.#follow(inForce);
    const whole = this.#standing.with(record);
    this.#last = whole;
    snapshot?.add({ graph: inForce.graph.spec.name, version: inForce.version, record: whole });
    pictures?.add(whole);
    this.#open = joined(this.#open, this.#standing.chosen(record));
    if (++this.#count % every === 0 && !this.#options.last) this.#print(this.#open);
  }

  /** Nothing comes any more: what is open is printed and written. */
  end(): void {
    const { last, snapshot } = this.#options;
    const record = last ? this.#last : this.#open;
    if (record) this.#print(record);
    snapshot?.end();
  }

  /** Snapshots that could not be written. */
  get failed(): number {
    return this.#options.snapshot?.failed ?? 0;
  }

  #follow(inForce: GraphInForce): void {
    if (this.#inForce) this.#standing.keep(new Set(inForce.graph.outputs));
    this.#inForce = inForce;
    this.#options.pictures?.graph(inForce);
  }

  #print(record: HeartbeatRecord): void {
    this.#open = undefined;
    const { quiet, format, line, colour, pictures } = this.#options;
    if (quiet) return;
    if (format === 'jsonl') return line(recordJson(record));
    if (format === 'plot') {
      // Frames are set apart; one alone needs no more lines than it has.
      if (this.#frames++ > 0) line('');
      for (const text of pictures?.lines() ?? []) line(text);
      return;
    }
    for (const text of recordText(record, colour)) line(text);
  }
}
