import t from 'tap';
import { Extents } from '../../../lib/mapreduce/shared/extents.ts';
import { Random } from '../../random.ts';

/** More outside the suite: EXTENTS_SCHEDULES=100000 node --import tsx test/mapreduce/shared/extents.test.ts */
const SCHEDULES = Number(process.env.EXTENTS_SCHEDULES ?? 2000);

interface Taken {
  readonly offset: number;
  readonly bytes: number;
}

/** Beside a model that has one flag per byte. @returns what was wrong */
function play(seed: number): { problem: string | undefined; refused: number } {
  const random = new Random(seed);
  const capacity = 1 + random.below(60);
  const extents = new Extents(capacity);
  const used = new Uint8Array(capacity);
  const taken: Taken[] = [];
  let refused = 0;
  for (let step = 10 + random.below(80); step > 0; step--) {
    if (random.chance(0.6)) {
      const bytes = 1 + random.below(Math.max(1, capacity >> random.below(4)));
      const lowest = lowestFree(used, bytes);
      const offset = extents.take(bytes);
      if (offset !== lowest) return { problem: `${bytes} bytes at ${offset} instead of ${lowest}`, refused };
      if (offset === undefined) refused++;
      else {
        used.fill(1, offset, offset + bytes);
        taken.push({ offset, bytes });
      }
    } else if (taken.length > 0) {
      const [{ offset, bytes }] = taken.splice(random.below(taken.length), 1) as [Taken];
      extents.give(offset, bytes);
      used.fill(0, offset, offset + bytes);
    }
    const sum = used.reduce((count, one) => count + one, 0);
    if (extents.used !== sum) return { problem: `${extents.used} bytes are used instead of ${sum}`, refused };
  }
  for (const { offset, bytes } of taken) extents.give(offset, bytes);
  return { problem: extents.take(capacity) === 0 ? undefined : 'not everything came back', refused };
}

function lowestFree(used: Uint8Array, bytes: number): number | undefined {
  let run = 0;
  for (const [i, one] of used.entries()) {
    run = one ? 0 : run + 1;
    if (run === bytes) return i + 1 - bytes;
  }
  return undefined;
}

t.test('nothing is given twice, the lowest place that is large enough is taken, everything comes back', async (t) => {
  let refused = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { problem, refused: own } = play(seed);
    if (problem !== undefined) return t.fail(`seed ${seed}: ${problem}`);
    refused += own;
  }
  t.ok(refused > SCHEDULES, 'it was full often enough');
});

t.test('giving back what is free is an error', (t) => {
  const extents = new Extents(100);
  t.equal(extents.take(40), 0);
  extents.give(10, 10);
  for (const [offset, bytes] of [
    [10, 5],
    [5, 10],
    [15, 10],
    [35, 10],
    [95, 10],
    [-1, 1],
    [0, 40],
  ] as const)
    t.throws(() => extents.give(offset, bytes), RangeError, `${offset} ${bytes}`);
  t.equal(new Extents(0).take(1), undefined);
  t.end();
});
