/** A whole scan in one command, without Redis: recordings in, workers and reducer called (spec mapreduce.md 10). */

import { randomUUID } from 'node:crypto';
import type { Balance } from '../../cli/balance.ts';
import { FailureLog } from '../payload/failure-log.ts';
import type { EventOutcome, Parameters, ReducerPayload, WorkerPayload } from '../payload/types.ts';
import type { RecordedParameter } from '../record/parameters.ts';
import { Pace } from '../source/pace.ts';
import type { Dealer, Dealt } from './deal.ts';
import type { Merge, MergedEvent } from './merge.ts';

export interface ReplayOptions {
  readonly merge: Merge;
  readonly deal: Dealer;
  readonly workers: readonly { readonly name: string; readonly payload: WorkerPayload }[];
  readonly reducer: ReducerPayload | undefined;
  readonly parameters: readonly RecordedParameter[];
  /** Events per second; undefined: as fast as they are worked on. */
  readonly rate: number | undefined;
  readonly say: (message: string) => void;
}

/** Shares that are on their way to the workers at once. */
const AHEAD = 64;
const MISSING = 'MISSING';

export class Replay {
  readonly counts = { shares: 0, done: 0, failed: 0, incomplete: 0, events: 0, nobody: 0, results: 0, refused: 0 };
  readonly #options: ReplayOptions;
  readonly #failures: FailureLog;
  readonly #map = randomUUID();
  /** Results go to the reducer in the order in which the shares were dealt, so that a replay repeats itself. */
  #reduced: Promise<void> = Promise.resolve();
  #underway = 0;
  #roomy: (() => void) | undefined;
  #ticks: (number | undefined)[] = [];
  readonly #lastTick = new Map<number, number>();

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#failures = new FailureLog(options.say);
  }

  /** @throws PayloadFailed if a class cannot be used */
  async run(stop: AbortSignal): Promise<void> {
    const { merge, deal, workers, reducer } = this.#options;
    const parameters: Parameters = new Map(
      this.#options.parameters.map(({ name, data }) => [name, { uuid: randomUUID(), data }]),
    );
    const beginning = { map: this.#map, parameters };
    await reducer?.begin({ ...beginning, name: 'reducer', state: {} });
    this.#ticks = await Promise.all(
      workers.map(({ name, payload }) =>
        payload.begin({ ...beginning, name, state: { tags: ['generic'], ingesters: [] } }),
      ),
    );
    const pace = new Pace(this.#options.rate, stop);
    for await (const event of merge) {
      await pace.next();
      if (stop.aborted) break;
      const shares = deal(event);
      this.counts.events++;
      if (shares.length === 0) this.counts.nobody++;
      for (const share of shares) this.#give(event, share);
      while (this.#underway >= AHEAD) await new Promise<void>((resolve) => (this.#roomy = resolve));
    }
    await this.#reduced;
    for (const { payload, name } of workers) this.#finished(name, await payload.finish());
    if (reducer) this.#finished('reducer', await reducer.finish());
  }

  #finished(name: string, failure: Awaited<ReturnType<WorkerPayload['finish']>>): void {
    if (failure) this.#failures.add(`finish of ${name}`, failure);
  }

  #give({ event_number }: MergedEvent, { worker, streams }: Dealt): void {
    const { payload } = this.#options.workers[worker]!;
    this.counts.shares++;
    if ([...streams.values()].some(({ typ }) => typ === MISSING) && !payload.facts.acceptMissing) {
      this.counts.incomplete++;
      return;
    }
    this.#underway++;
    const outcome = payload.process({ event_number, streams, tick: this.#isTick(worker) });
    this.#reduced = this.#reduced.then(async () => {
      await this.#reduce(event_number, worker, await outcome);
      this.#underway--;
      this.#roomy?.();
    });
  }

  /** All workers share one clock, which is that of the first of them. */
  #isTick(worker: number): boolean {
    const interval = this.#ticks[worker];
    if (interval === undefined) return false;
    const now = performance.now();
    const due = now - (this.#lastTick.get(0) ?? Number.NEGATIVE_INFINITY) >= 1000 * interval;
    if (due) this.#lastTick.set(0, now);
    return due;
  }

  async #reduce(event_number: number, worker: number, { body, failure }: EventOutcome): Promise<void> {
    const { workers, reducer } = this.#options;
    const { name, payload } = workers[worker]!;
    if (failure) {
      this.counts.failed++;
      this.#failures.add(`event ${event_number}`, failure);
      return;
    }
    this.counts.done++;
    if (!body) return;
    this.counts.results++;
    if (!reducer) return;
    const result = { event_number, worker: name, parameters_hash: null, encoding: payload.encoding, body };
    const [outcome] = await reducer.process([result]);
    if (!outcome?.failure) return;
    this.counts.refused++;
    this.#failures.add(`result of event ${event_number}`, outcome.failure);
  }

  /** In shares: what one worker gets of one event. */
  balance(): Balance {
    const { shares, done, failed, incomplete, events, nobody, results, refused } = this.counts;
    return {
      in: shares,
      out: done,
      losses: { failed, incomplete },
      info: { events, 'for-nobody': nobody, results, refused },
    };
  }
}
