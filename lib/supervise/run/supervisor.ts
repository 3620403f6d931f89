/**
 * Who runs, who waits, who is stopped next (docs/supervise.md). Pure: exits, readiness and time come in, orders go out. One machine for local
 * processes; the plan for Slurm is made from the same entries.
 */

import type { Entry } from '../config/types.ts';

export type State = 'waiting' | 'starting' | 'running' | 'backoff' | 'stopping' | 'done' | 'failed' | 'stopped';

export type Order =
  | { readonly kind: 'spawn'; readonly id: string }
  | { readonly kind: 'signal'; readonly id: string; readonly signal: 'SIGINT' | 'SIGKILL' };

/** How an entry ended: the last stage that failed decides, as with a shell's pipefail. */
export interface ExitOf {
  /** 0 for a clean end. */
  readonly status: number;
  /** By stage, in order: exit status, 128 + n for signals. */
  readonly stages: readonly number[];
}

export interface EntryState {
  readonly entry: Entry;
  state: State;
  /** When the state began, milliseconds. */
  since: number;
  restarts: number;
  /** Of restarts within the policy's window. */
  readonly recent: number[];
  exit: ExitOf | undefined;
  /** False once somebody has stopped it, and before anybody has started it. */
  wanted: boolean;
  /** It is stopped because of another one of its `together`, and comes up with it again. */
  leaving: boolean;
  /** Of stopping: what it has been told so far; nothing while it may end by itself. */
  told: 'nothing' | 'SIGINT' | 'SIGKILL';
  /** It was not ready in time: however it ends, it has failed. Until it is started again. */
  late: boolean;
}

const SECOND = 1000;
const LONGEST_PAUSE = 10 * SECOND;

const DOWN: ReadonlySet<State> = new Set(['done', 'failed', 'stopped']);
const ALIVE: ReadonlySet<State> = new Set(['starting', 'running', 'stopping']);
const UP: ReadonlySet<State> = new Set(['starting', 'running']);
/** Of one that was not ready in time and said that all is well. */
const NOT_READY = 1;

export class Supervisor {
  readonly #entries = new Map<string, EntryState>();
  #orders: Order[] = [];

  constructor(entries: readonly Entry[], now: number) {
    for (const entry of entries) {
      this.#entries.set(entry.id, {
        ...{ entry, state: 'stopped', since: now, restarts: 0, recent: [], exit: undefined },
        ...{ wanted: false, leaving: false, told: 'nothing', late: false },
      });
    }
  }

  /** In the order of the file. */
  get entries(): readonly Readonly<EntryState>[] {
    return [...this.#entries.values()];
  }

  /** Orders since the last call. */
  takeOrders(): readonly Order[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }

  /** True when nothing runs and nothing will without being asked. */
  get idle(): boolean {
    return this.entries.every(({ state }) => DOWN.has(state));
  }

  /** Starts entries and what they come after. @throws nothing: unknown ids are the caller's business */
  start(ids: readonly string[], now: number): void {
    for (const id of this.#withNeeded(ids)) {
      const one = this.#entries.get(id);
      if (!one) continue;
      one.wanted = true;
      if (!DOWN.has(one.state)) continue;
      if (one.state === 'done' && !ids.includes(id)) continue;
      one.recent.length = 0;
      this.#go(one, 'waiting', now);
    }
    this.#advance(now);
  }

  #withNeeded(ids: readonly string[]): ReadonlySet<string> {
    const all = new Set<string>();
    const visit = (id: string) => {
      if (all.has(id)) return;
      all.add(id);
      for (const before of this.#entries.get(id)?.entry.after ?? []) visit(before);
    };
    for (const id of ids) visit(id);
    return all;
  }

  /** Stops entries, those that come after others first. */
  stop(ids: readonly string[], now: number): void {
    for (const id of ids) {
      const one = this.#entries.get(id);
      if (!one) continue;
      one.wanted = false;
      if (one.state === 'waiting' || one.state === 'backoff') this.#go(one, 'stopped', now);
    }
    this.#advance(now);
  }

  ready(id: string, now: number): void {
    const one = this.#entries.get(id);
    if (one?.state !== 'starting') return;
    this.#go(one, 'running', now);
    this.#advance(now);
  }

  exited(id: string, exit: ExitOf, now: number): void {
    const one = this.#entries.get(id);
    if (!one || !ALIVE.has(one.state)) return;
    const { late, leaving } = one;
    one.exit = late && exit.status === 0 ? { ...exit, status: NOT_READY } : exit;
    one.leaving = false;
    if (!one.wanted) this.#go(one, 'stopped', now);
    // It left with others, or was stopped and wanted again before it had ended.
    else if (leaving || (one.state === 'stopping' && !late)) this.#go(one, 'waiting', now);
    else if (this.#restarts(one, one.exit, now)) this.#leaveTogether(one, now);
    else this.#go(one, one.exit.status === 0 ? 'done' : 'failed', now);
    this.#advance(now);
  }

  /** The others of its group go down in order, and all come up when the last one is down. */
  #leaveTogether({ entry }: EntryState, now: number): void {
    for (const other of this.#others(entry)) {
      if (!other.wanted) continue;
      if (ALIVE.has(other.state)) other.leaving = true;
      else if (other.state === 'done') this.#go(other, 'waiting', now);
    }
  }

  #others({ id, together }: Entry): readonly EntryState[] {
    if (together === undefined) return [];
    return [...this.#entries.values()].filter(({ entry }) => entry.together === together && entry.id !== id);
  }

  #restarts(one: EntryState, { status }: ExitOf, now: number): boolean {
    const { when, most, within } = one.entry.restart;
    if (when === 'never' || (when === 'on-failure' && status === 0)) return false;
    while (one.recent[0] !== undefined && now - one.recent[0] > within * SECOND) one.recent.shift();
    if (one.recent.length >= most) return false;
    one.recent.push(now);
    this.#go(one, 'backoff', now);
    return true;
  }

  /** Milliseconds until `tick` has something to do; undefined if never. */
  nextTick(now: number): number | undefined {
    const times = this.entries.flatMap((one) => {
      const due = dueAt(one);
      return due === undefined ? [] : [Math.max(0, due - now)];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  tick(now: number): void {
    for (const one of this.#entries.values()) {
      const due = dueAt(one);
      if (due === undefined || now < due) continue;
      if (one.state === 'backoff') {
        one.restarts++;
        this.#go(one, 'waiting', now);
      } else if (one.state === 'starting') {
        one.late = true;
        this.#interrupt(one, now);
      } else if (one.told === 'nothing') this.#interrupt(one, now);
      else {
        one.told = 'SIGKILL';
        this.#orders.push({ kind: 'signal', id: one.entry.id, signal: 'SIGKILL' });
      }
    }
    this.#advance(now);
  }

  #go(one: EntryState, state: State, now: number): void {
    one.state = state;
    one.since = now;
    one.told = 'nothing';
  }

  #interrupt(one: EntryState, now: number): void {
    this.#orders.push({ kind: 'signal', id: one.entry.id, signal: 'SIGINT' });
    this.#go(one, 'stopping', now);
    one.told = 'SIGINT';
  }

  /** One change may make way for the next, so it goes on until nothing changes. */
  #advance(now: number): void {
    let changed = true;
    while (changed) {
      changed = false;
      for (const one of this.#entries.values()) changed = this.#step(one, now) || changed;
    }
  }

  #step(one: EntryState, now: number): boolean {
    const { id } = one.entry;
    if (one.state === 'waiting') {
      const blocked = this.#blockedAs(one);
      if (blocked) {
        one.wanted = blocked === 'failed';
        this.#go(one, blocked, now);
        return true;
      }
      if (!this.#mayStart(one)) return false;
      this.#orders.push({ kind: 'spawn', id });
      one.late = false;
      this.#go(one, 'starting', now);
      return true;
    }
    if (!isGoing(one) || !UP.has(one.state) || !this.#mayStop(one)) return false;
    if (this.#maySeeItsEnd(one)) this.#go(one, 'stopping', now);
    else this.#interrupt(one, now);
    return true;
  }

  /** What becomes of an entry that waits for one that will not come up. */
  #blockedAs({ entry }: EntryState): 'failed' | 'stopped' | undefined {
    const states = entry.after.map((id) => this.#entries.get(id)?.state);
    return (['failed', 'stopped'] as const).find((state) => states.includes(state));
  }

  /** What it comes after is up, or has done its work, and nobody of its group is still on the way down. */
  #mayStart({ entry }: EntryState): boolean {
    if (this.#others(entry).some((other) => other.leaving || (other.wanted && other.state === 'backoff'))) return false;
    return entry.after.every((id) => {
      const state = this.#entries.get(id)?.state;
      return state === undefined || state === 'running' || state === 'done';
    });
  }

  /** Nobody that came after it, and is to be stopped too, is alive. */
  #mayStop({ entry: { id } }: EntryState): boolean {
    return this.entries.every((one) => !isGoing(one) || !one.entry.after.includes(id) || !ALIVE.has(one.state));
  }

  /** Those that came after it, its writers, are all down: its input ends, and it may work that off. */
  #maySeeItsEnd({ entry: { id, drain = 0 } }: EntryState): boolean {
    const writers = this.entries.filter(({ entry }) => entry.after.includes(id));
    return drain > 0 && writers.length > 0 && writers.every(({ state }) => !ALIVE.has(state));
  }
}

/** It is to be stopped, for good or for a while. */
function isGoing({ wanted, leaving }: Readonly<EntryState>): boolean {
  return !wanted || leaving;
}

function dueAt({ state, since, told, entry, recent }: Readonly<EntryState>): number | undefined {
  if (state === 'backoff') return since + Math.min(LONGEST_PAUSE, SECOND * 2 ** (recent.length - 1) - SECOND);
  if (state === 'starting' && entry.readyWithin) return since + entry.readyWithin * SECOND;
  if (state !== 'stopping' || told === 'SIGKILL') return undefined;
  return since + (told === 'nothing' ? (entry.drain ?? 0) : entry.grace) * SECOND;
}
