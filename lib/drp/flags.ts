/** The options of drp-python as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { parseBytes } from '../cli/size.ts';
import { UsageError } from '../errors.ts';
import { localCalibEndpoint } from '../ipc/calib-endpoint.ts';
import { MAX_PER_SLOT } from './protocol.ts';
import { type DrpOptions, FAILURE_POLICIES, OVERSIZE_KEEPS, RAW_POLICIES, TRANSPORTS } from './types.ts';

/** Sizes within a slot of shared memory: a header at least, and what 32 bits hold. */
const IN_SEGMENT = { least: 24, most: 0x7fffffff };

const number = (summary: string, helpGroup: string, initial: number, min = 0, helpValue = 'N') =>
  Flags.integer({ summary, helpGroup, default: initial, min, helpValue });

export const streamFlags = {
  input: Flags.string({
    char: 'i',
    summary: 'where dgrams come from',
    helpValue: 'URL',
    default: '-',
    helpGroup: 'STREAMS',
  }),
  output: Flags.string({
    char: 'o',
    summary: 'where the results go',
    helpValue: 'URL',
    default: '-',
    helpGroup: 'STREAMS',
  }),
  'trigger-out': Flags.string({
    char: 't',
    summary: 'where trigger contributions go',
    helpValue: 'URL',
    helpGroup: 'STREAMS',
  }),
  config: Flags.string({
    summary: 'first dgram of FILE configures the workers (chunk files)',
    helpValue: 'FILE',
    helpGroup: 'STREAMS',
  }),
};

export const trialFlags = {
  check: Flags.boolean({
    summary: 'try the script on a few events and say what it would do',
    description: 'Nothing is written. The input comes from -i or standard input.',
    helpGroup: 'TRIAL',
  }),
  events: Flags.integer({
    summary: 'events that --check tries',
    helpValue: 'N',
    default: 20,
    min: 1,
    helpGroup: 'TRIAL',
  }),
};

export const workerFlags = {
  workers: Flags.integer({
    char: 'W',
    summary: 'Python processes',
    helpValue: 'N',
    default: 4,
    min: 1,
    max: 255,
    helpGroup: 'WORKERS',
  }),
  ipc: Flags.string({
    summary: 'transport',
    options: [...TRANSPORTS],
    default: 'sysv',
    description: 'posix drives the existing Python side unmodified; pipe needs no IPC rights.',
    helpGroup: 'WORKERS',
  }),
  python: Flags.string({
    summary: 'interpreter',
    helpValue: 'PROGRAM',
    description: 'The default is the first python3 on PATH that can import numpy.',
    helpGroup: 'WORKERS',
  }),
  batch: Flags.integer({
    summary: 'most dgrams handed over at once',
    helpValue: 'N',
    default: MAX_PER_SLOT,
    min: 1,
    max: MAX_PER_SLOT,
    helpGroup: 'WORKERS',
  }),
  slots: Flags.integer({
    summary: 'batches under way per worker, and one for transitions',
    helpValue: 'N',
    default: 4,
    min: 2,
    max: 64,
    helpGroup: 'WORKERS',
  }),
  timeout: number('seconds for an answer', 'WORKERS', 15, 1, 'S'),
  'beginrun-timeout': number('seconds for BeginRun, constants included', 'WORKERS', 60, 1, 'S'),
  restarts: number('restarts of one worker within a minute before giving up', 'WORKERS', 5),
  'restart-pause': number('longest pause before a restart; it grows from 0 to this', 'WORKERS', 4, 0, 'S'),
  constants: Flags.string({
    summary: 'folder of calibration constants for the script',
    helpValue: 'DIR',
    helpGroup: 'WORKERS',
  }),
  calib: Flags.string({
    summary: 'calibration constants of every run from the calib-pub at this address',
    helpValue: 'ENDPOINT',
    description:
      "ipc://PATH, tcp://HOST:PORT, or `local`: the address that calib-pub has by default for -p and -D. With --ipc posix a tcp address of the existing system's format.",
    exclusive: ['constants'],
    helpGroup: 'WORKERS',
  }),
  'calib-missing': Flags.string({
    summary: 'when they do not come within --beginrun-timeout',
    options: ['error', 'warn'],
    default: 'error',
    helpGroup: 'WORKERS',
  }),
};

export const resultFlags = {
  pebble: Flags.string({
    summary: 'largest L1Accept, for example 4M',
    helpValue: 'BYTES',
    default: '1M',
    helpGroup: 'RESULTS',
  }),
  'max-transition': Flags.string({
    summary: 'largest other dgram',
    helpValue: 'BYTES',
    default: '8M',
    helpGroup: 'RESULTS',
  }),
  'on-oversize': Flags.string({
    summary: 'when a result is too large',
    options: ['abort', 'damage'],
    default: 'abort',
    helpGroup: 'RESULTS',
  }),
  'oversize-keep': Flags.string({
    summary: 'what goes out of a damaged one',
    options: [...OVERSIZE_KEEPS],
    default: 'none',
    helpGroup: 'RESULTS',
  }),
  'on-worker-failure': Flags.string({
    summary: 'when an event failed twice',
    options: [...FAILURE_POLICIES],
    default: 'damage',
    helpGroup: 'RESULTS',
  }),
  raw: Flags.string({
    summary: 'raw data of events: as the script says, always kept, or always dropped',
    options: [...RAW_POLICIES],
    default: 'script',
    helpGroup: 'RESULTS',
  }),
  'prescale-raw': number('keep raw on every Nth event, whatever the script says', 'RESULTS', 0),
  'trigger-size': number('largest trigger data of an event, bytes', 'RESULTS', 256),
  'verify-every': number('walk the structure of every Nth result; 0 for never', 'RESULTS', 1000),
  'allow-drop': Flags.boolean({ summary: 'the script may drop whole events', helpGroup: 'RESULTS' }),
};

export const identityFlags = {
  detector: Flags.string({
    char: 'D',
    summary: 'detector name and segment: hsd_0',
    helpValue: 'NAME_SEGMENT',
    description: 'The default is the alias of -u, if it looks like one.',
    helpGroup: 'IDENTITY',
  }),
  'det-type': Flags.string({
    summary: 'detector type, for the script',
    helpValue: 'TYPE',
    default: '',
    helpGroup: 'IDENTITY',
  }),
  serial: Flags.string({
    char: 'S',
    summary: 'serial number, for the script',
    helpValue: 'ID',
    default: '',
    helpGroup: 'IDENTITY',
  }),
  instrument: Flags.string({ char: 'P', summary: 'instrument', helpValue: 'NAME', default: '', helpGroup: 'IDENTITY' }),
  instance: Flags.string({
    summary: 'what else separates two of them on a node',
    helpValue: 'TEXT',
    helpGroup: 'IDENTITY',
  }),
  'ipc-ephemeral': Flags.boolean({
    summary: 'nothing of shared memory is left, even after SIGKILL; ipcs and ipc-ls do not show it by name',
    helpGroup: 'IDENTITY',
  }),
  'ipc-mode': Flags.string({
    summary: 'mode of IPC objects, octal',
    helpValue: 'MODE',
    default: '0600',
    helpGroup: 'IDENTITY',
  }),
  kwarg: Flags.string({
    char: 'k',
    summary: 'settings of the existing system: pebbleBufSize=N,pythonScript=PATH',
    helpValue: 'KEY=VALUE,...',
    multiple: true,
    helpGroup: 'IDENTITY',
  }),
  supervisor: Flags.string({
    summary: 'posix: where worker 0 publishes constants',
    helpValue: 'IP:PORT',
    default: '127.0.0.1:0',
    helpGroup: 'IDENTITY',
  }),
  verbose: Flags.boolean({ char: 'v', summary: 'say more', helpGroup: 'IDENTITY' }),
};

export const drpFlags = { ...streamFlags, ...trialFlags, ...workerFlags, ...resultFlags, ...identityFlags };
export type DrpFlags = InferredFlags<typeof drpFlags>;

/** `-k` settings that we understand; others belong to programs that we replace and are passed over, as upstream does. */
export function kwargs(flags: Pick<DrpFlags, 'kwarg'>): Map<string, string> {
  const pairs = (flags.kwarg ?? []).flatMap((list) => list.split(',')).filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => {
      const [key, ...value] = pair.split('=');
      if (value.length === 0) throw new UsageError(`-k ${pair}: write KEY=VALUE`);
      return [key!, value.join('=')];
    }),
  );
}

/** @throws UsageError that quotes the value */
export function optionsFrom(
  flags: DrpFlags,
  script: string,
  scriptArgs: readonly string[],
  partition: number,
  alias: string | undefined,
): DrpOptions {
  const settings = kwargs(flags);
  const named = flags.detector ?? alias;
  if (flags.ipc === 'posix' && named === undefined) {
    throw new UsageError('--ipc posix needs the detector, because names are made of it: give -D NAME_SEGMENT');
  }
  const pebble = settings.get('pebbleBufSize');
  return {
    script,
    scriptArgs,
    workers: flags.workers,
    transport: flags.ipc as DrpOptions['transport'],
    identity: {
      partition,
      ...nameOf(named),
      detType: flags['det-type'],
      detId: flags.serial,
      instrument: flags.instrument,
    },
    // Without a name two of them must not take each other for the same detector.
    instance: flags.instance ?? (named === undefined ? `pid${process.pid}` : undefined),
    ipcMode: parseMode(flags['ipc-mode']),
    ipcEphemeral: flags['ipc-ephemeral'],
    slots: flags.slots,
    batch: flags.batch,
    pebble: parseBytes(pebble ?? flags.pebble, pebble === undefined ? '--pebble' : '-k pebbleBufSize', IN_SEGMENT),
    maxTransition: parseBytes(flags['max-transition'], '--max-transition', IN_SEGMENT),
    timeout: flags.timeout * 1000,
    beginRunTimeout: flags['beginrun-timeout'] * 1000,
    restarts: flags.restarts,
    restartPause: flags['restart-pause'] * 1000,
    onOversize: flags['on-oversize'] as DrpOptions['onOversize'],
    oversizeKeep: flags['oversize-keep'] as DrpOptions['oversizeKeep'],
    onWorkerFailure: flags['on-worker-failure'] as DrpOptions['onWorkerFailure'],
    raw: flags.raw as DrpOptions['raw'],
    prescaleRaw: flags['prescale-raw'],
    triggerBytes: flags['trigger-out'] === undefined ? 0 : flags['trigger-size'],
    verifyEvery: flags['verify-every'],
    allowDrop: flags['allow-drop'],
    constants: flags.constants,
    calib: flags.calib === undefined ? undefined : calibEndpoint(flags.calib, flags.ipc, partition, named),
    calibMissing: flags['calib-missing'] as DrpOptions['calibMissing'],
    supervisor: flags.supervisor,
    verbose: flags.verbose ? 1 : 0,
  };
}

/** @throws UsageError */
function calibEndpoint(text: string, ipc: string, partition: number, detector: string | undefined): string {
  if (ipc === 'posix' && !text.startsWith('tcp://'))
    throw new UsageError(
      `--calib ${text}: workers of --ipc posix subscribe themselves, by tcp only: give tcp://HOST:PORT`,
    );
  if (text !== 'local') return text;
  if (detector === undefined)
    throw new UsageError('--calib local: its name is made of the detector: give -D NAME_SEGMENT');
  return localCalibEndpoint(partition, detector);
}

/** `hsd_0` is segment 0 of hsd: the last underscore separates. */
function nameOf(text: string | undefined): { detName: string; segment: number } {
  const match = /^(.+)_(\d+)$/.exec(text ?? '');
  return match ? { detName: match[1]!, segment: Number(match[2]) } : { detName: text ?? '', segment: 0 };
}

function parseMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new UsageError(`--ipc-mode: "${text}" is no mode; write 0600, 0660 or 0666`);
  return Number.parseInt(text, 8);
}
