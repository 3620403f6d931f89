/** The options of teb-decide as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { UsageError } from '../../errors.ts';
import type { DeciderProgram } from '../decide/make.ts';
import type { TriggerKind } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';
import {
  FORMATS,
  type Format,
  type InputAddress,
  IPCS,
  type Ipc,
  NO_COMMONS,
  type NoCommon,
  ON_ERRORS,
  type OutputAddress,
  type TebOptions,
} from './types.ts';

const STREAMS = 'STREAMS';
const DECIDER = 'DECIDER';
const BUILDING = 'EVENT BUILDING';
const MONITORS = 'MONITORS';
const REPORT = 'REPORT';

const streamFlags = {
  config: Flags.string({
    summary: 'sources, readout groups, monitors, trigger: JSON',
    helpValue: 'FILE',
    required: true,
    helpGroup: STREAMS,
  }),
  in: Flags.string({
    summary: 'contributions; once per stream',
    description: 'With S[,S]= in front, the sources whose end is the end of this stream, also if it is empty.',
    helpValue: '[S=]URL',
    multiple: true,
    multipleNonGreedy: true,
    required: true,
    helpGroup: STREAMS,
  }),
  out: Flags.string({
    summary: 'results for receiver R, or for all; once per stream',
    helpValue: 'R=URL|all=URL',
    multiple: true,
    multipleNonGreedy: true,
    default: ['all=-'],
    helpGroup: STREAMS,
  }),
  'in-format': Flags.string({ summary: 'records or JSON lines', options: FORMATS, default: 'bin', helpGroup: STREAMS }),
  format: Flags.string({ summary: 'records or JSON lines', options: FORMATS, default: 'bin', helpGroup: STREAMS }),
  'result-ext': Flags.boolean({
    summary: 'results of 64 bytes: receivers, missing sources, flags',
    helpGroup: STREAMS,
  }),
  reconnect: Flags.boolean({
    summary: 'a connection that breaks is made again; its sources are left out meanwhile',
    helpGroup: STREAMS,
  }),
};

const deciderFlags = {
  rule: Flags.string({
    summary: 'value:P,M, all, none, or an expression over primitives',
    helpValue: 'RULE',
    helpGroup: DECIDER,
  }),
  'monitor-rule': Flags.string({
    summary: 'expression for monitoring, beside --rule',
    helpValue: 'RULE',
    helpGroup: DECIDER,
  }),
  script: Flags.string({ summary: 'Python script that decides', helpValue: 'FILE.py', helpGroup: DECIDER }),
  exec: Flags.string({
    summary: 'program that decides, by the protocol of our runtime',
    helpValue: 'CMD',
    helpGroup: DECIDER,
  }),
  ipc: Flags.string({
    summary: 'how a script is talked to: two pipes, or as the existing system does',
    options: IPCS,
    default: 'own',
    helpGroup: DECIDER,
  }),
  python: Flags.string({ summary: 'interpreter, instead of $PYTHON or python3', helpValue: 'CMD', helpGroup: DECIDER }),
  'allow-pickle': Flags.boolean({
    summary: 'the script may get pickled primitives: trusted sources only',
    helpGroup: DECIDER,
  }),
  batch: Flags.integer({
    summary: 'most events per message',
    default: 64,
    min: 1,
    max: 4096,
    helpValue: 'N',
    helpGroup: DECIDER,
  }),
  'decide-timeout': Flags.integer({
    summary: 'time without an answer before the decider is replaced',
    default: 1000,
    min: 1,
    helpValue: 'MS',
    helpGroup: DECIDER,
  }),
  'on-error': Flags.string({
    summary: 'an event for which the decider fails is recorded, or not, or ends the run',
    options: ON_ERRORS,
    default: 'record',
    helpGroup: DECIDER,
  }),
  restarts: Flags.integer({
    summary: 'restarts before giving up',
    default: 5,
    min: 0,
    helpValue: 'N',
    helpGroup: DECIDER,
  }),
  deciders: Flags.string({
    summary: 'this process is I of N, and answers pulse ids with (pid >> 6) mod N = I',
    default: '0/1',
    helpValue: 'I/N',
    helpGroup: DECIDER,
  }),
  stateless: Flags.boolean({ summary: 'the script keeps no state, so several may share the work', helpGroup: DECIDER }),
};

const buildingFlags = {
  'timeout-ms': Flags.integer({
    summary: 'age at which an incomplete event is closed; 0 for never',
    default: LIMIT.timeoutMs,
    min: 0,
    helpValue: 'MS',
    helpGroup: BUILDING,
  }),
  'skew-ticks': Flags.integer({
    summary: 'close an event when the newest is this much younger',
    min: 0,
    helpValue: 'TICKS',
    helpGroup: BUILDING,
  }),
  'dead-after': Flags.integer({
    summary: 'leave out a source that is silent this long while others advance; 0 for never',
    default: 0,
    min: 0,
    helpValue: 'MS',
    helpGroup: BUILDING,
  }),
  'max-open': Flags.integer({
    summary: 'open events at which reading stops',
    default: 65_536,
    min: 1,
    max: 1 << 22,
    helpValue: 'N',
    helpGroup: BUILDING,
  }),
  'no-common': Flags.string({
    summary: 'what becomes of an L1Accept without the common group',
    description:
      'error: counted, with a message, exit status 1. discard: counted. bypass: recorded without asking the decider.',
    options: NO_COMMONS,
    default: 'error',
    helpGroup: BUILDING,
  }),
  strict: Flags.boolean({ summary: 'end with status 1 at the first rejected contribution', helpGroup: BUILDING }),
  'keep-counters': Flags.boolean({ summary: 'a Configure does not clear the counters', helpGroup: BUILDING }),
};

const monitorFlags = {
  meb: Flags.string({
    summary: 'a monitor with N buffers; once per monitor, instead of those of the configuration',
    helpValue: 'ID:N[:ALIAS]',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: MONITORS,
  }),
  'mon-in': Flags.string({ summary: 'stream of free buffers, from meb-route', helpValue: 'URL', helpGroup: MONITORS }),
  reserve: Flags.string({
    summary: 'buffers of each monitor kept for events of a group; once per group',
    helpValue: 'ROG:N',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: MONITORS,
  }),
  'mon-throttle': Flags.integer({
    summary: 'two monitored events are more than this apart',
    min: 0,
    helpValue: 'TICKS',
    helpGroup: MONITORS,
  }),
  'fair-groups': Flags.boolean({
    summary: 'a slow group leaves the reserved buffers of others alone',
    helpGroup: MONITORS,
  }),
  'mon-deal': Flags.string({
    summary: 'deal monitor buffers; no passes wishes on to meb-route deal',
    options: ['yes', 'no'],
    default: 'yes',
    helpGroup: MONITORS,
  }),
};

const reportFlags = {
  stats: Flags.boolean({ summary: 'summary on standard error at the end, as one JSON object', helpGroup: REPORT }),
  summary: Flags.string({ summary: 'file for that object', helpValue: 'FILE', helpGroup: REPORT }),
  instrument: Flags.string({ summary: 'label of the metrics, and for scripts', helpValue: 'NAME', helpGroup: REPORT }),
};

export const tebFlags = { ...streamFlags, ...deciderFlags, ...buildingFlags, ...monitorFlags, ...reportFlags };
export type TebFlags = InferredFlags<typeof tebFlags>;

/** @throws UsageError that quotes what cannot be understood */
export function optionsFrom(flags: TebFlags): TebOptions {
  const deciders = decidersOf(flags.deciders);
  return {
    inputs: flags.in.map(inputOf),
    outputs: flags.out.map(outputOf),
    inFormat: flags['in-format'] as Format,
    format: flags.format as Format,
    extended: flags['result-ext'],
    reconnect: flags.reconnect,
    batch: flags.batch,
    deciders,
    stateless: flags.stateless,
    noCommon: flags['no-common'] as NoCommon,
    timeoutMs: flags['timeout-ms'],
    deadAfterMs: flags['dead-after'],
    maxOpen: flags['max-open'],
    strict: flags.strict,
    keepCounters: flags['keep-counters'],
    monIn: flags['mon-in'],
    deal: flags['mon-deal'] === 'yes',
    fairGroups: flags['fair-groups'],
  };
}

/**
 * What decides: the command line, else the configuration.
 * @throws UsageError if nothing does, or more than one thing
 */
export function programFrom(flags: TebFlags, configured: TriggerKind | undefined): DeciderProgram {
  const { rule, script, exec } = flags;
  const given = [rule, script, exec].filter((one) => one !== undefined);
  if (given.length > 1) throw new UsageError('--rule, --script and --exec exclude each other');
  const monitorRule = flags['monitor-rule'];
  if (monitorRule !== undefined && rule === undefined) throw new UsageError('--monitor-rule goes with --rule');
  if (rule !== undefined) return { kind: 'rule', rule, ...(monitorRule === undefined ? {} : { monitorRule }) };
  if (exec !== undefined) return { kind: 'exec', command: exec };
  const file = script ?? (configured?.kind === 'script' ? configured.script : undefined);
  if (file !== undefined) {
    const python = flags.python === undefined ? {} : { python: flags.python };
    return { kind: 'script', script: file, ipc: flags.ipc as Ipc, allowPickle: flags['allow-pickle'], ...python };
  }
  if (configured?.kind === 'value') {
    return { kind: 'rule', rule: `value:${configured.persistValue},${configured.monitorValue}` };
  }
  throw new UsageError('nothing decides: give --rule, --script or --exec, or a trigger in the configuration');
}

function inputOf(text: string): InputAddress {
  const parts = /^(\d+(?:,\d+)*)=(.*)$/.exec(text);
  const sources = (parts?.[1] ?? '').split(',').filter(Boolean).map(Number);
  const url = parts?.[2] ?? text;
  if (url === '') throw new UsageError(`--in ${text}: the address is missing`);
  for (const source of sources) {
    if (source >= LIMIT.sources) throw new UsageError(`--in ${text}: sources are 0 to ${LIMIT.sources - 1}`);
  }
  return { sources, url };
}

function outputOf(text: string): OutputAddress {
  const parts = /^(all|\d+)=(.+)$/.exec(text);
  if (!parts) throw new UsageError(`--out ${text}: write R=URL for receiver R, or all=URL`);
  const receiver = parts[1] === 'all' ? undefined : Number(parts[1]);
  if (receiver !== undefined && receiver >= LIMIT.sources) {
    throw new UsageError(`--out ${text}: receivers are 0 to ${LIMIT.sources - 1}`);
  }
  return { receiver, url: parts[2]! };
}

function decidersOf(text: string): TebOptions['deciders'] {
  const parts = /^(\d+)\/(\d+)$/.exec(text);
  const index = Number(parts?.[1]);
  const count = Number(parts?.[2]);
  if (!parts || index >= count) throw new UsageError(`--deciders ${text}: write I/N with I from 0 to N - 1`);
  return { index, count };
}
