import { lcm, lowerBound, modulo } from '../arithmetic.ts';
import type { Ticks } from '../machine.ts';
import { finish, type Steps } from '../steps.ts';
import { Engine, NO_LIMIT, RequestLog } from './engine.ts';
import type { Program } from './program.ts';

/** A sequence that repeats every `length` ticks from pulse `origin` on: found long before the period count of 8.5 is. */
export interface Cycle {
  readonly origin: Ticks;
  readonly length: Ticks;
  /** Wake-ups before the origin. */
  readonly lead: number;
  /** Distance from the origin of each tick with a request, rising. */
  readonly offsets: Float64Array;
  readonly words: Uint16Array;
}

/** What a program does in the long run (spec timing 8.5). */
export interface SteadyState {
  /** False when no repetition with warmup + superPeriod within the limit exists. */
  readonly complete: boolean;
  readonly warmup: number;
  readonly superPeriod: number;
  /** Tick at which the program halted, if it did within the limit. */
  readonly halt: Ticks | null;
  readonly cycle: Cycle | null;
  /** Requests of the machine periods 0 to W + M - 1, unless they are too many or the cycle says it all. */
  readonly history: readonly RequestLog[] | null;
  /** Most instructions between a wait and a request of the same tick. */
  readonly latestRequest: number;
}

/** Longest cycle worth keeping as a list, in wake-ups. */
const CYCLE_LIMIT = 1 << 8;
/** Requests kept from the simulation, so that they need not be simulated again. */
const HISTORY_LIMIT = 4_000_000;
const NO_REQUESTS = new RequestLog(0);

/** State of 8.5: bucket of the wake-up, next line, upper, counters. */
const stateKey = (e: Engine, bucket: Ticks): string => `${bucket},${e.line},${e.page},${e.counters.join()}`;

/**
 * Warm-up W and period M of a program, in machine periods, by the definition of spec timing 8.5, for W + M <= maxPeriods.
 * Throws `timing-program` when the program cannot run.
 */
export function steadyState(program: Program, start: Ticks, maxPeriods: number): SteadyState {
  return finish(steadyStateSteps(program, start, maxPeriods));
}

/** `steadyState`, pausing after each machine period. */
export function* steadyStateSteps(program: Program, start: Ticks, maxPeriods: number): Steps<SteadyState> {
  const engine = new Engine(program, start);
  const records = new Map<string, number>();
  const search = new CycleSearch(engine);
  const history = new History(engine.period);
  let recorded = -1;
  while (engine.period <= maxPeriods) {
    // One wake-up at a time until a short cycle is out of the question, then a period at a time.
    engine.run(engine.period, search.open ? 1 : NO_LIMIT, history.log);
    history.moveTo(engine.halted ? engine.period + 1 : engine.period);
    if (engine.halted) return halted(engine, history, maxPeriods);
    if (engine.period !== recorded && engine.period <= maxPeriods) {
      recorded = engine.period;
      const key = stateKey(engine, engine.bucket);
      const before = records.get(key);
      if (before !== undefined)
        return { ...repeats(engine, null), history: history.periods, warmup: before, superPeriod: recorded - before };
      records.set(key, recorded);
      yield;
    }
    if (search.open && search.closes()) return fromCycle(engine, start, search.cycle(start), records, maxPeriods);
  }
  return { ...unfinished(engine, null, maxPeriods), history: history.periods };
}

type Outcome = Omit<SteadyState, 'warmup' | 'superPeriod'>;

function repeats(engine: Engine, cycle: Cycle | null): Outcome {
  return { complete: true, halt: null, cycle, history: null, latestRequest: engine.latestRequest };
}

function unfinished(engine: Engine, cycle: Cycle | null, maxPeriods: number): SteadyState {
  return {
    complete: false,
    warmup: 0,
    superPeriod: maxPeriods,
    halt: null,
    cycle,
    history: null,
    latestRequest: engine.latestRequest,
  };
}

function halted(engine: Engine, history: History, maxPeriods: number): SteadyState {
  const warmup = engine.period + 1;
  const halt = engine.period * engine.program.period + engine.bucket;
  return {
    ...repeats(engine, null),
    history: history.periods,
    complete: warmup + 1 <= maxPeriods,
    warmup,
    superPeriod: 1,
    halt,
  };
}

/** Requests by machine period while they are simulated, up to a limit. */
class History {
  readonly log = new RequestLog();
  #periods: RequestLog[] | null = [];
  #current: number;
  #total = 0;

  constructor(first: number) {
    this.#current = first;
  }

  /** Every period before the present one; null when there were too many requests to keep. */
  get periods(): readonly RequestLog[] | null {
    return this.#periods;
  }

  /** The engine has gone on to `period`: what was logged belongs to the period before. */
  moveTo(period: number): void {
    if (period === this.#current) return;
    const { log } = this;
    this.#total += log.length;
    if (this.#total > HISTORY_LIMIT || period > HISTORY_LIMIT) this.#periods = null;
    if (this.#periods !== null) {
      while (this.#periods.length < this.#current) this.#periods.push(NO_REQUESTS);
      this.#periods.push(log.length === 0 ? NO_REQUESTS : log.copy());
    }
    log.length = 0;
    this.#current = period;
  }
}

/** Brent's search for a repeated state, where the phase counts only towards the markers really waited for. */
class CycleSearch {
  open = true;
  readonly #engine: Engine;
  readonly #counters = new Int32Array(4);
  #line = -1;
  #page = 0;
  #tick = 0;
  #lead = 0;
  #power = 1;
  #steps = 0;
  #commonOf = { markers: 0, ticks: 1 };

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** To be called after each wake-up; true when the state is one that was seen. */
  closes(): boolean {
    const e = this.#engine;
    this.#steps++;
    if (e.line === this.#line && e.page === this.#page && this.#sameCounters() && this.#samePhase()) return true;
    if (this.#steps === this.#power) {
      this.open = this.#power < CYCLE_LIMIT;
      this.#power *= 2;
      this.#steps = 0;
      this.#line = e.line;
      this.#page = e.page;
      this.#counters.set(e.counters);
      this.#tick = this.#now();
      this.#lead = e.wakeups;
      e.markersUsed = 0;
    }
    return false;
  }

  /** The cycle found, listed by running it again. */
  cycle(start: Ticks): Cycle {
    const engine = new Engine(this.#engine.program, start);
    const length = this.#now() - this.#tick;
    advance(engine, this.#lead, () => undefined);
    const offsets: number[] = [];
    const words: number[] = [];
    advance(engine, this.#steps, (tick, word) => {
      offsets.push(tick - this.#tick);
      words.push(word);
    });
    return {
      origin: this.#tick,
      length,
      lead: this.#lead,
      offsets: Float64Array.from(offsets),
      words: Uint16Array.from(words),
    };
  }

  #now(): Ticks {
    return this.#engine.period * this.#engine.program.period + this.#engine.bucket;
  }

  #sameCounters(): boolean {
    for (let k = 0; k < 4; k++) if (this.#counters[k] !== this.#engine.counters[k]) return false;
    return true;
  }

  #samePhase(): boolean {
    const markers = this.#engine.markersUsed;
    if (this.#commonOf.markers !== markers)
      this.#commonOf = { markers, ticks: commonInterval(this.#engine.program, markers) };
    return (this.#now() - this.#tick) % this.#commonOf.ticks === 0;
  }
}

/** Runs exactly `wakeups` wake-ups, reporting requests by absolute tick. */
function advance(engine: Engine, wakeups: number, request: (tick: Ticks, word: number) => void): void {
  const log = new RequestLog();
  let left = wakeups;
  while (left > 0) {
    const before = engine.wakeups;
    const base = engine.period * engine.program.period;
    engine.run(engine.period, left, log);
    left -= engine.wakeups - before;
    for (let i = 0; i < log.length; i++) request(base + (log.buckets[i] as number), log.words[i] as number);
    log.length = 0;
  }
}

function commonInterval(program: Program, markers: number): Ticks {
  let common = 1;
  program.intervals.forEach((interval, index) => {
    if ((markers >> index) & 1) common = lcm(common, interval);
  });
  return common;
}

/** Goes on with the period records of 8.5 without stepping: the first wake-up of each period follows from the cycle. */
function fromCycle(
  engine: Engine,
  start: Ticks,
  cycle: Cycle,
  records: Map<string, number>,
  maxPeriods: number,
): SteadyState {
  const N = engine.program.period;
  const wakes = wakeStates(engine.program, start, cycle);
  const first = Math.floor((cycle.origin + cycle.length) / N) + 1;
  for (let k = first; k <= maxPeriods; k++) {
    const phase = modulo(k * N - cycle.origin, cycle.length);
    const next = wakes.findIndexFrom(phase);
    const bucket = (next < wakes.offsets.length ? (wakes.offsets[next] as number) : cycle.length) - phase;
    if (bucket >= N) continue;
    const key = `${bucket},${wakes.states[next % wakes.offsets.length]}`;
    const before = records.get(key);
    if (before !== undefined) return { ...repeats(engine, cycle), warmup: before, superPeriod: k - before };
    records.set(key, k);
  }
  return unfinished(engine, cycle, maxPeriods);
}

interface WakeStates {
  readonly offsets: readonly Ticks[];
  readonly states: readonly string[];
  findIndexFrom(phase: Ticks): number;
}

/** Offsets and states of all wake-ups of a cycle, the origin first. */
function wakeStates(program: Program, start: Ticks, cycle: Cycle): WakeStates {
  const engine = new Engine(program, start);
  advance(engine, cycle.lead, () => undefined);
  const offsets: number[] = [];
  const states: string[] = [];
  for (;;) {
    const offset = engine.period * program.period + engine.bucket - cycle.origin;
    if (offset >= cycle.length) break;
    offsets.push(offset);
    states.push(`${engine.line},${engine.page},${engine.counters.join()}`);
    advance(engine, 1, () => undefined);
  }
  return { offsets, states, findIndexFrom: (phase) => lowerBound(offsets, phase) };
}
