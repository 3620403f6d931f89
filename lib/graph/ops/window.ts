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
      enter(state, { event, value: element(inputs) }, kept);
      return true;
    },
    merge: (state, part) => mergeInto(state, part, kept),
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
  const kept = unique ? Number.POSITIVE_INFINITY : n;
  return {
    ports: ['buffer', 'count'],
    zero,
    add: (state, inputs, { event }) => {
      enter(state, { event, value: element(inputs) }, kept);
      return true;
    },
    merge: (state, part) => mergeInto(state, part, kept),
    output({ count, entries }) {
      const values = entries.map(({ value }) => value);
      return [(unique ? withoutRepeats(values) : values).slice(-n), count];
    },
  };
}

/** One value, or the list of all inputs; a copy, because inputs are views. */
function element(inputs: readonly Value[]): Value {
  return inputs.length === 1 ? (copyOf(inputs[0]) as Value) : inputs.map(copyOf);
}

/** Events of one contributor come in order, except when parts of it were late. */
function enter(state: Window, entry: Entry, kept: number): void {
  const { entries } = state;
  state.count++;
  if (entries.length > 0 && entries[entries.length - 1]!.event > entry.event) {
    let at = entries.length;
    while (at > 0 && entries[at - 1]!.event > entry.event) at--;
    entries.splice(at, 0, entry);
  } else entries.push(entry);
  // Cut at twice the size: one copy per `kept` events.
  if (entries.length >= 2 * kept) state.entries = entries.slice(-kept);
}

function mergeInto(state: Window, part: Window, kept: number): void {
  state.count += part.count;
  if (part.entries.length > 0) {
    state.entries = [...state.entries, ...part.entries].sort((a, b) => a.event - b.event);
  }
  if (state.entries.length > kept) state.entries = state.entries.slice(-kept);
}

function withoutRepeats(values: readonly Value[]): Value[] {
  return values.filter((value, i) => i === 0 || !equal(value, values[i - 1] as Value));
}

function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  return !isArray(a) && (a === b || (Number.isNaN(a) && Number.isNaN(b)));
}
