/** `npm run long:trigger [COUNT [FROM]]`: random schedules of the trigger chain against naive rules. */

import { playSchedule, zeroTally } from './building/random-schedule.ts';
import { playDeals } from './dealing/random-deals.ts';
import { playJoin } from './join/random-join.ts';
import { playChain } from './random-chain.ts';

const count = Number(process.argv[2] ?? 100_000);
const from = Number(process.argv[3] ?? 1);
const tally = zeroTally();
const began = process.hrtime.bigint();

function play(name: string, runs: number, one: (seed: number) => string | undefined): void {
  const started = process.hrtime.bigint();
  for (let seed = from; seed < from + runs; seed++) {
    const difference = one(seed);
    if (difference === undefined) continue;
    console.log(`${name}, seed ${seed}: ${difference}`);
    process.exit(1);
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`${name}: seeds ${from} to ${from + runs - 1} agree, ${seconds.toFixed(0)} s`);
}

play('event building', count, (seed) => playSchedule(seed, tally));
console.log(JSON.stringify(tally));
play('dealing', Math.ceil(count / 5), playDeals);
play('joining', Math.ceil(count / 2), playJoin);
play('builder to joiners', Math.ceil(count / 50), playChain);
console.log(`${(Number(process.hrtime.bigint() - began) / 1e9).toFixed(0)} s`);
