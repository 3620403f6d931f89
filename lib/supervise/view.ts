import type { StageBalance } from './log-digest.ts';

/** What others see of an entry. */
export interface EntryView {
  readonly id: string;
  /** As in docs/supervise.md; `pending` and `gone` too for Slurm. */
  readonly state: string;
  /** Programs of the stages, by name. */
  readonly programs: readonly string[];
  readonly pids: readonly (number | undefined)[];
  readonly status: number | undefined;
  /** By stage. */
  readonly stages: readonly number[];
  readonly restarts: number;
  /** Seconds in this state, if known. */
  readonly seconds: number | undefined;
  readonly log: string | undefined;
  /** Bytes that could not be written into the log. */
  readonly unwritten: number;
  readonly lastLine: string;
  /** What it waits for while it is not ready, or was not in time, and its last words: whole sentences. */
  readonly unready?: string;
  readonly balances: readonly StageBalance[];
  /** With Slurm: job or step, and the state that Slurm tells. */
  readonly slurm?: { readonly job: string; readonly state: string; readonly node: string };
}
