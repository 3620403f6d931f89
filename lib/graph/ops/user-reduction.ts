/** Accumulator and ReduceByKey with user code (spec graph.md 3.2). */

import type { Reduction } from '../code/types.ts';
import type { Kernel, Outcome, Row } from '../types.ts';
import type { Key, Value } from '../value.ts';
import { keyOf } from './key.ts';

interface Box {
  state: unknown;
}

/** One state. Ports are those of the code. */
export function userAccumulator(code: Reduction, ports: readonly string[]): Kernel<Box> {
  const kernel: Kernel<Box> = {
    ports,
    zero: () => ({ state: code.init() }),
    add(box, inputs, info) {
      box.state = code.add(box.state, inputs, info);
      return true;
    },
    merge: (box, part) => joinInto(code, box, part.state),
    output: ({ state }) => (state === undefined ? [] : code.output(state)),
    transition(box, name) {
      if (code.transition && box.state !== undefined) box.state = code.transition(box.state, name);
    },
  };
  const { addMany } = code;
  if (!addMany) return kernel;
  return {
    ...kernel,
    addMany(box, rows) {
      const { state, outcomes } = addMany.call(code, box.state, rows);
      box.state = state;
      return outcomes;
    },
  };
}

/** One state per key. The code gets the key among its inputs; the port `map` holds the only port of each state, or a map of its ports. */
export function userReduceByKey(code: Reduction, ports: readonly string[]): Kernel<Map<Key, Box>> {
  const boxOf = (boxes: Map<Key, Box>, key: Key) => boxes.get(key) ?? { state: code.init() };
  const kernel: Kernel<Map<Key, Box>> = {
    ports: ['map'],
    zero: () => new Map(),
    add(boxes, inputs, info) {
      const key = keyOf(inputs[0] as Value);
      if (key === undefined) return false;
      const box = boxOf(boxes, key);
      box.state = code.add(box.state, inputs, info);
      boxes.set(key, box);
      return true;
    },
    merge(boxes, part) {
      for (const [key, box] of part) {
        const own = boxes.get(key);
        if (own) joinInto(code, own, box.state);
        else boxes.set(key, box);
      }
    },
    output: (boxes) => [new Map([...boxes].flatMap(([key, { state }]) => shown(code.output(state), ports, key)))],
    transition(boxes, name) {
      if (code.transition) for (const box of boxes.values()) box.state = code.transition(box.state, name);
    },
  };
  const { addMany } = code;
  if (!addMany) return kernel;
  return {
    ...kernel,
    addMany(boxes, rows) {
      const outcomes = new Array<Outcome<boolean>>(rows.length);
      for (const [key, numbers] of byKey(rows, outcomes)) {
        const box = boxOf(boxes, key);
        const added = addMany.call(
          code,
          box.state,
          numbers.map((i) => rows[i]!),
        );
        box.state = added.state;
        if (added.state !== undefined) boxes.set(key, box);
        for (const [at, i] of numbers.entries()) outcomes[i] = added.outcomes[at]!;
      }
      return outcomes;
    },
  };
}

/** Numbers of the rows of each key; rows without one have their outcome at once. */
function byKey(rows: readonly Row[], outcomes: Outcome<boolean>[]): ReadonlyMap<Key, number[]> {
  const groups = new Map<Key, number[]>();
  for (const [i, { inputs }] of rows.entries()) {
    try {
      const key = keyOf(inputs[0] as Value);
      if (key === undefined) outcomes[i] = { result: false };
      else if (groups.has(key)) groups.get(key)!.push(i);
      else groups.set(key, [i]);
    } catch (error) {
      outcomes[i] = { failure: (error as Error).message };
    }
  }
  return groups;
}

function joinInto(code: Reduction, box: Box, part: unknown): void {
  if (part === undefined) return;
  box.state = box.state === undefined ? part : code.merge(box.state, part);
}

function shown(values: readonly (Value | undefined)[], ports: readonly string[], key: Key): [Key, Value][] {
  if (ports.length === 1) return values[0] === undefined ? [] : [[key, values[0]]];
  const named = ports.flatMap((port, i): [string, Value][] => (values[i] === undefined ? [] : [[port, values[i]]]));
  return [[key, new Map(named)]];
}
