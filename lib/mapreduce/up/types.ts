/** What a scan file says (docs/mapreduce.md, "A local ensemble"). */

export interface ScanStream {
  readonly name: string;
  readonly kind: string;
  /** As for `map-ingest --upstream`; `-` behind a pipe. */
  readonly upstream: string;
}

export interface ScanIngester {
  readonly name: string;
  readonly streams: readonly ScanStream[];
  /** A command whose output is the source. */
  readonly pipe: string | undefined;
  readonly options: readonly string[];
}

export interface ScanWorkers {
  /** First part of their names: `worker-1`, `worker-2`. */
  readonly name: string;
  /** `module:Class`, or a JavaScript module. */
  readonly payload: string;
  readonly count: number;
  readonly tags: readonly string[];
  readonly options: readonly string[];
}

export interface ScanReducer {
  readonly payload: string;
  /** undefined: one that is free. */
  readonly port: number | undefined;
  /** Keep the results, so that a reducer that is started again has them: a file, or one of our own. */
  readonly journal: string | boolean;
  readonly options: readonly string[];
}

export interface ScanControl {
  readonly port: number | undefined;
  readonly options: readonly string[];
}

export interface Scan {
  readonly file: string;
  /** undefined: one of our own. */
  readonly redis: string | undefined;
  readonly ingesters: readonly ScanIngester[];
  readonly workers: readonly ScanWorkers[];
  readonly reducer: ScanReducer;
  readonly control: ScanControl;
  /** JSON text. */
  readonly map: string | undefined;
  /** A start and an end event round the map. */
  readonly wrap: boolean;
  readonly parameters: ReadonlyMap<string, string>;
}

export type UpRole = 'redis' | 'control' | 'ingester' | 'reducer' | 'worker' | 'other';

/** One process; the fields that a supervisor needs, and what it is to us. */
export interface UpEntry {
  readonly id: string;
  /** Command line, words quoted. */
  readonly cmd: string;
  readonly env: ReadonlyMap<string, string>;
  readonly after: readonly string[];
  readonly ready: UpReady;
  readonly restart: {
    readonly when: 'never' | 'on-failure' | 'always';
    readonly most: number;
    readonly within: number;
  };
  readonly line: number | undefined;
}

export type UpReady =
  | { readonly kind: 'alive'; readonly seconds: number }
  | { readonly kind: 'line'; readonly pattern: string }
  | { readonly kind: 'path'; readonly path: string };

/** Who an entry is for the others. */
export interface UpMember {
  readonly id: string;
  readonly role: UpRole;
  /** Name in Redis. */
  readonly name: string;
}

/** A whole ensemble, to be given to a supervisor. */
export interface UpPlan<E extends UpEntry = UpEntry> {
  readonly entries: readonly E[];
  readonly members: readonly UpMember[];
  /** HTTP of the controller, and of the reducer if it has one. */
  readonly control: string;
  readonly results: string | undefined;
}
