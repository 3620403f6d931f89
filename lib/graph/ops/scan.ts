/** What MeanVsScan, MeanWaveformVsScan and StatsVsScan share: one cell per key or per bin (spec graph.md 2.5). */

import type { EventInfo, Kernel } from '../types.ts';
import { isArray, type Key, type Value } from '../value.ts';
import { type Axis, centresOf, edgesOf, NOT_A_NUMBER, OVERFLOW, UNDERFLOW } from './axis.ts';
import { compareKeys, keyOf } from './key.ts';
import { asNumber } from './sum.ts';

/** What is gathered per key. */
export interface CellKind<C> {
  readonly ports: readonly string[];
  zero(): C;
  add(cell: C, values: readonly Value[]): void;
  merge(cell: C, part: C): void;
  count(cell: C): number;
  /** Values of `ports` for the cells in order; undefined for an empty bin. */
  output(cells: readonly (C | undefined)[]): readonly (Value | undefined)[];
}

interface Scan<C> {
  /** By key, or by number of the bin; UNDERFLOW and OVERFLOW are cells too. */
  cells: Map<Key, C>;
}

/** By value of the key: ports `keys`, `count` and those of the cells. */
export function keyedScan<C>(kind: CellKind<C>): Kernel<Scan<C>> {
  return {
    ...gathering(kind, (key) => keyOf(key)),
    ports: ['keys', 'count', ...kind.ports],
    output({ cells }) {
      const keys = [...cells.keys()].sort(compareKeys);
      const ordered = keys.map((key) => cells.get(key) as C);
      return [keys, ordered.map((cell) => kind.count(cell)), ...kind.output(ordered)];
    },
  };
}

/** By bin: ports `edges`, `centres`, `underflow`, `overflow`, `count` and those of the cells. */
export function binnedScan<C>(kind: CellKind<C>, along: Axis): Kernel<Scan<C>> {
  const inCell = (cells: Map<Key, C>, bin: number) => {
    const cell = cells.get(bin);
    return cell === undefined ? 0 : kind.count(cell);
  };
  return {
    ...gathering(kind, (key) => binOf(along, key)),
    ports: ['edges', 'centres', 'underflow', 'overflow', 'count', ...kind.ports],
    output({ cells }) {
      const ordered = Array.from({ length: along.bins }, (_, bin) => cells.get(bin));
      const counts = ordered.map((cell) => (cell === undefined ? 0 : kind.count(cell)));
      const beside = [inCell(cells, UNDERFLOW), inCell(cells, OVERFLOW)];
      return [edgesOf(along), centresOf(along), ...beside, counts, ...kind.output(ordered)];
    },
  };
}

/**
 * As AMI does: bins + 1 entries labelled by their right edge; the first holds what lies below, empty ones are 0, and what is not below
 * the last edge is left out (spec 1.3, MeanVsScan).
 */
export function binnedScanOfAmi<C>(kind: CellKind<C>, along: Axis): Kernel<Scan<C>> {
  const high = along.edges[along.bins]!;
  return {
    ...gathering(kind, (key) => (asNumber(key) === high ? undefined : binOf(along, key))),
    ports: ['edges', 'centres', 'underflow', 'overflow', 'count', ...kind.ports],
    output({ cells }) {
      const ordered = [cells.get(UNDERFLOW), ...Array.from({ length: along.bins }, (_, bin) => cells.get(bin))];
      const counts = ordered.map((cell) => (cell === undefined ? 0 : kind.count(cell)));
      const values = kind.output(ordered).map((value) => zeroForNothing(value));
      return [edgesOf(along), centresOf(along), undefined, undefined, counts, ...values];
    },
  };
}

function zeroForNothing(value: Value | undefined): Value {
  if (value === undefined) return 0;
  return Array.isArray(value) ? value.map((item) => zeroForNothing(item as Value | undefined)) : value;
}

function binOf(along: Axis, key: Value): number | undefined {
  const bin = along.bin(asNumber(key));
  return bin === NOT_A_NUMBER ? undefined : bin;
}

function gathering<C>(
  kind: CellKind<C>,
  place: (key: Value) => Key | undefined,
): Pick<Kernel<Scan<C>>, 'zero' | 'add' | 'merge'> {
  return {
    zero: () => ({ cells: new Map() }),
    add(state: Scan<C>, inputs: readonly Value[], _: EventInfo) {
      const key = place(inputs[0] as Value);
      if (key === undefined) return false;
      let cell = state.cells.get(key);
      if (cell === undefined) {
        cell = kind.zero();
        kind.add(cell, inputs);
        // Only now: a value that fails must not leave an empty cell.
        state.cells.set(key, cell);
      } else kind.add(cell, inputs);
      return true;
    },
    merge(state: Scan<C>, part: Scan<C>) {
      for (const [key, cell] of part.cells) {
        const own = state.cells.get(key);
        if (own === undefined) state.cells.set(key, cell);
        else kind.merge(own, cell);
      }
    },
  };
}

interface Means {
  count: number;
  sums: number[];
}

/** Ports `mean`, `mean2`, ... @param values how many share the axis */
export function meanCells(values: number): CellKind<Means> {
  return {
    ports: Array.from({ length: values }, (_, i) => (i === 0 ? 'mean' : `mean${i + 1}`)),
    zero: () => ({ count: 0, sums: new Array<number>(values).fill(0) }),
    add(cell, inputs) {
      const numbers = inputs.slice(1).map(asNumber);
      for (let i = 0; i < values; i++) cell.sums[i]! += numbers[i]!;
      cell.count++;
    },
    merge(cell, part) {
      for (let i = 0; i < values; i++) cell.sums[i]! += part.sums[i]!;
      cell.count += part.count;
    },
    count: (cell) => cell.count,
    output: (cells) =>
      Array.from({ length: values }, (_, i) => cells.map((cell) => (cell ? cell.sums[i]! / cell.count : undefined))),
  };
}

interface Waveforms {
  count: number;
  sum: Float64Array | undefined;
}

/** Ports `index`, `mean` [sample][key]. */
export function waveformCells(): CellKind<Waveforms> {
  return {
    ports: ['index', 'mean'],
    zero: () => ({ count: 0, sum: undefined }),
    add(cell, inputs) {
      const wave = inputs[1];
      if (!isArray(wave) || wave.shape.length !== 1) throw new Error('a waveform is wanted');
      if (cell.sum === undefined) cell.sum = Float64Array.from(wave.data);
      else addSamples(cell.sum, wave.data);
      cell.count++;
    },
    merge(cell, part) {
      if (cell.sum === undefined) cell.sum = part.sum;
      else if (part.sum !== undefined) addSamples(cell.sum, part.sum);
      cell.count += part.count;
    },
    count: (cell) => cell.count,
    output(cells) {
      const length = cells.reduce((most, cell) => Math.max(most, cell?.sum?.length ?? 0), 0);
      const rows = Array.from({ length }, (_, sample) =>
        cells.map((cell) => (cell?.sum === undefined ? undefined : cell.sum[sample]! / cell.count)),
      );
      return [rows.map((_, sample) => sample), rows];
    },
  };
}

function addSamples(sum: Float64Array, samples: ArrayLike<number>): void {
  if (samples.length !== sum.length)
    throw new Error(`a waveform of ${samples.length} samples among those of ${sum.length}`);
  for (let i = 0; i < sum.length; i++) sum[i]! += samples[i]!;
}

interface Moments {
  count: number;
  mean: number;
  /** Sum of squared distances from the mean. */
  m2: number;
}

/** Ports `mean`, `std` of the population, `error` = std / sqrt(count); merged by the pairwise rule of Chan et al. */
export function momentCells(): CellKind<Moments> {
  const std = ({ m2, count }: Moments) => Math.sqrt(m2 / count);
  return {
    ports: ['mean', 'std', 'error'],
    zero: () => ({ count: 0, mean: 0, m2: 0 }),
    add(cell, inputs) {
      const x = asNumber(inputs[1] as Value);
      cell.count++;
      const distance = x - cell.mean;
      cell.mean += distance / cell.count;
      cell.m2 += distance * (x - cell.mean);
    },
    merge(cell, part) {
      const count = cell.count + part.count;
      if (count === 0) return;
      const distance = part.mean - cell.mean;
      cell.mean += (distance * part.count) / count;
      cell.m2 += part.m2 + (distance * distance * cell.count * part.count) / count;
      cell.count = count;
    },
    count: (cell) => cell.count,
    output: (cells) => [
      cells.map((cell) => cell?.mean),
      cells.map((cell) => cell && std(cell)),
      cells.map((cell) => cell && std(cell) / Math.sqrt(cell.count)),
    ],
  };
}
