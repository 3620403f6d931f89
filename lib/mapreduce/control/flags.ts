/** Flags of map-control as values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { parseBytes } from '../../cli/size.ts';
import { UsageError } from '../../errors.ts';
import { advertisedHost, bracketed, plain } from '../address/advertise.ts';
import { advertiseFlag } from '../address/flag.ts';
import { registryFlags } from '../redis/flags.ts';
import type { ControllerOptions } from './controller.ts';
import type { Limits } from './limits.ts';

const RUN = 'RUNNING';
const CLIENT = 'CLIENT';
const ALONE = 'WITHOUT SERVICES';
const LIMITS = 'LIMITS';

export const controlFlags = {
  ...registryFlags({ helpGroup: RUN }),
  port: Flags.string({ default: '5000', summary: 'port of HTTP; 0 picks one', helpValue: 'PORT', helpGroup: RUN }),
  bind: Flags.string({
    default: '127.0.0.1',
    summary: 'address of HTTP and of the control socket; * is all interfaces',
    helpValue: 'HOST',
    helpGroup: RUN,
  }),
  advertise: advertiseFlag(RUN),
  transport: Flags.string({
    default: 'credits',
    options: ['credits', 'redis'],
    summary: 'how services of daqpipe get their work; others always through Redis',
    helpGroup: RUN,
  }),
  depth: Flags.string({
    default: 'auto',
    summary: 'events that a worker may hold, or auto',
    helpValue: 'N',
    helpGroup: RUN,
  }),
  future: Flags.integer({
    default: 10_000,
    min: 1,
    summary: 'how far ahead work is bound',
    helpValue: 'EVENTS',
    helpGroup: RUN,
  }),
  redo: Flags.string({
    options: ['rest', 'group'],
    summary: 'what the successor of a dead worker does again',
    description: 'By default what the payload classes ask for.',
    helpGroup: RUN,
  }),
  'lock-wait': Flags.integer({
    default: 60,
    min: 0,
    summary: 'wait that long for another controller to go',
    helpValue: 'SECONDS',
    helpGroup: RUN,
  }),
  'ready-wait': Flags.integer({
    default: 12,
    min: 1,
    summary: 'give a map up if not everybody takes it',
    description: 'Configurations of services that were killed last 10 s.',
    helpValue: 'SECONDS',
    helpGroup: RUN,
  }),
  'dump-root': Flags.string({
    summary: 'dump_prefix may name files below this folder',
    helpValue: 'DIR',
    helpGroup: RUN,
  }),
  cors: Flags.string({ summary: 'pages of this origin may ask', helpValue: 'ORIGIN', helpGroup: RUN }),
  'max-map': Flags.string({ default: '64M', summary: 'bytes of a map', helpValue: 'BYTES', helpGroup: LIMITS }),
  'max-parameter': Flags.string({
    default: '16M',
    summary: 'bytes of a parameter',
    helpValue: 'BYTES',
    helpGroup: LIMITS,
  }),
  'max-sardana': Flags.string({
    default: '1M',
    summary: 'bytes of a scan hook',
    helpValue: 'BYTES',
    helpGroup: LIMITS,
  }),
  'max-events': Flags.integer({
    default: 100_000_000,
    min: 1,
    summary: 'events of a map',
    helpValue: 'N',
    helpGroup: LIMITS,
  }),
  url: Flags.string({
    default: 'http://127.0.0.1:5000',
    summary: 'the controller that is asked',
    helpValue: 'URL',
    helpGroup: CLIENT,
  }),
  wrap: Flags.boolean({
    allowNo: true,
    default: true,
    summary: 'a start and an end event round the map',
    helpGroup: CLIENT,
  }),
  wait: Flags.boolean({ summary: 'after post: wait for the end, as watch does', helpGroup: CLIENT }),
  simulate: Flags.string({ summary: 'play a case of assignment', helpValue: 'CASE', helpGroup: ALONE }),
  check: Flags.string({ summary: 'check a map without services', helpValue: 'MAP', helpGroup: ALONE }),
  format: Flags.string({
    default: 'jsonl',
    options: ['jsonl'],
    summary: 'form of what --simulate prints',
    helpGroup: ALONE,
  }),
};

export type ControlFlags = InferredFlags<typeof controlFlags>;

const MOST_DEPTH = 100_000;

/** @throws UsageError */
export function controllerOptions(flags: ControlFlags): Omit<ControllerOptions, 'registry' | 'stop' | 'say'> {
  const depth = flags.depth === 'auto' ? 'auto' : Number(flags.depth);
  if (depth !== 'auto' && !(Number.isInteger(depth) && depth >= 1 && depth <= MOST_DEPTH))
    throw new UsageError(`--depth: "${flags.depth}" is neither auto nor a number of events`);
  return {
    depth,
    redo: flags.redo as 'rest' | 'group' | undefined,
    future: flags.future,
    credits: flags.transport === 'credits' ? `tcp://${bracketed(hostOf(flags))}:*` : undefined,
    advertise: advertisedHost(flags.advertise),
    lockWait: flags['lock-wait'],
    readyWait: flags['ready-wait'],
    mostEvents: flags['max-events'],
    dumpRoot: flags['dump-root'],
  };
}

/** Where to listen. */
export function hostOf({ bind }: ControlFlags): string {
  return bind === '*' ? '0.0.0.0' : plain(bind);
}

/** @throws UsageError */
export function portOf({ port }: ControlFlags): number {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError(`--port: "${port}" is no port`);
  return Number(port);
}

const MOST_BYTES = { least: 1, most: 1024 ** 3 };

/** @throws UsageError */
export function limitsOf(flags: ControlFlags): Limits {
  return {
    map: parseBytes(flags['max-map'], '--max-map', MOST_BYTES),
    parameter: parseBytes(flags['max-parameter'], '--max-parameter', MOST_BYTES),
    sardana: parseBytes(flags['max-sardana'], '--max-sardana', MOST_BYTES),
    events: flags['max-events'],
  };
}
