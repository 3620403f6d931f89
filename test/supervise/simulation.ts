/** Supervisors in a world of processes that do what they like: become ready or not, end, fail, ignore signals (docs/supervise.md). */

import type { Entry } from '../../lib/supervise/config/types.ts';
import { type State, Supervisor } from '../../lib/supervise/run/supervisor.ts';
import { Random } from '../random.ts';
import { entry } from './entries.ts';

interface Process {
  ready: boolean;
  interruptedAt: number | undefined;
  killed: boolean;
  ignoresInterrupt: boolean;
  /** One of its `together` has ended: it must be gone before anybody of them comes up again. */
  mustGo: boolean;
}

const isGoing = ({ wanted, leaving }: { readonly wanted: boolean; readonly leaving: boolean }) => !wanted || leaving;
const DOWN: ReadonlySet<State> = new Set(['done', 'failed', 'stopped']);

export class World {
  readonly problems: string[] = [];
  readonly entries: readonly Entry[];
  readonly supervisor: Supervisor;
  /** What happened, so that a test knows that its schedules reach everything. */
  readonly seen = { spawns: 0, restarts: 0, kills: 0, stops: 0, blocked: 0, together: 0, late: 0 };
  readonly #random: Random;
  readonly #processes = new Map<string, Process>();
  /** Starts by the supervisor itself, since somebody asked last. */
  readonly #ownStarts = new Map<string, number[]>();
  readonly #lastStatus = new Map<string, number>();
  readonly #asked = new Set<string>();
  #now = 1000;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const count = 1 + this.#random.below(6);
    const ids = Array.from({ length: count }, (_, i) => `e${i}`);
    this.entries = ids.map((id, i) => entry(id, this.#traits(ids.slice(0, i))));
    this.supervisor = new Supervisor(this.entries, this.#now);
  }

  #traits(before: readonly string[]): Partial<Entry> {
    const random = this.#random;
    const when = (['never', 'on-failure', 'always'] as const)[random.below(3)]!;
    return {
      after: before.filter(() => random.chance(0.4)),
      grace: random.below(4),
      drain: random.below(3),
      readyWithin: random.below(6),
      ...(random.chance(0.3) ? { together: `g${random.below(2)}` } : {}),
      restart: { when, most: random.below(4), within: 1 + random.below(30) },
    };
  }

  run(steps: number): void {
    for (let i = 0; i < steps && this.problems.length === 0; i++) {
      this.#act();
      this.#obey();
    }
    this.#drain();
  }

  #say(problem: string): void {
    this.problems.push(`${this.#now}: ${problem}`);
  }

  #some(): string[] {
    const chosen = this.entries.map(({ id }) => id).filter(() => this.#random.chance(0.5));
    return chosen.length === 0 ? this.entries.map(({ id }) => id) : chosen;
  }

  #act(): void {
    const random = this.#random;
    const alive = [...this.#processes.keys()];
    const one = alive[random.below(Math.max(1, alive.length))];
    const kind = random.below(10);
    if (kind < 2) this.#start(this.#some());
    else if (kind === 2) this.#stop(this.#some());
    else if (kind < 5 && one !== undefined) this.#becomeReady(one);
    else if (kind < 8 && one !== undefined) this.#end(one);
    else this.#advance(random.below(4000));
  }

  #start(ids: readonly string[]): void {
    const visit = (id: string) => {
      this.#asked.add(id);
      this.#ownStarts.set(id, []);
      for (const other of this.entries.find((found) => found.id === id)!.after) visit(other);
    };
    for (const id of ids) visit(id);
    this.supervisor.start(ids, this.#now);
  }

  #stop(ids: readonly string[]): void {
    this.seen.stops++;
    for (const id of ids) this.#asked.delete(id);
    this.supervisor.stop(ids, this.#now);
    // Who is stopped and wanted again stays away from the others of its group.
    for (const process of this.#processes.values()) process.mustGo = false;
  }

  #becomeReady(id: string): void {
    this.#processes.get(id)!.ready = true;
    this.supervisor.ready(id, this.#now);
  }

  #end(id: string): void {
    const process = this.#processes.get(id)!;
    if (process.interruptedAt !== undefined && process.ignoresInterrupt && !process.killed) return;
    const status = process.killed ? 137 : process.interruptedAt === undefined ? this.#random.below(2) : 130;
    this.#processes.delete(id);
    this.#lastStatus.set(id, status);
    this.supervisor.exited(id, { status, stages: [status] }, this.#now);
    const states = this.supervisor.entries;
    const { entry: mine, state } = states.find((one) => one.entry.id === id)!;
    if (mine.together === undefined || state !== 'backoff') return;
    for (const { entry: other, wanted } of states) {
      const beside = other.together === mine.together && wanted ? this.#processes.get(other.id) : undefined;
      if (!beside) continue;
      beside.mustGo = true;
      this.seen.together++;
    }
  }

  #advance(by: number): void {
    const due = this.supervisor.nextTick(this.#now);
    this.#now += due === undefined ? by : Math.min(by, due);
    this.supervisor.tick(this.#now);
  }

  #obey(): void {
    for (const order of this.supervisor.takeOrders()) {
      const found = this.entries.find(({ id }) => id === order.id)!;
      if (order.kind === 'spawn') this.#spawned(found);
      else this.#signalled(found, order.signal);
    }
    this.#look();
  }

  #spawned({ id, after, restart, together }: Entry): void {
    this.seen.spawns++;
    if (this.#processes.has(id)) this.#say(`${id} is spawned while it runs`);
    for (const other of after) {
      const process = this.#processes.get(other);
      if (process ? !process.ready : this.#lastStatus.get(other) !== 0)
        this.#say(`${id} is spawned before ${other} is up`);
    }
    for (const other of this.entries)
      if (together !== undefined && other.together === together && this.#processes.get(other.id)?.mustGo)
        this.#say(`${id} is spawned before ${other.id} of its group is down`);
    if (this.#asked.has(id)) this.#asked.delete(id);
    else if (together === undefined) {
      this.seen.restarts++;
      const own = this.#ownStarts.get(id) ?? [];
      // The pause between an end and the start that follows may make the window a little longer.
      own.push(this.#now);
      this.#ownStarts.set(id, own);
      const recent = own.filter((time) => time > this.#now - restart.within * 1000 + 11_000);
      if (recent.length > restart.most)
        this.#say(`${id} was started ${recent.length} times, its budget is ${restart.most}`);
      if (restart.when === 'never') this.#say(`${id} is started again, which nobody wants`);
      if (restart.when === 'on-failure' && this.#lastStatus.get(id) === 0) this.#say(`${id} is started after success`);
    }
    this.#processes.set(id, {
      ...{ ready: false, interruptedAt: undefined, killed: false, mustGo: false },
      ignoresInterrupt: this.#random.chance(0.3),
    });
  }

  #signalled({ id, grace }: Entry, signal: string): void {
    const process = this.#processes.get(id);
    if (!process) return this.#say(`${signal} to ${id}, which does not run`);
    if (signal === 'SIGINT') {
      if (process.interruptedAt !== undefined) this.#say(`${id} is interrupted twice`);
      const late = this.supervisor.entries.find(({ entry }) => entry.id === id)!.late;
      if (late) this.seen.late++;
      for (const other of this.supervisor.entries)
        if (!late && other.entry.after.includes(id) && isGoing(other) && this.#processes.has(other.entry.id))
          this.#say(`${id} is stopped before ${other.entry.id}`);
      process.interruptedAt = this.#now;
      return;
    }
    this.seen.kills++;
    if (process.interruptedAt === undefined || this.#now < process.interruptedAt + grace * 1000)
      this.#say(`${id} is killed before its grace is over`);
    process.killed = true;
  }

  #look(): void {
    for (const {
      entry: { id },
      state,
    } of this.supervisor.entries) {
      const process = this.#processes.get(id);
      const alive = state === 'starting' || state === 'running' || state === 'stopping';
      if (alive !== (process !== undefined))
        this.#say(`${id} is ${state}, but its process ${process ? 'runs' : 'does not'}`);
      if (state === 'running' && !process?.ready) this.#say(`${id} is running before it is ready`);
      if (state === 'failed' && this.#lastStatus.get(id) === undefined) this.seen.blocked++;
    }
  }

  /** Left alone everybody gets somewhere; stopped, everybody ends. */
  #drain(): void {
    const settle = (isOver: () => boolean, what: string, everybodyEnds: boolean) => {
      for (let i = 0; i < 400 && this.problems.length === 0; i++) {
        if (isOver()) return;
        // Those that are spawned meanwhile come into their turn: one after the other, in time.
        for (const [id, process] of this.#processes) {
          if (!everybodyEnds && process.interruptedAt === undefined) this.#becomeReady(id);
          else this.#end(id);
          this.#obey();
        }
        this.#advance(10_000);
        this.#obey();
      }
      if (!isOver()) this.#say(`${what}: ${this.supervisor.entries.map(({ state }) => state).join(' ')}`);
    };
    const states = () => this.supervisor.entries.map(({ state }) => state);
    settle(() => states().every((state) => state === 'running' || DOWN.has(state)), 'nobody gets anywhere', false);
    this.#stop(this.entries.map(({ id }) => id));
    this.#obey();
    settle(() => this.supervisor.idle && this.#processes.size === 0, 'stop does not end', true);
    if (this.supervisor.nextTick(this.#now) !== undefined) this.#say('a timer is left');
  }
}
