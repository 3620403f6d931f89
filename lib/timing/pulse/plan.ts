import type { Ticks } from '../machine.ts';
import { GROUPS, type Group, LAST_CODE, type Partition, type Pattern } from '../partition.ts';
import { isPeriodic } from './pattern.ts';
import { type KnownEngine, type Sources, sourceOfCode } from './source.ts';

/** Group bits fed by one engine: `bitsOf[request & 15]`. */
export interface EngineFeed {
  readonly source: KnownEngine;
  readonly bitsOf: Uint8Array;
  readonly groups: number;
}

/** How the candidate bits of all groups come about (docs/timing.md, step 4). */
export interface Plan {
  readonly partition: Partition;
  readonly sources: Sources;
  readonly period: Ticks;
  /** Bits of the groups in use. */
  readonly inUse: number;
  /** Groups that fire on every multiple of an interval (markers; every tick for unknown codes; mains boundaries). */
  readonly strides: readonly { readonly interval: Ticks; readonly bits: number }[];
  readonly patterns: readonly { readonly pattern: Pattern; readonly bits: number; readonly periodic: boolean }[];
  readonly engines: readonly EngineFeed[];
  /** Destination gate of a beam that changes from pulse to pulse; null when constant or unknown. */
  readonly gate: Gate | null;
  /** Groups whose select and destination are both known (spec timing 13.3), the common one included. */
  readonly known: number;
  /** Whether the common group's own select is known; differs from `known` only with autoCommon. */
  readonly ownKnown: boolean;
  /** Groups with an unknown event code or undefined marker, by what they share. */
  readonly unknownRates: ReadonlyMap<string, number>;
  /** Groups that wait for mains slots. */
  readonly mains: readonly Group[];
}

export interface Gate {
  readonly runs: readonly { readonly pattern: Pattern; readonly destination: number }[];
  /** Group bits that stay open by destination; the entry NO_BEAM for no beam. */
  readonly openFor: Uint8Array;
  /** Groups that depend on it. */
  readonly bits: number;
  readonly periodic: boolean;
}

export const NO_BEAM = 16;

/** Builds the plan of a partition. */
export function makePlan(partition: Partition, sources: Sources): Plan {
  const builder = new PlanBuilder(partition, sources);
  for (const group of partition.groups) builder.add(group);
  return builder.plan();
}

class PlanBuilder {
  readonly #partition: Partition;
  readonly #sources: Sources;
  readonly #strides: { interval: Ticks; bits: number }[] = [];
  readonly #patterns: { pattern: Pattern; bits: number; periodic: boolean }[] = [];
  readonly #engines = new Map<number, { source: KnownEngine; bitsOf: Uint8Array; groups: number }>();
  readonly #unknownRates = new Map<string, number>();
  readonly #mains: Group[] = [];
  #inUse = 0;
  #known = 0;

  constructor(partition: Partition, sources: Sources) {
    this.#partition = partition;
    this.#sources = sources;
  }

  add(group: Group): void {
    const bit = 1 << group.index;
    this.#inUse |= bit;
    const open = destinationOpen(group, this.#partition);
    const rateKnown = this.#addRate(group, bit, open !== 'never');
    if (rateKnown && open !== 'unknown') this.#known |= bit;
  }

  /** Paints the rate select (unless the group can never fire) and says whether it is known. */
  #addRate(group: Group, bit: number, paint: boolean): boolean {
    const select = group.select;
    if (select === null) return true;
    switch (select.kind) {
      case 'fixed':
        if (paint) this.#strides.push({ interval: select.interval, bits: bit });
        return true;
      case 'mains':
        if (paint) this.#strides.push({ interval: this.#partition.machine.mainsBoundary, bits: bit });
        this.#mains.push(group);
        return false;
      case 'undefinedMarker':
        return this.#addUnknown(`marker ${select.index}`, bit, paint);
      case 'code':
        return this.#addCode(select.code, bit, paint);
    }
  }

  #addCode(code: number, bit: number, paint: boolean): boolean {
    if (code > LAST_CODE) return true;
    const source = sourceOfCode(this.#partition, this.#sources, code);
    if (source.kind === 'unknown') return this.#addUnknown(`code ${code}`, bit, paint);
    if (!paint) return true;
    if (source.kind === 'pattern') {
      for (const pattern of source.patterns) {
        this.#patterns.push({ pattern, bits: bit, periodic: isPeriodic(pattern, this.#partition.machine.period) });
      }
      return true;
    }
    const { engine } = source.source;
    const feed = this.#engines.get(engine) ?? { source: source.source, bitsOf: new Uint8Array(16), groups: 0 };
    this.#engines.set(engine, feed);
    feed.groups |= bit;
    for (let request = 0; request < 16; request++) {
      if ((request >> source.bit) & 1) feed.bitsOf[request] = (feed.bitsOf[request] as number) | bit;
    }
    return true;
  }

  #addUnknown(name: string, bit: number, paint: boolean): false {
    if (paint) this.#strides.push({ interval: 1, bits: bit });
    this.#unknownRates.set(name, (this.#unknownRates.get(name) ?? 0) | bit);
    return false;
  }

  plan(): Plan {
    const { common, autoCommon, machine } = this.#partition;
    const commonBit = 1 << common;
    const ownKnown = (this.#known & commonBit) !== 0 || (this.#inUse & commonBit) === 0;
    let known = this.#known;
    if (autoCommon) {
      const others = this.#inUse & ~commonBit;
      known = (known & others) === others ? known | commonBit : known & ~commonBit;
    }
    return {
      partition: this.#partition,
      sources: this.#sources,
      period: machine.period,
      inUse: this.#inUse,
      strides: this.#strides,
      patterns: this.#patterns,
      engines: [...this.#engines.values()],
      gate: makeGate(this.#partition),
      known,
      ownKnown,
      unknownRates: this.#unknownRates,
      mains: this.#mains,
    };
  }
}

/** What the destination requirement of a group means under the given beam. */
function destinationOpen(group: Group, partition: Partition): 'always' | 'never' | 'gated' | 'unknown' {
  if (group.destinations === null) return 'always';
  if (group.destinations === 0) return 'never';
  switch (partition.beam.kind) {
    case 'none':
      return 'never';
    case 'always':
      return (group.destinations >> partition.beam.destination) & 1 ? 'always' : 'never';
    case 'runs':
      return 'gated';
    case 'unknown':
      return 'unknown';
  }
}

function makeGate(partition: Partition): Gate | null {
  const { beam, machine } = partition;
  if (beam.kind !== 'runs') return null;
  const openFor = new Uint8Array(NO_BEAM + 1);
  let bits = 0;
  for (let g = 0; g < GROUPS; g++) {
    const destinations = partition.groups.find((group) => group.index === g)?.destinations ?? null;
    if (destinations !== null) bits |= 1 << g;
    for (let d = 0; d <= NO_BEAM; d++) {
      const open = destinations === null || (d < NO_BEAM && ((destinations >> d) & 1) === 1);
      if (open) openFor[d] = (openFor[d] as number) | (1 << g);
    }
  }
  if (bits === 0) return null;
  return {
    runs: beam.runs,
    openFor,
    bits,
    periodic: beam.runs.every((run) => isPeriodic(run.pattern, machine.period)),
  };
}
