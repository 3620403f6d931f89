/**
 * A sequence engine that visits every tick and counts every marker, written without a look at lib/timing/sequence: the firmware's
 * behaviour in the words of spec timing 8.3 and 8.5.
 */

/** Thrown for programs that the spec calls errors. */
export class BadProgram extends Error {}

export interface ReferenceEngine {
  /** Request word by tick, 0 for none. */
  readonly words: Uint16Array;
  readonly warmup: number;
  readonly superPeriod: number;
  readonly halt: number | null;
  readonly complete: boolean;
}

interface State {
  line: number;
  upper: number;
  counters: number[];
}

/** Runs `ticks` ticks and finds W and M by the definition. */
export function runReference(
  program: readonly number[],
  intervals: readonly number[],
  period: number,
  start: number,
  maxPeriods: number,
): ReferenceEngine {
  const ticks = (maxPeriods + 1) * period;
  const words = new Uint16Array(ticks);
  const state: State = { line: 0, upper: 0, counters: [0, 0, 0, 0] };
  const seen = new Map<string, number>();
  let waiting: { interval: number; left: number } | null = null;
  let found: { warmup: number; superPeriod: number } | null = null;
  let lastRecord = -1;
  for (let f = start; f < ticks; f++) {
    if (waiting !== null) {
      if (f % waiting.interval !== 0) continue;
      waiting.left--;
      if (waiting.left > 0) continue;
      const k = Math.floor(f / period);
      if (k !== lastRecord && found === null) {
        lastRecord = k;
        const key = JSON.stringify([f - k * period, state]);
        const before = seen.get(key);
        if (before !== undefined) found = { warmup: before, superPeriod: k - before };
        seen.set(key, k);
      }
    }
    const result = runTick(program, intervals, state);
    words[f] = result.word;
    if (result.wait === null) {
      const warmup = Math.floor(f / period) + 1;
      return { words, warmup, superPeriod: 1, halt: f, complete: warmup + 1 <= maxPeriods };
    }
    waiting = result.wait;
  }
  const complete = found !== null && found.warmup + found.superPeriod <= maxPeriods;
  return { words, warmup: found?.warmup ?? 0, superPeriod: found?.superPeriod ?? maxPeriods, halt: null, complete };
}

/** Executes one tick: the word that stands at its end, and what is waited for (null: halted). */
function runTick(program: readonly number[], intervals: readonly number[], state: State) {
  const visited = new Map<string, number>();
  let word = 0;
  let requests = 0;
  for (;;) {
    if (state.line >= program.length) throw new BadProgram('leaves the list');
    const key = JSON.stringify(state);
    const before = visited.get(key);
    if (before !== undefined) {
      if (requests > before) throw new BadProgram('spins with a request');
      return { word, wait: null };
    }
    visited.set(key, requests);
    const w = program[state.line] as number;
    const kind = Math.floor(w / 2 ** 29);
    if (kind === 2) {
      state.line++;
      const left = w % 4096;
      if (left > 0) return { word, wait: { interval: intervals[Math.floor(w / 65536) % 16] as number, left } };
    } else if (kind === 4) {
      word = w % 65536;
      requests++;
      state.line++;
    } else if (kind === 6) {
      state.upper = w % 16;
      state.line++;
    } else if (kind === 0) jump(w, state);
    else state.line++;
  }
}

function jump(w: number, state: State): void {
  const target = state.upper * 2048 + (w % 2048);
  const conditional = Math.floor(w / 2 ** 24) % 2 === 1;
  const counter = Math.floor(w / 2 ** 27) % 4;
  const value = Math.floor(w / 4096) % 4096;
  if (!conditional) state.line = target;
  else if (state.counters[counter] === value) {
    state.counters[counter] = 0;
    state.line++;
  } else {
    state.counters[counter] = ((state.counters[counter] as number) + 1) % 4096;
    state.line = target;
  }
}
