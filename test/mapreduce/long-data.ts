/**
 * What the tests do, for long: `npm run long:mapreduce-data [SCHEDULES] [MUTANTS] [FIRST SEED]`. Schedules of the ingester, mutants of
 * recordings and of compressed blobs.
 */

import { Random } from '../random.ts';
import { IngesterSimulation } from './ingest/simulation.ts';
import { decodeMutant, mutate, readMutant } from './record/mutants.ts';
import { blobs, recordings } from './record/samples.ts';

const schedules = Number(process.argv[2] ?? 100_000);
const mutants = Number(process.argv[3] ?? 2_000_000);
const first = Number(process.argv[4] ?? 1);

/** Runs one case per seed; the first that fails is named and ends the whole. */
function each(what: string, count: number, run: (seed: number) => void): void {
  const start = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    try {
      run(seed);
    } catch (error) {
      console.error(`${what}, seed ${seed}: ${(error as Error).stack}`);
      process.exitCode = 1;
      throw error;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${count} ${what} in ${seconds.toFixed(0)} s, ${process.memoryUsage.rss() >>> 20} MiB: none broke anything`,
  );
}

each('schedules of the ingester', schedules, (seed) => {
  const { problems } = new IngesterSimulation(seed).play();
  if (problems.length > 0) throw new Error(problems.slice(0, 3).join('\n'));
});
const samples = recordings();
each('mutants of recordings', mutants, (seed) => {
  const random = new Random(seed);
  readMutant(mutate(samples[random.below(samples.length)]!, random));
});
const compressed = blobs();
each('mutants of compressed blobs', mutants, (seed) => {
  const random = new Random(seed);
  const blob = compressed[random.below(compressed.length)]!;
  decodeMutant(blob, mutate(blob.bytes, random));
});
