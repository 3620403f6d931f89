/**
 * `npm run fuzz -- [--count N] [--seed S] [--only N]`: mutants of sound files through every reader and view (test/fuzz/target.ts says
 * what must hold). Prints the count and the rate; ends with status 1 at the first mutant that breaks something.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutant, type Seed, seedOf } from '../test/fuzz/mutate.ts';
import { Random } from '../test/fuzz/random.ts';
import { writtenSeeds } from '../test/fuzz/seeds.ts';
import { exercise } from '../test/fuzz/target.ts';
import { SHARED } from '../test/golden.ts';

const SLOW_MS = 2000;
const RSS_LIMIT = 1024 * 1024 * 1024;
const REPORT_EVERY_MS = 10_000;
/** Recorded files join where they are at hand and small: large ones only make fewer mutants. */
const RECORDED = [
  'written/xtcwriter_t.xtc2',
  'written/py2xtc.xtc2',
  'test_data/fakesteps/xpptut15-r0014-s000-c000.xtc2',
];

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);

const seeds: Seed[] = writtenSeeds().map(seedOf);
for (const name of RECORDED) {
  const file = join(SHARED, 'data', 'xtc2', name);
  if (existsSync(file)) seeds.push(seedOf(readFileSync(file)));
}

/** Runs mutant `number`; false if it broke something or took suspiciously long. */
function run(number: number): boolean {
  const random = new Random(seed * 0x9e3779b1 + number);
  // The written seeds are the small ones: most mutants come from them.
  const from = random.oneIn(10) ? random.pick(seeds) : seeds[random.below(3)]!;
  const input = mutant(from, random);
  const started = performance.now();
  try {
    exercise(input, random);
  } catch (error) {
    console.error(`mutant ${number} of seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    return false;
  }
  const took = performance.now() - started;
  if (took < SLOW_MS) return true;
  console.error(`mutant ${number} of seed ${seed}: took ${took.toFixed(0)} ms for ${input.length} bytes`);
  return false;
}

function fuzz(): boolean {
  const started = performance.now();
  let reported = started;
  for (let number = 0; number < count; number++) {
    if (!run(number)) return false;
    if (number % 1000 === 0 && process.memoryUsage.rss() > RSS_LIMIT) {
      console.error(`mutant ${number} of seed ${seed}: ${process.memoryUsage.rss()} bytes of memory`);
      return false;
    }
    if (performance.now() - reported > REPORT_EVERY_MS) {
      reported = performance.now();
      console.log(`${number} mutants, ${((1000 * number) / (reported - started)).toFixed(0)} per second`);
    }
  }
  const seconds = (performance.now() - started) / 1000;
  const memory = Math.round(process.memoryUsage.rss() / 1e6);
  console.log(
    `${count} mutants of ${seeds.length} files, ${(count / seconds).toFixed(0)} per second, ${memory} MB: none broke anything`,
  );
  return true;
}

process.exitCode = (values.only === undefined ? fuzz() : run(Number(values.only))) ? 0 : 1;
