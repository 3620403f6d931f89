/** What a process that decides is talked to through. */

import type { PythonProcess, PythonProcessOptions } from '../../python/process.ts';
import type { EventBatch } from './batch.ts';

/** What the other side says; all of it about the process attached last. */
export interface LinkEvents {
  /** It has its configuration and waits for events. */
  ready(facts: { stateless: boolean }): void;
  /** @param rows count times pid, data, status; valid during the call */
  answers(frame: number, count: number, rows: Buffer, more: boolean): void;
  complained(pid: number | undefined, text: string): void;
  /** Totals of this process. */
  counted(counts: { primBad: Record<string, number>; missingKeys: Record<string, number> }): void;
  /** Answers of an earlier process. */
  stale(count: number): void;
  /** It sends what is no answer. */
  broken(why: string): void;
  /** It will not say anything more, though it may still live. */
  closed(): void;
}

export interface DeciderLink {
  readonly inFlight: number;
  readonly perMessage: number;
  /** What to start; makes whatever the process opens. @param sequence 1, 2, … counts processes; @param body the trigger body */
  launch(sequence: number, body: unknown): Omit<PythonProcessOptions, 'prefix'>;
  attach(process: PythonProcess, events: LinkEvents): void;
  post(frame: number, batch: EventBatch, from: number, count: number): void;
  /** Asks the process to end. */
  stop(): void;
  /** The process is gone: removes what was made for it. Also twice. */
  release(): void;
}
