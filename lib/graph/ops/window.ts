/**
 * Windows in event order (spec graph.md 2.6). Groups: used events are cut into groups of exactly n; the last group completed in a
 * heartbeat is given. Sliding: the last n. Both need only the youngest events of each contributor, so a state is bounded.
 */

import type { Kernel } from '../types.ts';
import { isArray, type Value } from '../value.ts';
import { copyOf, divided, plus, type Sum } from './sum.ts';

interface Entry {
  readonly event: number;
  readonly value: Value;
}

interface Window {
  /** Used events that are in no completed group (groups), or since the reset (sliding). */
  count: number;
  /** The youngest of them, ascending by event number. */
  entries: Entry[];
  /** The last completed group, until the next one. */
  group: readonly Value[] | undefined;
  /** `unique`: from so many entries on it is looked which are not needed. */
  limit?: number;
}

const zero = (): Window => ({ count: 0, entries: [], group: undefined });

/** How a completed group is shown. */
export interface GroupView {
  readonly ports: readonly string[];
  show(group: readonly Value[]): readonly (Value | undefined)[];
}

export const PICKED: GroupView = { ports: ['list'], show: (group) => [group] };
export const SUMMED: GroupView = { ports: ['count', 'sum'], show: (group) => [group.length, total(group)] };
export const AVERAGED: GroupView = {
  ports: ['mean', 'count'],
  show: (group) => [divided(total(group), group.length), group.length],
};

function total(group: readonly Value[]): Sum {
  return group.reduce<Sum>((sum, value) => plus(sum, value), undefined);
}

/** Consecutive groups of exactly `n` used events. */
export function groups(n: number, view: GroupView): Kernel<Window> {
  // With p < n waiting, the last complete group and what is left behind it are among the youngest 2n - 1.
  const kept = 2 * n - 1;
  return {
    ports: view.ports,
    zero,
    add: (state, inputs, { event }) => {
      enter(state, { event, value: element(inputs) });
      cutTo(state, kept);
      return true;
    },
    take: (state) => given(state, kept),
    merge: (state, part) => {
      mergeInto(state, part);
      cutTo(state, kept);
    },
    settle(state) {
      const complete = Math.floor(state.count / n);
      state.group = undefined;
      if (complete === 0) return;
      const waiting = state.count - complete * n;
      const end = state.entries.length - waiting;
      state.group = state.entries.slice(end - n, end).map(({ value }) => value);
      state.entries = state.entries.slice(end);
      state.count = waiting;
    },
    output: ({ group }) => (group ? view.show(group) : view.ports.map(() => undefined)),
  };
}

/** The last `n` used events: ports `buffer`, `count`. @param unique leaves out a value equal to the one before it */
export function sliding(n: number, unique: boolean): Kernel<Window> {
  return {
    ports: ['buffer', 'count'],
    zero,
    add: (state, inputs, { event }) => {
      enter(state, { event, value: element(inputs) });
      if (!unique) cutTo(state, n);
      return true;
    },
    take: (state) => given(state, unique ? state.entries.length : n),
    merge: (state, part) => {
      mergeInto(state, part);
      if (unique) thin(state, n);
      else cutTo(state, n);
    },
    output({ count, entries }) {
      const values = (unique ? entries : entries.slice(-n)).map(({ value }) => value);
      return [unique ? withoutRepeats(values).slice(-n) : values, count];
    },
  };
}

/** One value, or the list of all inputs; a copy, because inputs are views. */
function element(inputs: readonly Value[]): Value {
  return inputs.length === 1 ? (copyOf(inputs[0]) as Value) : inputs.map(copyOf);
}

/** Events of one contributor come in order, except when parts of it were late. */
function enter(state: Window, entry: Entry): void {
  const { entries } = state;
  state.count++;
  if (entries.length > 0 && entries[entries.length - 1]!.event > entry.event)
    entries.splice(placeOf(entries, entry.event), 0, entry);
  else entries.push(entry);
}

/** Cut at twice the size: one copy per `kept` events. */
function cutTo(state: Window, kept: number): void {
  if (state.entries.length >= 2 * kept) state.entries = state.entries.slice(-kept);
}

function given(state: Window, kept: number): Window {
  const { count, entries } = state;
  state.count = 0;
  state.entries = [];
  return { count, entries: entries.length > kept ? entries.slice(-kept) : entries, group: undefined };
}

/** Only what is younger than the first event of the part moves. */
function mergeInto(state: Window, part: Window): void {
  state.count += part.count;
  const [first] = part.entries;
  if (!first) return;
  const { entries } = state;
  const younger = entries.splice(placeOf(entries, first.event));
  let i = 0;
  for (const entry of part.entries) {
    while (i < younger.length && younger[i]!.event < entry.event) entries.push(younger[i++]!);
    entries.push(entry);
  }
  while (i < younger.length) entries.push(younger[i++]!);
}

/** Number of the entries that are older: near the end. */
function placeOf(entries: readonly Entry[], event: number): number {
  let at = entries.length;
  while (at > 0 && entries[at - 1]!.event > event) at--;
  return at;
}

/** Equal values in a row of which all are kept: an event that comes later than so many others may be taken for a repetition. */
const REPEATS_KEPT = 4096;

/**
 * For `unique`: what is older than the last n + 1 different values in a row is not needed, whatever others saw in between; of very long
 * rows of equal values the middle goes too.
 */
function thin(state: Window, n: number): void {
  const { entries } = state;
  const least = 2 * (n + REPEATS_KEPT);
  if (entries.length < (state.limit ?? least)) return;
  const kept: Entry[] = [];
  let rows = 0;
  let repeats = 0;
  for (let i = entries.length - 1; i >= 0 && rows <= n; i--) {
    const repeated = i > 0 && equal(entries[i]!.value, entries[i - 1]!.value);
    if (!repeated) rows++;
    repeats = repeated ? repeats + 1 : 0;
    if (repeats <= REPEATS_KEPT) kept.push(entries[i]!);
  }
  state.entries = kept.reverse();
  state.limit = 2 * kept.length + least;
}

function withoutRepeats(values: readonly Value[]): Value[] {
  return values.filter((value, i) => i === 0 || !equal(value, values[i - 1] as Value));
}

function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  return !isArray(a) && (a === b || (Number.isNaN(a) && Number.isNaN(b)));
}
