import type { Kernel } from '../types.ts';
import type { Value } from '../value.ts';
import { firstOf, plus, type Sum } from './sum.ts';

interface DealtGroups {
  /** Group number (event number div n) -> what was used of it. */
  groups: Map<number, { count: number; sum: Sum }>;
  /** The last group all of whose events have been dealt, until the next one. */
  given: { count: number; sum: Sum } | undefined;
  /** Groups below this number are closed and are not opened again. */
  next: number;
  /** Used events that came after their group was given. */
  tooLate: number;
}

/**
 * Groups cut by event number instead of by used events, so that only sums travel (spec graph.md 2.6, `of: dealt`).
 * @param show ports and values from count and sum
 */
export function dealtGroups(
  n: number,
  ports: readonly string[],
  show: (count: number, sum: Sum) => readonly (Value | undefined)[],
): Kernel<DealtGroups> {
  return {
    ports,
    zero: () => ({ groups: new Map(), given: undefined, next: 0, tooLate: 0 }),
    add(state, inputs, { event }) {
      join(state, Math.floor(event / n), 1, inputs[0] as Value);
      return true;
    },
    merge(state, part) {
      for (const [group, { count, sum }] of part.groups) if (sum !== undefined) join(state, group, count, sum);
      state.tooLate += part.tooLate;
    },
    settle(state, { dealtBefore }) {
      state.given = undefined;
      const complete = Math.floor(dealtBefore / n);
      for (const [group, sums] of [...state.groups].sort(([a], [b]) => a - b)) {
        if (group >= complete) continue;
        state.given = sums;
        state.groups.delete(group);
      }
      state.next = Math.max(state.next, complete);
    },
    output: ({ given }) => (given ? show(given.count, given.sum) : ports.map(() => undefined)),
  };
}

function join(state: DealtGroups, group: number, count: number, value: Value): void {
  if (group < state.next) {
    state.tooLate += count;
    return;
  }
  const entry = state.groups.get(group);
  if (entry) {
    entry.sum = plus(entry.sum, value);
    entry.count += count;
    return;
  }
  // Events are dealt in order: an event of group g says that all before g have been dealt, and only the last of those is given. The sums
  // of many images at once would fill the memory.
  for (const other of state.groups.keys()) {
    if (other < group - 1) state.groups.delete(other);
    else if (other > group + 1) return;
  }
  state.groups.set(group, { count, sum: firstOf(value, undefined) });
}
