/** What a log says about an entry: last words, balances of stages, how it ended. Pure; the same for logs that are being written and read. */

import { type Balance, readBalance } from '../cli/balance.ts';

/** The last balance that a stage printed. */
export interface StageBalance extends Balance {
  /** From 1. */
  readonly stage: number;
  /** What it gave to its one output, if it told that beside its balance: `200 events, 209 dgrams, 105 kB in 1 stream`. */
  readonly dgrams: number | undefined;
}

const DGRAMS = /\b(\d+) dgrams\b.* in 1 stream\b/;
const STAGE = /^\[(\d+)\] /;
const ENDED = /^# daq-run: ended with status (\d+)$/;
const STAGE_ENDED = /^# daq-run: stage (\d+) .* ended with (\d+)$/;
/** Slurm's own words about the end of a step come after the program's. */
const NOT_THE_PROGRAM = /^(#|srun: |slurmstepd: )/;

const LAST_LINES = 3;

export class LogDigest {
  readonly #balances = new Map<number, StageBalance>();
  readonly #stages: number[] = [];
  #lastLines: readonly string[] = [];
  #status: number | undefined;

  /** A line as it stands in the log, with the mark of its stage if there are several. */
  take(line: string): void {
    if (NOT_THE_PROGRAM.test(line)) return this.#takeNote(line);
    const mark = STAGE.exec(line);
    const text = mark ? line.slice(mark[0].length) : line;
    if (text.trim() !== '') this.#lastLines = [...this.#lastLines, text].slice(-LAST_LINES);
    const balance = readBalance(text);
    if (!balance) return;
    const stage = Number(mark?.[1] ?? 1);
    this.#balances.set(stage, { stage, ...balance, dgrams: numberIn(DGRAMS.exec(text)) });
  }

  #takeNote(line: string): void {
    const stage = STAGE_ENDED.exec(line);
    if (stage) this.#stages[Number(stage[1]) - 1] = Number(stage[2]);
    const ended = ENDED.exec(line);
    if (ended) this.#status = Number(ended[1]);
  }

  get lastLine(): string {
    return this.#lastLines.at(-1) ?? '';
  }

  /** The last few that say something. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** In the order of the stages. */
  get balances(): readonly StageBalance[] {
    return [...this.#balances.values()].sort((a, b) => a.stage - b.stage);
  }

  /** Exit statuses by stage, as far as the log knows. */
  get stages(): readonly number[] {
    return this.#stages;
  }

  /** Exit status of the entry; undefined while it runs, and if it was killed with its shell. */
  get status(): number | undefined {
    return this.#status;
  }
}

function numberIn(match: RegExpExecArray | null): number | undefined {
  return match ? Number(match[1]) : undefined;
}
