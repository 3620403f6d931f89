import t from 'tap';
import { average } from '../../../lib/graph/ops/average.ts';
import { addQuickly, LEAST, sumMemory } from '../../../lib/graph/ops/simd/sums.ts';
import type { NumericArray } from '../../../lib/graph/value.ts';
import { Random } from '../../random.ts';

const KINDS = [Float64Array, Float32Array, Int32Array, Uint32Array, Int16Array, Uint16Array];
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e-310, 1e308];

function fill(array: NumericArray, random: Random): NumericArray {
  for (let i = 0; i < array.length; i++)
    array[i] = random.chance(0.01)
      ? ODD[random.below(ODD.length)]!
      : (random.next() - 2 ** 31) / (1 + random.below(1000));
  return array;
}

t.test('sums in WebAssembly are those of plain code, bit for bit', async (t) => {
  const random = new Random(1);
  for (const Kind of KINDS) {
    for (const length of [LEAST, LEAST + 1, 4096, 4097, 12_345, 512 * 512]) {
      const quick = sumMemory(length)!;
      const beside = sumMemory(length)!.fill(42);
      const plain = fill(new Float64Array(length), random) as Float64Array;
      quick.set(plain);
      for (let n = 0; n < 3; n++) {
        const value = fill(new Kind(length), random);
        if (!addQuickly(quick, value)) return t.fail('there is no WebAssembly');
        for (let i = 0; i < length; i++) plain[i]! += value[i]!;
      }
      t.ok(sameNumbers(quick, plain), `${Kind.name}[${length}]`);
      t.ok(
        beside.every((x) => x === 42),
        'what lies beside is not touched',
      );
    }
  }
});

/** NaNs are all alike: their bits depend on the engine. */
function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a.every((x, i) => Object.is(x, b[i]));
}

t.test('other memory, other kinds: nothing is done', async (t) => {
  const ours = sumMemory(LEAST)!.fill(1);
  t.notOk(addQuickly(new Float64Array(LEAST), new Float64Array(LEAST)));
  t.notOk(addQuickly(ours, new Uint8Array(LEAST).fill(1)));
  t.equal(ours[0], 1);
  t.equal(sumMemory(LEAST - 1), undefined, 'small arrays do not need it');
});

t.test('when there is no room, an average is as good as before', async (t) => {
  const held: Float64Array[] = [];
  for (let sum = sumMemory(1 << 20); sum; sum = sumMemory(1 << 20)) held.push(sum);
  t.ok(held.length > 0);
  const kernel = average();
  const state = kernel.zero();
  const image = { dtype: 'float32', shape: [1024, 1024], data: new Float32Array(1 << 20).fill(3) };
  for (let event = 0; event < 3; event++) kernel.add(state, [image], { event, heartbeat: 1, worker: 0 });
  t.equal(state.sum && (state.sum as typeof image).data[77], 9);
});

t.test('what is taken does not change any more; the next heartbeat may have another shape', async (t) => {
  const kernel = average();
  const state = kernel.zero();
  const add = (value: number, length: number) =>
    kernel.add(state, [{ dtype: 'float32', shape: [length], data: new Float32Array(length).fill(value) }], {
      event: 0,
      heartbeat: 1,
      worker: 0,
    });
  const taken = [];
  for (const [value, length] of [
    [1, 4096],
    [2, 4096],
    [3, 5000],
    [4, 10],
    [5, 4096],
  ] as const) {
    add(value, length);
    add(value, length);
    taken.push(kernel.take!(state));
  }
  t.same(
    taken.map(({ count, sum }) => [
      count,
      (sum as { data: NumericArray }).data.length,
      (sum as { data: NumericArray }).data[9],
    ]),
    [
      [2, 4096, 2],
      [2, 4096, 4],
      [2, 5000, 6],
      [2, 10, 8],
      [2, 4096, 10],
    ],
  );
  t.same(kernel.take!(state), { count: 0, sum: undefined });
});
