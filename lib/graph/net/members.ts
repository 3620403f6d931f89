/**
 * Who has a part in which heartbeat (spec graph.md 2.3). Pure: hellos, losses and closed heartbeats come in, decisions about named
 * heartbeats go out. A worker whose local collector is away is away too: what it has worked out cannot get in.
 */

export interface MemberTerms {
  readonly workers: number;
  readonly collectors: number;
  /** Heartbeats in a row that a worker may miss; 0 is any number. */
  readonly deadAfter: number;
}

/** From heartbeat `from` on a worker is expected, or is not. */
export interface Decision {
  readonly worker: number;
  readonly from: number;
  readonly expected: boolean;
  /** Why it is not, in words. */
  readonly why: string;
}

interface WorkerState {
  readonly id: number;
  readonly local: number;
  /** A process has said hello and has neither gone nor been given up since. */
  present: boolean;
  /** It has said hello, and has not been told where to begin. */
  fresh: boolean;
  expected: boolean;
  misses: number;
  why: string;
}

interface LocalState {
  /** Its process has said hello and has not gone. */
  present: boolean;
  /** It answers nothing: until it does. */
  silent: boolean;
  misses: number;
}

export class Members {
  readonly #workers: readonly WorkerState[];
  readonly #locals: readonly LocalState[];
  readonly #deadAfter: number;
  /** First heartbeat for which the last decisions hold. */
  #since = 0;

  constructor({ workers, collectors, deadAfter }: MemberTerms) {
    const perLocal = workers / collectors;
    this.#deadAfter = deadAfter;
    this.#locals = Array.from({ length: collectors }, () => ({ present: false, silent: false, misses: 0 }));
    this.#workers = Array.from({ length: workers }, (_, id) => ({
      id,
      local: Math.floor(id / perLocal),
      present: false,
      fresh: false,
      expected: false,
      misses: 0,
      why: 'it has not come yet',
    }));
  }

  localOf(worker: number): number | undefined {
    return this.#workers[worker]?.local;
  }

  /** Workers and local collectors that are not there, for people: `worker 1`, `local 0`. */
  get absent(): readonly string[] {
    const locals = this.#locals.flatMap(({ present }, id) => (present ? [] : [`local ${id}`]));
    return [...this.#workers.filter(({ present }) => !present).map(({ id }) => `worker ${id}`), ...locals];
  }

  /** At least one worker can do something. */
  get any(): boolean {
    return this.#workers.some((worker) => this.#able(worker));
  }

  /** Expected workers of every local collector, as last decided. */
  table(): Map<number, number[]> {
    return new Map(
      this.#locals.map((_, local) => [
        local,
        this.#workers.filter((worker) => worker.expected && worker.local === local).map(({ id }) => id),
      ]),
    );
  }

  /** A process says that it is worker `id`: for the first time, restarted, or well again. */
  workerCame(id: number): void {
    const worker = this.#workers[id];
    if (worker) Object.assign(worker, { present: true, fresh: true, misses: 0 });
  }

  workerGone(id: number, why: string): void {
    const worker = this.#workers[id];
    if (worker) Object.assign(worker, { present: false, fresh: false, why });
  }

  localCame(id: number): void {
    const local = this.#locals[id];
    if (local) Object.assign(local, { present: true, silent: false, misses: 0 });
  }

  localGone(id: number): void {
    const local = this.#locals[id];
    if (local) local.present = false;
  }

  /**
   * A heartbeat has closed at the global collector.
   * @param answered local collectors of which something is in it
   */
  closed(missing: readonly number[], answered: readonly number[]): void {
    this.#locals.forEach((local, id) => {
      const own = this.#workers.filter((worker) => worker.local === id && worker.expected);
      if (answered.includes(id)) {
        Object.assign(local, { silent: false, misses: 0 });
        for (const worker of own) this.#count(worker, missing.includes(worker.id));
      } else if (own.length > 0 && own.every((worker) => missing.includes(worker.id))) {
        // Nothing is known of its workers then.
        local.misses++;
        local.silent ||= this.#dead(local.misses);
      }
    });
  }

  #count(worker: WorkerState, missed: boolean): void {
    worker.misses = missed ? worker.misses + 1 : 0;
    if (!this.#dead(worker.misses)) return;
    worker.present = false;
    worker.why = `it missed ${worker.misses} heartbeats in a row`;
  }

  #dead(misses: number): boolean {
    return this.#deadAfter > 0 && misses >= this.#deadAfter;
  }

  #able({ present, local }: WorkerState): boolean {
    const above = this.#locals[local];
    return present && above?.present === true && !above.silent;
  }

  isExpected(worker: number): boolean {
    return this.#workers[worker]?.expected ?? false;
  }

  /**
   * What changes, and from which heartbeat on: the open one, or the next if a worker concerned has been dealt events of the open one.
   * All decisions of one call begin with the same heartbeat.
   * @param open heartbeat that gathers
   */
  decide(open: number, gathering: ReadonlyMap<number, number>): readonly Decision[] {
    const changing = this.#workers.filter((worker) => {
      const able = this.#able(worker);
      return able !== worker.expected || (able && worker.fresh);
    });
    if (changing.length === 0) return [];
    const dealtTo = changing.some(({ id }) => (gathering.get(id) ?? 0) > 0);
    const from = Math.max(dealtTo ? open + 1 : open, this.#since);
    this.#since = from;
    return changing.map((worker) => {
      const expected = this.#able(worker);
      const why = worker.present ? `local collector ${worker.local} is away` : worker.why;
      Object.assign(worker, { expected, fresh: worker.fresh && !expected, misses: 0 });
      return { worker: worker.id, from, expected, why };
    });
  }
}
