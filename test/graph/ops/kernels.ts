/** One kernel of every operation and kind of state, with random inputs for it. */

import { compile } from '../../../lib/graph/compile/compile.ts';
import { graphFrom } from '../../../lib/graph/compile/graph-file.ts';
import { OPERATIONS } from '../../../lib/graph/ops/operations.ts';
import type { Kernel } from '../../../lib/graph/types.ts';
import type { Value } from '../../../lib/graph/value.ts';
import type { Random } from '../../random.ts';

export interface Subject {
  readonly title: string;
  readonly kernel: Kernel<unknown>;
  /** Only exact inputs: then results are equal to the last bit. */
  inputs(random: Random): Value[];
}

type Make = (random: Random) => Value;

// Multiples of 1/4 add up exactly, whatever the order.
const number: Make = (random) => (random.below(4000) - 2000) / 4;
const key: Make = (random) => (random.chance(0.05) ? Number.NaN : random.below(5) / 2);
const word: Make = (random) => ['a', 'b', 'c'][random.below(3)]!;
const wave: Make = (random) => {
  const data = Float32Array.from({ length: 6 }, () => number(random) as number);
  return { dtype: 'float32', shape: [6], data };
};
const image: Make = (random) => {
  const data = Uint16Array.from({ length: 6 }, () => random.below(65536));
  return { dtype: 'uint16', shape: [2, 3], data };
};

type Entry = readonly [op: string, parameters: object, inputs: Readonly<Record<string, Make>>];

const BINNED = { binned: true, bins: 4, range: [-500, 500] };

const ENTRIES: readonly Entry[] = [
  ['Average0D', {}, { value: number }],
  ['Average1D', {}, { value: wave }],
  ['Average2D', {}, { value: image }],
  ['Average0D', { n: 7 }, { value: number }],
  ['Average1D', { n: 7 }, { value: wave }],
  ['Average1D', { n: 7, of: 'dealt' }, { value: wave }],
  ['SumN', { n: 5 }, { value: number }],
  ['SumN', { n: 5, of: 'dealt' }, { value: number }],
  ['PickN', { n: 5 }, { value: number }],
  ['PickN', { n: 3 }, { value: wave, value2: number }],
  ['RollingBuffer', { n: 5 }, { value: number, value2: image }],
  ['RollingBuffer', { n: 4, unique: true }, { value: word }],
  ['Latest', {}, { value: image }],
  ['Accumulator', { with: 'sum' }, { value: number }],
  ['Accumulator', { with: 'sum' }, { value: image }],
  ['Accumulator', { with: 'max' }, { value: number }],
  ['Accumulator', { with: 'min' }, { value: number }],
  ...['sum', 'max', 'min', 'count', 'mean'].map((one): Entry => ['ReduceByKey', { with: one }, { key, value: number }]),
  ['ReduceByKey', { with: 'sum' }, { key: word, value: wave }],
  ['Binning', { bins: 5, range: [-400, 400] }, { value: number }],
  ['Binning', { bins: 5, range: [-400, 400] }, { value: wave, weight: number }],
  ['Binning2D', { xbins: 3, ybins: 4, xrange: [-400, 400], yrange: [0, 400] }, { x: wave, y: wave }],
  ['MeanVsScan', {}, { key, value: number, value2: number }],
  ['MeanVsScan', BINNED, { key: number, value: number }],
  ['MeanWaveformVsScan', {}, { key: word, value: wave }],
  ['MeanWaveformVsScan', BINNED, { key: number, value: wave }],
  ['StatsVsScan', {}, { key, value: number }],
  ['StatsVsScan', BINNED, { key: number, value: number }],
  ['EMA', { keep: 0.9 }, { value: number }],
  ['EMA', { keep: 0.5 }, { value: wave }],
];

/** @throws Error if an operation is missing here */
export function subjects(): readonly Subject[] {
  const missing = [...OPERATIONS.keys()].filter((name) => !ENTRIES.some(([op]) => op === name));
  if (missing.length > 0) throw new Error(`no test inputs for ${missing.join(', ')}`);
  return ENTRIES.map(([op, parameters, makers]) => {
    const roles = Object.keys(makers);
    const sources = roles.map((name) => ({ name }));
    const one = { id: 'one', op, in: Object.fromEntries(roles.map((role) => [role, role])), ...parameters };
    const compiled = compile(graphFrom({ graph: 1, name: 'one', sources, nodes: [one] }, ''), {
      workers: 1,
      collectors: 1,
      amiCompat: false,
      windowLimit: 1 << 30,
    });
    const node = 'graph' in compiled ? compiled.graph.nodes[0] : undefined;
    if (node?.kind !== 'operation') throw new Error(JSON.stringify(compiled));
    const title = `${op} ${JSON.stringify(parameters)} of ${roles.join(', ')}`;
    const order = node.arrows.map(({ role }) => makers[role]!);
    return { title, kernel: node.kernel, inputs: (random) => order.map((make) => make(random)) };
  });
}
