/** The short form of `npm run long:calib`. */

import t from 'tap';
import { crowd } from './crowd.ts';

const RUNS = 30;
const SUBSCRIBERS = 100;

t.test(
  '100 subscribers at random times around each of 30 runs: none misses one, none gets one twice, one fetch per run',
  async (t) => {
    const result = await crowd(t, { runs: RUNS, subscribers: SUBSCRIBERS, seed: 7 });
    t.match(result, { wrong: 0, copies: RUNS * SUBSCRIBERS, status: 0 });
    t.ok(result.late > 50, `${result.late} of them were late`);
    t.equal(result.lists, 2 * RUNS, 'two databases, asked once per run for all subscribers');
    t.equal(result.contents, 2, 'contents do not change and are fetched once');
  },
);
