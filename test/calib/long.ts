/** The long form of the crowd test: 100 subscribers around each of 1000 runs. Run: npm run long:calib [RUNS [SUBSCRIBERS [SEED]]] */

import { crowd } from './crowd.ts';

const [runs = 1000, subscribers = 100, seed = 1] = process.argv.slice(2).map(Number);
const ends: (() => unknown)[] = [];
const start = performance.now();
try {
  const result = await crowd({ teardown: (end) => ends.push(end) }, { runs, subscribers, seed });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const good = result.wrong === 0 && result.copies === runs * subscribers && result.status === 0;
  console.log(`${good ? 'good' : 'BAD'}: ${JSON.stringify(result)} in ${seconds} s`);
  process.exitCode = good ? 0 : 1;
} finally {
  for (const end of ends.reverse()) await end();
}
