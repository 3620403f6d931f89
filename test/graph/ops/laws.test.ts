import t from 'tap';
import type { Kernel } from '../../../lib/graph/types.ts';
import { type Value, valueFromJson, valueToJson } from '../../../lib/graph/value.ts';
import { decodeFrame, encodeFrame } from '../../../lib/graph/wire/frame.ts';
import { Random } from '../../random.ts';
import { difference } from '../compare.ts';
import { type Subject, subjects } from './kernels.ts';

/** The laws of states (spec graph.md 2.5), for every operation, over random events, workers, collectors and heartbeats. */

const SEEDS = 60;
/** Means and their squares are divided; everything else here is exact. */
const ROUNDING = 1e-9;

type Rows = readonly { readonly event: number; readonly inputs: Value[] }[];

/** As between processes: nothing is shared. */
function travelled<S>(state: S): S {
  return decodeFrame(encodeFrame(state)) as S;
}

function rowsOf({ inputs }: Subject, random: Random): Rows {
  const count = random.below(40);
  return Array.from({ length: count }, (_, event) => ({ event, inputs: inputs(random) }));
}

function gathered(kernel: Kernel<unknown>, rows: Rows): unknown {
  const state = kernel.zero();
  for (const { event, inputs } of rows) {
    const given = structuredClone(inputs);
    kernel.add(state, given, { event, heartbeat: 1, worker: 0 });
    // An operation keeps no reference to its inputs.
    for (const value of given) if (typeof value === 'object' && 'data' in value) value.data.fill(77);
  }
  return kernel.take ? kernel.take(state) : state;
}

function merged(kernel: Kernel<unknown>, ...parts: unknown[]): unknown {
  const state = kernel.zero();
  for (const part of parts) kernel.merge(state, travelled(part));
  return state;
}

function shown(kernel: Kernel<unknown>, state: unknown, rows: Rows): unknown {
  const copy = travelled(state);
  kernel.settle?.(copy, { heartbeat: 1, dealtBefore: rows.length });
  return kernel.output(copy).map(valueToJson);
}

/** What differs, in words. */
function differences(subject: Subject, rows: Rows, a: unknown, b: unknown): string | undefined {
  const [x, y] = [shown(subject.kernel, a, rows), shown(subject.kernel, b, rows)] as [unknown[], unknown[]];
  for (const [i, port] of subject.kernel.ports.entries()) {
    const wanted = y[i];
    const where =
      wanted === null ? (x[i] === null ? undefined : ' is there') : difference(valueFromJson(x[i]), wanted, ROUNDING);
    if (where) return `${port}${where}`;
  }
  return undefined;
}

for (const subject of subjects()) {
  const { kernel } = subject;
  t.test(subject.title, async (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed);
      const rows = rowsOf(subject, random);
      const parts: Rows[] = [[], [], []];
      for (const row of rows) (parts[random.below(3)] as Rows[number][]).push(row);
      const [a, b, c] = parts.map((part) => gathered(kernel, part)) as [unknown, unknown, unknown];
      const flat = gathered(kernel, rows);
      const laws: Record<string, [unknown, unknown]> = {
        'neutral on the left': [merged(kernel, kernel.zero(), a), a],
        'neutral on the right': [merged(kernel, a, kernel.zero()), a],
        associative: [merged(kernel, merged(kernel, a, b), c), merged(kernel, a, merged(kernel, b, c))],
        commutative: [merged(kernel, a, b), merged(kernel, b, a)],
        'as one worker': [merged(kernel, c, a, b), flat],
      };
      for (const [law, [one, other]] of Object.entries(laws)) {
        const where = differences(subject, rows, one, other);
        if (where) return t.fail(`seed ${seed}: ${law}: ${where}`);
      }
      const before = encodeFrame(flat);
      const first = JSON.stringify(kernel.output(flat).map(valueToJson));
      if (!before.equals(encodeFrame(flat))) return t.fail(`seed ${seed}: output changes the state`);
      if (first !== JSON.stringify(kernel.output(travelled(flat)).map(valueToJson)))
        return t.fail(`seed ${seed}: a state that has travelled shows something else`);
    }
    t.pass(`${SEEDS} random schedules`);
  });
}

for (const subject of subjects()) {
  t.test(`any cluster, any heartbeats: ${subject.title}`, async (t) => {
    const { kernel } = subject;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(1000 + seed);
      const rows = rowsOf(subject, random);
      const locals = 1 + random.below(3);
      const workers = locals * (1 + random.below(3));
      const total = kernel.zero();
      const waiting = Array.from({ length: locals }, () => kernel.zero());
      let left = rows;
      while (left.length > 0) {
        const heartbeat = left.slice(0, 1 + random.below(15));
        left = left.slice(heartbeat.length);
        const dealt = Array.from({ length: workers }, (): Rows[number][] => []);
        for (const row of heartbeat) dealt[random.below(workers)]!.push(row);
        for (const [worker, own] of dealt.entries())
          kernel.merge(waiting[worker % locals], travelled(gathered(kernel, own)));
        // A collector may be late, and send two heartbeats at once.
        for (let local = 0; local < locals; local++) {
          if (left.length > 0 && random.chance(0.3)) continue;
          kernel.merge(total, travelled(waiting[local]));
          waiting[local] = kernel.zero();
        }
      }
      const where = differences(subject, rows, total, gathered(kernel, rows));
      if (where) return t.fail(`seed ${seed}: ${where}`);
    }
    t.pass(`${SEEDS} random clusters`);
  });
}
