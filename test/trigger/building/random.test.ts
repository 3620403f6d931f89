/** Random schedules against the naive builder; `npm run long:trigger` plays 100 000 of them. */

import t from 'tap';
import { playSchedule, zeroTally } from './random-schedule.ts';

t.test('3000 random schedules: verdicts, events, order and balance are those of the naive rules', async (t) => {
  const tally = zeroTally();
  for (let seed = 1; seed <= 3000; seed++) {
    const difference = playSchedule(seed, tally);
    if (difference !== undefined) t.fail(`seed ${seed}: ${difference}`);
  }
  const verdicts = [
    'accepted',
    'rogs_mismatch',
    'marker',
    'full',
    'foreign',
    'no_common',
    'duplicate',
    'late',
    'back',
    'svc_mismatch',
  ];
  for (const verdict of verdicts) t.ok(tally.verdicts[verdict]! > 100, `${verdict} was seen often`);
  for (const why of ['complete', 'watermark', 'eof', 'skew', 'timeout'])
    t.ok(tally.whys[why]! > 100, `${why} was seen often`);
});
