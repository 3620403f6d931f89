/** Options of graph-manage, graph-worker and graph-collect. */

import * as Flags from '@oclif/core/flags';
import { parseBytes } from '../../cli/size.ts';
import { UsageError } from '../../errors.ts';
import { clusterFlags, codeFlags, codeLoader, graphFlags, parsePeriod } from '../flags.ts';
import type { Period } from '../run/dealer.ts';
import { managerEndpoint } from './endpoints.ts';
import type { LoadOptions } from './load-graph.ts';

/** A heartbeat by number of events has no length: deadlines are then counted from this, seconds. */
const PERIOD_BY_EVENTS = 1;
/** Deadline in periods (spec graph.md 2.2). */
const DEADLINE_PERIODS = 2;

export const manageFlags = {
  ...clusterFlags,
  ...codeFlags,
  'ami-compat': graphFlags['ami-compat'],
  'window-limit': graphFlags['window-limit'],
  at: Flags.string({
    summary: 'where to listen, or where the running manager listens',
    description: 'The default is a socket of the partition (-p) in the private folder of this user.',
    helpValue: 'zmq+ipc://PATH|zmq+tcp://HOST:PORT',
    helpGroup: 'CLUSTER',
  }),
  heartbeat: Flags.string({
    summary: 'period: seconds of event time, or a number of events',
    helpValue: '1s|1000ev',
    default: '1s',
    helpGroup: 'GRAPH',
  }),
  depth: Flags.integer({
    summary: 'most open heartbeats at a collector',
    helpValue: 'N',
    default: 4,
    min: 1,
    helpGroup: 'CLUSTER',
  }),
  ahead: Flags.integer({
    summary: 'most heartbeats issued and not closed; events wait then',
    helpValue: 'N',
    min: 1,
    helpGroup: 'CLUSTER',
  }),
  deadline: Flags.string({
    summary: 'a local collector closes so long after the marker, the global one half as long again',
    helpValue: '2s|500ms',
    helpGroup: 'CLUSTER',
  }),
  'dead-after': Flags.integer({
    summary: 'a worker that misses so many heartbeats in a row is given up; 0 is never',
    helpValue: 'N',
    default: 3,
    min: 0,
    helpGroup: 'CLUSTER',
  }),
  queue: Flags.string({
    summary: 'most bytes of events that wait for one worker',
    helpValue: 'BYTES',
    default: '4M',
    helpGroup: 'CLUSTER',
  }),
  wait: Flags.string({
    summary: 'begin without those that are not there after this time',
    helpValue: '30s',
    default: '30s',
    helpGroup: 'CLUSTER',
  }),
  seed: Flags.integer({ summary: 'of random: sources', helpValue: 'N', default: 0, helpGroup: 'GRAPH' }),
  paced: Flags.boolean({ summary: 'simulated sources wait between events as their file says', helpGroup: 'GRAPH' }),
};

export const memberFlags = {
  ...codeFlags,
  'code-dir': Flags.string({
    summary: 'where code files are on this computer; default: where the graph says',
    helpValue: 'DIR',
    helpGroup: 'CODE',
  }),
  manager: Flags.string({
    summary: 'where the manager listens',
    description: 'The default is a socket of the partition (-p) in the private folder of this user.',
    helpValue: 'zmq+ipc://PATH|zmq+tcp://HOST:PORT',
    helpGroup: 'CLUSTER',
  }),
};

/** How graphs are made ready here. Close the loader at the end. @throws UsageError */
export function loadOptions(
  flags: Parameters<typeof codeLoader>[0] & { 'code-dir'?: string | undefined },
  say: (message: string) => void,
): LoadOptions {
  return { loader: codeLoader(flags, say), codeDir: flags['code-dir'] };
}

/** Where the manager of a cluster listens. @throws DaqError `ipc-refused` */
export function endpointOf(given: string | undefined, partition: number | undefined): string {
  return given ?? managerEndpoint(partition ?? 0);
}

/** `2s`, `500ms` as milliseconds. @throws UsageError */
export function parseDuration(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|ms)$/.exec(text);
  if (!match) throw new UsageError(`${flag}: "${text}" is no time; write 2s or 500ms`);
  return Number(match[1]) * (match[2] === 's' ? 1000 : 1);
}

interface ManageValues {
  readonly workers: number;
  readonly collectors: number;
  readonly 'ami-compat'?: boolean;
  readonly 'window-limit': string;
  readonly heartbeat: string;
  readonly depth: number;
  readonly ahead?: number | undefined;
  readonly deadline?: string | undefined;
  readonly 'dead-after': number;
  readonly queue: string;
  readonly wait: string;
}

/** Settings of a manager. @throws UsageError */
export function manageSettings(flags: ManageValues) {
  const { workers, collectors, depth, ahead = depth } = flags;
  const period: Period = parsePeriod(flags.heartbeat);
  const seconds = period.kind === 'seconds' ? period.seconds : PERIOD_BY_EVENTS;
  const usual = DEADLINE_PERIODS * seconds * 1000;
  const deadline = flags.deadline === undefined ? usual : parseDuration(flags.deadline, '--deadline');
  const windowLimit = parseBytes(flags['window-limit'], '--window-limit', { least: 1, most: 2 ** 40 });
  return {
    terms: { workers, collectors, amiCompat: flags['ami-compat'] === true, windowLimit, depth, deadline },
    period,
    ahead,
    deadAfter: flags['dead-after'],
    queue: parseBytes(flags.queue, '--queue', { least: 1, most: 2 ** 40 }),
    wait: parseDuration(flags.wait, '--wait'),
  };
}
