/** Settings of drp-python, and the parts that its state machines see of each other. */

import type { Entry } from './batch.ts';
import type { Answer } from './outcome.ts';

export const TRANSPORTS = ['sysv', 'posix', 'pipe'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export const OVERSIZE_KEEPS = ['none', 'raw', 'cut'] as const;
export const FAILURE_POLICIES = ['damage', 'pass', 'drop', 'abort'] as const;
export const RAW_POLICIES = ['script', 'keep', 'drop'] as const;

/** Who this DRP is: part of the names of its IPC objects, and told to the script. */
export interface DrpIdentity {
  partition: number;
  /** Empty: the first detector that the Configure describes. */
  detName: string;
  segment: number;
  detType: string;
  detId: string;
  instrument: string;
}

export interface DrpOptions {
  script: string;
  scriptArgs: readonly string[];
  workers: number;
  transport: Transport;
  identity: DrpIdentity;
  /** Separates two of them with one identity on a node. */
  instance: string | undefined;
  ipcMode: number;
  /** Segments lose their names when every worker is attached, so that they go with their last user even after SIGKILL. */
  ipcEphemeral: boolean;
  /** Slots per worker, the first one for transitions only. */
  slots: number;
  /** Most dgrams in one slot. */
  batch: number;
  /** Limits in bytes for services 11 and 12, and for all others. */
  pebble: number;
  maxTransition: number;
  /** Milliseconds. */
  timeout: number;
  beginRunTimeout: number;
  /** Restarts of one worker within a minute before the command gives up. */
  restarts: number;
  /** Longest pause before a restart. */
  restartPause: number;
  onOversize: 'abort' | 'damage';
  oversizeKeep: (typeof OVERSIZE_KEEPS)[number];
  onWorkerFailure: (typeof FAILURE_POLICIES)[number];
  raw: (typeof RAW_POLICIES)[number];
  /** Keep raw on every Nth event whatever the script says; 0 for never. */
  prescaleRaw: number;
  /** Largest trigger data in bytes; 0 if there is no trigger output. */
  triggerBytes: number;
  /** Walk the structure of every Nth result; 0 for never. */
  verifyEvery: number;
  allowDrop: boolean;
  /** Folder of constants for our runtime. */
  constants: string | undefined;
  /** Endpoint of the publisher of calibration constants: `ipc://PATH` or `tcp://HOST:PORT`. */
  calib: string | undefined;
  /** What a run does whose constants do not come. */
  calibMissing: 'error' | 'warn';
  /** posix: where the supervisor publishes constants. */
  supervisor: string;
  verbose: number;
}

/** Limit of a result by transition id. */
export function resultLimit(options: Pick<DrpOptions, 'pebble' | 'maxTransition'>, service: number): number {
  return service === 11 || service === 12 ? options.pebble : options.maxTransition;
}

/** What asks a worker for something. */
export type Post =
  | { kind: 'script' }
  | { kind: 'stop' }
  | { kind: 'dgrams'; slot: number; entries: readonly Entry[]; sequence: number; service: number };

/** How to start the process that serves a link. */
export interface Launch {
  args: string[];
  env: Record<string, string>;
  pipes: boolean;
}

/**
 * The way to one worker. `input(slot)` is memory to put dgrams into; results come through `onAnswer` as views that are valid until
 * something is posted for the same slot again.
 */
export interface WorkerLink {
  /** True if the process says hello when it is there. */
  readonly greets: boolean;
  /** First byte of a slot that dgrams may use. */
  readonly payloadOffset: number;
  /** Most dgrams in one slot. */
  readonly perSlot: number;
  readonly slots: number;
  onAnswer: (answer: Answer) => void;
  /** Memory of a slot, table and payload. */
  input(slot: number): Buffer;
  launch(generation: number): Launch;
  /** The process has been started. */
  attach(process: { toProcess: NodeJS.WritableStream; fromProcess: NodeJS.ReadableStream }): void;
  post(post: Post): void;
  /** The process is gone: whatever it left behind must reach nobody. */
  reset(): void;
  /** Works twice. */
  close(): void;
}
