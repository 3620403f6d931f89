import t from 'tap';
import { normalQuantiles, Random } from '../../lib/simulate/random.ts';

const N = 200_000;

function moments(draw: () => number): { mean: number; variance: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < N; i++) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  return { mean: sum / N, variance: squares / N - (sum / N) ** 2 };
}

t.test('the same seed and path give the same numbers on every machine', (t) => {
  const draw = (random: Random) => Array.from({ length: 4 }, () => random.bits());
  t.strictSame(draw(new Random(1, 'a', 2)), draw(new Random(1, 'a', 2)));
  t.notSame(draw(new Random(1, 'a', 2)), draw(new Random(2, 'a', 2)), 'seed');
  t.notSame(draw(new Random(1, 'a', 2)), draw(new Random(1, 'a2')), 'path');
  t.strictSame(draw(new Random(1, 'pinned')), [422679178, 1235657229, 1878752637, 3307495706], 'and always did');
  t.end();
});

t.test('moments are those of the distributions', (t) => {
  const random = new Random(3, 'moments');
  const near = (found: number, wanted: number, by: number, what: string) =>
    t.ok(Math.abs(found - wanted) < by, `${what}: ${found} is near ${wanted}`);
  const unit = moments(() => random.unit());
  near(unit.mean, 0.5, 0.005, 'uniform mean');
  near(unit.variance, 1 / 12, 0.002, 'uniform variance');
  const gaussian = moments(() => random.gaussian());
  near(gaussian.mean, 0, 0.012, 'gaussian mean');
  near(gaussian.variance, 1, 0.02, 'gaussian variance');
  for (const mean of [0, 0.3, 5, 29, 31, 400]) {
    const poisson = moments(() => random.poisson(mean));
    near(poisson.mean, mean, 0.001 + Math.sqrt(mean) * 0.012, `Poisson mean ${mean}`);
    near(poisson.variance, mean, 0.001 + mean * 0.03, `Poisson variance ${mean}`);
  }
  t.end();
});

t.test('noise takes the same random words as bits, two elements from each', (t) => {
  const table = normalQuantiles();
  const words = new Random(5, 'noise');
  const random = new Random(5, 'noise');
  for (const length of [0, 1, 6, 7]) {
    const noise = new Float64Array(length);
    random.fillNoise(noise, 10, 2);
    const expected = Array.from({ length: Math.ceil(length / 2) }, () => words.bits()).flatMap((word) =>
      [word & 0xffff, word >>> 16].map((half) => 10 + 2 * table[half]!),
    );
    t.strictSame([...noise], expected.slice(0, length));
  }
  t.equal(random.bits(), words.bits(), 'and goes on from there');
  t.end();
});

t.test('below covers its range and nothing else', (t) => {
  const random = new Random(4, 'below');
  const seen = new Set<number>();
  for (let i = 0; i < 2000; i++) seen.add(random.below(7));
  t.strictSame([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
  t.end();
});

t.test('noise quantiles are normal: symmetric, variance 1, the right shares within 1, 2 and 3 sigma', (t) => {
  const table = normalQuantiles();
  let squares = 0;
  const within = [0, 0, 0];
  for (let i = 0; i < table.length; i++) {
    squares += table[i]! ** 2;
    if (table[i] !== -table[table.length - 1 - i]!) t.fail(`not symmetric at ${i}`);
    for (let sigma = 1; sigma <= 3; sigma++) if (Math.abs(table[i]!) < sigma) within[sigma - 1]! += 1;
  }
  t.ok(Math.abs(squares / table.length - 1) < 0.002, `variance ${squares / table.length}`);
  [0.6827, 0.9545, 0.9973].forEach((share, i) => {
    t.ok(Math.abs(within[i]! / table.length - share) < 0.0005, `within ${i + 1} sigma`);
  });
  t.end();
});
