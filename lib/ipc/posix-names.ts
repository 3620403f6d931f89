/**
 * Names of POSIX objects: those that drp-python makes for existing Python code (spec drp-python.md, 2.2), and those of the other programs of
 * the existing system, which are only recognised (live.md, teb.md).
 */

import type { IpcIdentity } from './types.ts';

/** Attributes of the queues (section 2.2): one message under way, always. */
export const QUEUE = { maxMessages: 1, messageSize: 512, toWorkerPriority: 31, fromWorkerPriority: 0 } as const;

/** The four names of one worker. */
export interface WorkerNames {
  toWorker: string;
  fromWorker: string;
  input: string;
  result: string;
}

/** `p3_atmopal_0`. */
export function baseName({ partition, detName, segment }: IpcIdentity): string {
  return `p${partition}_${detName}_${segment}`;
}

export function workerNames(base: string, worker: number): WorkerNames {
  return {
    toWorker: `/mqinp_${base}_${worker}`,
    fromWorker: `/mqres_${base}_${worker}`,
    input: `/shminp_${base}_${worker}`,
    result: `/shmres_${base}_${worker}`,
  };
}

/** What a name tells. */
export interface KnownName {
  type: 'queue' | 'segment';
  /** As `ipc-ls` prints it. */
  kind: string;
  partition?: number;
  detector?: string;
  segment?: number;
  worker?: number;
}

type Groups = Readonly<Record<string, string | undefined>>;
interface Pattern {
  pattern: RegExp;
  read(groups: Groups): KnownName;
}

const WORKER_KINDS: Readonly<Record<string, string>> = {
  mqinp: 'queue to worker',
  mqres: 'queue from worker',
  shminp: 'input',
  shmres: 'result',
};
const TEB_KINDS: Readonly<Record<string, string>> = {
  mqtebinp: 'trigger queue to python',
  mqtebres: 'trigger queue from python',
  shmtebinp: 'trigger inputs',
  shmtebres: 'trigger result',
};
const MONITOR_KINDS: Readonly<Record<string, string>> = {
  PdsMonitorSharedMemory: 'monitor buffers',
  PdsFromMonitorDiscovery: 'monitor discovery',
  PdsRequestQueue: 'monitor requests',
  PdsShuffleQueue: 'monitor shuffle',
};

const typeOf = (prefix: string): 'queue' | 'segment' => (prefix.startsWith('shm') ? 'segment' : 'queue');

const PATTERNS: readonly Pattern[] = [
  {
    pattern: /^\/(?<prefix>mqinp|mqres|shminp|shmres)_p(?<p>\d+)_(?<det>.+)_(?<seg>\d+)_(?<w>\d+)$/,
    read: ({ prefix = '', p, det = '', seg, w }) => ({
      type: typeOf(prefix),
      kind: WORKER_KINDS[prefix] ?? prefix,
      partition: Number(p),
      detector: det,
      segment: Number(seg),
      worker: Number(w),
    }),
  },
  {
    pattern: /^\/(?<prefix>mqtebinp|mqtebres|shmtebinp|shmtebres)_p(?<p>\d+)_(?<teb>teb\d+)(?:_[0-9a-f]{8})?$/,
    read: ({ prefix = '', p, teb = '' }) => ({
      type: typeOf(prefix),
      kind: TEB_KINDS[prefix] ?? prefix,
      partition: Number(p),
      detector: teb,
    }),
  },
  {
    // Ours: contents of calib-pub --shm (docs/calib.md).
    pattern: /^\/daqpipe-calib-p(?<p>\d+)-(?<det>.+?)(?:_(?<seg>\d+))?-\d+-\d+$/,
    read: ({ p, det = '', seg }) => ({
      type: 'segment',
      kind: 'calibration constants',
      partition: Number(p),
      detector: det,
      ...(seg === undefined ? {} : { segment: Number(seg) }),
    }),
  },
  {
    // Ours: large frames of map-ingest (docs/mapreduce.md).
    pattern: /^\/daqpipe-frames-(?<name>.+)-\d+$/,
    read: ({ name = '' }) => ({ type: 'segment', kind: 'frames', detector: name }),
  },
  {
    pattern: /^\/PdsToMonitorEvQueue_(?<tag>.+)_(?<i>\d+)$/,
    read: ({ tag = '', i }) => ({ type: 'queue', kind: 'monitor events', detector: tag, worker: Number(i) }),
  },
  {
    pattern: /^\/(?<prefix>PdsMonitorSharedMemory|PdsFromMonitorDiscovery|PdsRequestQueue|PdsShuffleQueue)_(?<tag>.+)$/,
    read: ({ prefix = '', tag = '' }) => ({
      type: prefix === 'PdsMonitorSharedMemory' ? 'segment' : 'queue',
      kind: MONITOR_KINDS[prefix] ?? prefix,
      detector: tag,
    }),
  },
];

/** Takes a name of the existing system apart (`detector` is the tag for monitor objects); undefined for any other name. */
export function parseName(name: string): KnownName | undefined {
  for (const { pattern, read } of PATTERNS) {
    const groups = pattern.exec(name)?.groups;
    if (groups) return read(groups);
  }
  return undefined;
}

/** The names of queues that belong to a segment of this name; for where the kernel cannot list queues. */
export function queuesBeside(segment: string): string[] {
  const worker = /^\/shm(?:inp|res)_(p\d+_.+_\d+_\d+)$/.exec(segment);
  if (worker) return [`/mqinp_${worker[1]}`, `/mqres_${worker[1]}`];
  const teb = /^\/shmteb(?:inp|res)_(p\d+_teb\d+(?:_[0-9a-f]{8})?)$/.exec(segment);
  if (teb) return [`/mqtebinp_${teb[1]}`, `/mqtebres_${teb[1]}`];
  const tag = /^\/PdsMonitorSharedMemory_(.+)$/.exec(segment)?.[1];
  if (tag === undefined) return [];
  const events = Array.from({ length: MONITOR_QUEUES_LOOKED_FOR }, (_, i) => `/PdsToMonitorEvQueue_${tag}_${i}`);
  return [`/PdsFromMonitorDiscovery_${tag}`, `/PdsRequestQueue_${tag}`, `/PdsShuffleQueue_${tag}`, ...events];
}

/** One per client and one for returned buffers; ten buffers are the most that the kernel allows by default. */
const MONITOR_QUEUES_LOOKED_FOR = 11;
