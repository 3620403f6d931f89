/** Dealing of monitor buffers (spec teb.md, sections 8.2 and 8.3). */

import t from 'tap';
import { MonitorDealer, type MonitorDealerOptions } from '../../../lib/trigger/dealing/monitor-dealer.ts';
import { bufferWord, mebOf } from '../../../lib/trigger/wire/buffer-word.ts';
import { playDeals } from './random-deals.ts';

const [COMMON, SLOW] = [1, 3];

function dealer(
  buffers: number[],
  reserved: number,
  options: MonitorDealerOptions = {},
  monThrottle = 0,
): MonitorDealer {
  const drps = [0, 1].map((id) => ({ id, alias: `d${id}`, rog: id, buffers: 1 }));
  const mebs = buffers.map((count, id) => ({ id, alias: `m${id}`, buffers: count }));
  return new MonitorDealer({ common: 0, drps, mebs, reserved: [0, reserved, 0, 0, 0, 0, 0, 0], monThrottle }, options);
}

/** Monitors that events get, pid 1, 2, …; undefined for none. */
function deals(one: MonitorDealer, rogs: readonly number[], wish = 15): (number | undefined)[] {
  return rogs.map((groups, i) => {
    const word = one.deal(i + 1, groups, wish);
    return word === 0 ? undefined : mebOf(word);
  });
}

t.test('reserved buffers are for slow events, and slow events may have all (D1, I17)', async (t) => {
  const one = dealer([8, 8], 3);
  t.equal(deals(one, Array(40).fill(COMMON)).filter((meb) => meb !== undefined).length, 10);
  t.equal(deals(one, Array(40).fill(SLOW)).filter((meb) => meb !== undefined).length, 6);
  const all = dealer([8, 8], 8);
  t.equal(deals(all, Array(9).fill(COMMON)).filter((meb) => meb !== undefined).length, 0);
  t.equal(deals(all, Array(40).fill(SLOW)).filter((meb) => meb !== undefined).length, 16);
});

t.test('all monitors asked: in turn, the turn moves on in vain too; some asked: lowest first', async (t) => {
  t.strictSame(deals(dealer([2, 1, 2], 0), Array(7).fill(COMMON)), [0, 1, 2, 0, 2, undefined, undefined]);
  t.strictSame(deals(dealer([2, 1, 2], 0), Array(4).fill(COMMON), 6), [1, 2, 2, undefined]);
  t.strictSame(deals(dealer([], 0), [COMMON]), [undefined]);
});

t.test('the throttle counts successful deals only (I19)', async (t) => {
  const one = dealer([1], 0, { announced: true }, 10);
  t.equal(one.deal(100, COMMON, 1), 0, 'nothing announced yet');
  t.equal(one.free(bufferWord(0, 0)), 'free');
  t.not(one.deal(101, COMMON, 1), 0);
  t.equal(one.free(bufferWord(0, 0)), 'free');
  t.equal(one.deal(111, COMMON, 1), 0, '10 is not more than 10');
  t.not(one.deal(112, COMMON, 1), 0);
  t.equal(one.counts.denied, 2);
});

t.test('what is announced is looked at', async (t) => {
  const one = dealer([4], 0, { announced: true, decider: { index: 1, count: 2 } });
  t.equal(one.free(bufferWord(0, 1)), 'free');
  t.equal(one.free(bufferWord(0, 1)), 'double');
  t.equal(one.free(bufferWord(0, 2)), 'foreign', 'of the other decider');
  t.equal(one.free(bufferWord(0, 5)), 'foreign', 'no such buffer');
  t.equal(one.free(bufferWord(1, 1)), 'foreign', 'no such monitor');
  t.equal(one.free(1), 'foreign', 'not a buffer word');
  t.match(one.counts, { doubleFree: 1, foreign: 4 });
  t.equal(one.freeBuffers(0), 1);
  t.equal(one.outBuffers(0), 1);
  one.configure();
  t.equal(one.freeBuffers(0), 1, 'a Configure does not invent buffers');
});

t.test('1000 random runs: deals and conservation are those of the naive rules (I16 to I19)', async (t) => {
  for (let seed = 1; seed <= 1000; seed++) {
    const difference = playDeals(seed);
    if (difference !== undefined) t.fail(`seed ${seed}: ${difference}`);
  }
});
