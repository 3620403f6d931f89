/** The long form of the schedules. Run: npm run long:graph [SCHEDULES [FIRST SEED]] */

import { simulate } from './simulation.ts';

const [schedules = 100_000, first = 1] = process.argv.slice(2).map(Number);
const totals = { events: 0, lost: 0, duplicates: 0, gone: 0, came: 0, restarted: 0 };
const start = performance.now();
let bad = 0;
for (let seed = first; seed < first + schedules; seed++) {
  const { problems, events, lost, duplicates, moves } = simulate(seed);
  totals.events += events;
  totals.lost += lost;
  totals.duplicates += duplicates;
  totals.gone += moves.gone;
  totals.came += moves.came;
  totals.restarted += moves.restarted;
  if (problems.length > 0 && bad++ < 10) console.log(`seed ${seed}: ${problems.slice(0, 3).join('; ')}`);
}
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`${bad === 0 ? 'good' : `BAD: ${bad}`}: ${schedules} schedules, ${JSON.stringify(totals)} in ${seconds} s`);
process.exitCode = bad === 0 ? 0 : 1;
