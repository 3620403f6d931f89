/** What a file of processes says (spec procmgr.md 1.1, 2.1), whatever notation it has. */

export interface Stage {
  /** Program and arguments. */
  readonly argv: readonly string[];
}

/** When a process is taken to be up. */
export type Readiness =
  | { readonly kind: 'alive'; readonly seconds: number }
  | { readonly kind: 'line'; readonly pattern: string }
  | { readonly kind: 'path'; readonly path: string };

export interface RestartPolicy {
  readonly when: 'never' | 'on-failure' | 'always';
  /** Most restarts within `within` seconds. */
  readonly most: number;
  readonly within: number;
}

export interface Entry {
  readonly id: string;
  /** Undefined if the file does not say. Used with Slurm; here everything runs on this host. */
  readonly host: string | undefined;
  /** As written; empty for our own notation. */
  readonly flags: string;
  /** As written, before anything is appended. */
  readonly cmd: string;
  readonly env: ReadonlyMap<string, string>;
  /** Fixed control port of the process manager: kept, not used. */
  readonly port: number | undefined;
  readonly rtprio: number | undefined;
  readonly conda: string | undefined;
  readonly cores: number | undefined;
  readonly envGroup: string | undefined;
  /** Ids that must be up before. */
  readonly after: readonly string[];
  readonly ready: Readiness;
  /** Seconds until it must be ready, else it has failed; 0: no limit. Undefined: what the command line says. */
  readonly readyWithin?: number;
  readonly restart: RestartPolicy;
  /** Those of one name go down together when one of them ends, and come up together. */
  readonly together?: string;
  /** Seconds between SIGINT and SIGKILL. */
  readonly grace: number;
  /** Seconds that it may take to end by itself before SIGINT, once those that come after it are down. */
  readonly drain?: number;
  /** Line in the file, if known. */
  readonly line: number | undefined;
}

export interface ProcessFile {
  readonly file: string;
  readonly notation: 'cnf' | 'yaml';
  readonly platform: number | undefined;
  /** Part of the comments of Slurm's jobs. */
  readonly station: number;
  readonly entries: readonly Entry[];
}

export type LintCode =
  | 'missing-key'
  | 'unknown-key'
  | 'not-text'
  | 'bad-id'
  | 'duplicate-id'
  | 'unknown-flag'
  | 'bad-platform'
  | 'bad-priority'
  | 'bad-env'
  | 'wrapper-in-cmd'
  | 'outer-shell'
  | 'appended-to-last-stage'
  | 'missing-program'
  | 'duplicate-port'
  | 'needs-shell'
  | 'bad-policy'
  | 'not-stopped-politely'
  | 'unknown-to-existing-lint';

export interface LintProblem {
  readonly code: LintCode;
  /** Notes are no mistakes: the existing lint complains all the same. */
  readonly severity: 'error' | 'warning' | 'note';
  /** Of the entry, or its number if it has none. */
  readonly id: string | null;
  readonly message: string;
  /** True if the existing lint finds it too. */
  readonly existing: boolean;
  /** Line in the file, if known. */
  readonly line: number | undefined;
}
