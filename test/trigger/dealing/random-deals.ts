/** One random run of wishes and returned buffers through the dealer and the naive one. */

import { MonitorDealer } from '../../../lib/trigger/dealing/monitor-dealer.ts';
import { bufferWord } from '../../../lib/trigger/wire/buffer-word.ts';
import { Random } from '../../random.ts';
import { NaiveDealer, type NaiveSetup } from './naive-dealer.ts';

/** @returns what differs, or undefined */
export function playDeals(seed: number): string | undefined {
  const random = new Random(seed);
  const setup = randomSetup(random);
  const { common, groups, mebs, reserved, throttle, fairGroups } = setup;
  const drps = groups.map((rog, id) => ({ id, alias: `d${id}`, rog, buffers: 1 }));
  const monitors = mebs.map(({ id, buffers }) => ({ id, buffers, alias: `m${id}` }));
  const dealer = new MonitorDealer({ common, drps, mebs: monitors, reserved, monThrottle: throttle }, { fairGroups });
  const naive = new NaiveDealer(setup);
  const held = new Set<number>();
  let pid = 1;
  let wishes = 0;
  for (let step = 0; step < 150; step++) {
    pid += 1 + random.below(20);
    if (random.chance(0.01)) {
      dealer.configure();
      naive.configure();
      held.clear();
      pid = 1;
    } else if (random.chance(0.35) && held.size > 0) {
      const word = [...held][random.below(held.size)]!;
      held.delete(word);
      const verdict = dealer.free(word);
      if (verdict !== 'free' || naive.giveBack((word >>> 24) & 0x3f, word & 0xffffff) !== 'free')
        return `free: ${verdict}`;
    } else if (random.chance(0.05)) {
      const [meb, buffer] = [random.below(5), random.below(12)];
      const word = bufferWord(meb, buffer);
      if (held.has(word)) continue;
      const [real, right] = [dealer.free(word), naive.giveBack(meb, buffer)];
      if (real !== right) return `${meb}:${buffer} is ${real} and should be ${right}`;
    } else {
      const rogs = (1 << common) | random.below(256);
      const wish = random.chance(0.4) ? 15 : random.below(16);
      if (wish !== 0) wishes++;
      const real = dealer.deal(pid, rogs, wish);
      const right = naive.deal(pid, rogs, wish);
      const rightWord = right === undefined ? 0 : bufferWord(right[0], right[1]);
      if (real !== rightWord) return `step ${step}: ${real.toString(16)} should be ${rightWord.toString(16)}`;
      if (real !== 0 && held.has(real)) return `${real.toString(16)} was dealt twice`;
      if (real !== 0) held.add(real);
    }
    for (const { id, buffers } of mebs) {
      const out = [...held].filter((word) => ((word >>> 24) & 0x3f) === id).length;
      if (dealer.freeBuffers(id) + out !== buffers || dealer.outBuffers(id) !== out) return `buffers of ${id}`;
    }
  }
  const { monitored, denied } = dealer.counts;
  const answered = monitored.reduce((a, b) => a + b, denied);
  return answered === wishes ? undefined : `${wishes} wishes, ${answered} answers`;
}

function randomSetup(random: Random): NaiveSetup {
  const ids = [0, 1, 2, 3].filter(() => random.chance(0.7));
  const common = random.below(8);
  return {
    common,
    groups: [common, ...Array.from({ length: random.below(4) }, () => random.below(8))],
    mebs: ids.map((id) => ({ id, buffers: random.below(12) })),
    reserved: Array.from({ length: 8 }, () => (random.chance(0.4) ? random.below(14) : 0)),
    throttle: random.chance(0.3) ? random.below(40) : 0,
    fairGroups: random.chance(0.4),
  };
}
