/** All operations: roles, parameters, and the kernel they make (spec graph.md 2.5). */

import type { Parameters } from '../compile/parameters.ts';
import type { Kernel } from '../types.ts';
import { accumulator, REDUCTIONS } from './accumulator.ts';
import { average } from './average.ts';
import { axis } from './axis.ts';
import { binning } from './binning.ts';
import { binning2d } from './binning-2d.ts';
import { dealtGroups } from './dealt-groups.ts';
import { movingAverage } from './ema.ts';
import { latest } from './latest.ts';
import { KEYED_REDUCTIONS, reduceByKey } from './reduce-by-key.ts';
import {
  binnedScan,
  binnedScanOfAmi,
  type CellKind,
  keyedScan,
  meanCells,
  momentCells,
  waveformCells,
} from './scan.ts';
import { divided } from './sum.ts';
import { AVERAGED, groups, PICKED, SUMMED, sliding } from './window.ts';

/** What a role accepts; `any` is everything, `1` and `2` are arrays of that rank. */
export type Accepts = 'number' | 'key' | 'summable' | 'any' | 'elements' | 1 | 2;

/** What a kernel is made from besides its parameters. */
export interface Setting {
  /** Roles of the node in the order of the inputs. */
  readonly roles: readonly string[];
  readonly of: 'used' | 'dealt';
  readonly amiCompat: boolean;
}

export interface Operation {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** True if value2, value3, ... may follow `value`. */
  readonly repeats: boolean;
  readonly accepts: Readonly<Record<string, Accepts>>;
  /** Parameter with the length of a window, if the node has one. */
  readonly window?: 'n';
  /** @throws ParameterError */
  make(parameters: Parameters, setting: Setting): Kernel<unknown>;
}

const MAX_BINS = 1e7;

type Shape = Partial<Omit<Operation, 'make'>>;

function operation(shape: Shape, make: Operation['make']): Operation {
  return { required: ['value'], optional: [], repeats: false, accepts: {}, ...shape, make };
}

function averageOf(accepts: Accepts): Operation {
  return operation({ accepts: { value: accepts }, window: 'n' }, (parameters, { of }) => {
    if (!parameters.has('n')) return average();
    const n = parameters.count('n');
    return of === 'used'
      ? groups(n, AVERAGED)
      : dealtGroups(n, AVERAGED.ports, (count, sum) => [divided(sum, count), count]);
  });
}

function scanOf(shape: Shape, kind: (setting: Setting) => CellKind<unknown>): Operation {
  return operation({ required: ['key', 'value'], ...shape }, (parameters, setting) => {
    const cells = kind(setting);
    if (!parameters.flag('binned')) return keyedScan(cells);
    const along = axis(parameters.count('bins', MAX_BINS), ...parameters.range('range'));
    return setting.amiCompat ? binnedScanOfAmi(cells, along) : binnedScan(cells, along);
  });
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['Average0D', averageOf('number')],
  ['Average1D', averageOf(1)],
  ['Average2D', averageOf(2)],
  [
    'SumN',
    operation({ accepts: { value: 'summable' }, window: 'n' }, (parameters, { of }) => {
      const n = parameters.count('n');
      return of === 'used' ? groups(n, SUMMED) : dealtGroups(n, SUMMED.ports, (count, sum) => [count, sum]);
    }),
  ],
  ['PickN', operation({ repeats: true, window: 'n' }, (parameters) => groups(parameters.count('n'), PICKED))],
  [
    'RollingBuffer',
    operation({ repeats: true, window: 'n' }, (parameters) =>
      sliding(parameters.count('n'), parameters.flag('unique')),
    ),
  ],
  ['Latest', operation({}, () => latest())],
  [
    'Accumulator',
    operation({ accepts: { value: 'summable' } }, (parameters) => accumulator(parameters.oneOf('with', REDUCTIONS))),
  ],
  [
    'ReduceByKey',
    operation({ required: ['key', 'value'], accepts: { key: 'key', value: 'summable' } }, (parameters) =>
      reduceByKey(parameters.oneOf('with', KEYED_REDUCTIONS)),
    ),
  ],
  [
    'Binning',
    operation({ optional: ['weight'], accepts: { value: 'elements', weight: 'elements' } }, (parameters, { roles }) => {
      // The density is a port whatever this says; AMI's graphs ask for it by a parameter.
      parameters.flag('density');
      const bins = parameters.count('bins', MAX_BINS);
      return binning(axis(bins, ...parameters.range('range')), roles.includes('weight'));
    }),
  ],
  [
    'Binning2D',
    operation({ required: ['x', 'y'], accepts: { x: 'elements', y: 'elements' } }, (parameters) => {
      parameters.flag('density');
      const x = axis(parameters.count('xbins', MAX_BINS), ...parameters.range('xrange'));
      const y = axis(parameters.count('ybins', MAX_BINS), ...parameters.range('yrange'));
      return binning2d(x, y);
    }),
  ],
  [
    'MeanVsScan',
    scanOf({ repeats: true, accepts: { key: 'key', value: 'number' } }, ({ roles }) => meanCells(roles.length - 1)),
  ],
  ['MeanWaveformVsScan', scanOf({ accepts: { key: 'key', value: 1 } }, () => waveformCells())],
  ['StatsVsScan', scanOf({ accepts: { key: 'key', value: 'number' } }, () => momentCells())],
  [
    'EMA',
    operation({ accepts: { value: 'summable' } }, (parameters) => movingAverage(parameters.between('keep', 0, 1))),
  ],
]);
