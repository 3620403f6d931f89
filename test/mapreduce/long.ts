/** Many random schedules of the assigner: `npm run long:mapreduce [SCHEDULES] [FIRST SEED]`. */

import { AssignerSimulation } from './simulation.ts';

const schedules = Number(process.argv[2] ?? 100_000);
const first = Number(process.argv[3] ?? 1);
const totals = { events: 0, deaths: 0, lost: 0 };
const start = performance.now();
for (let seed = first; seed < first + schedules; seed++) {
  const { problems, events, deaths, lost } = new AssignerSimulation(seed).play();
  if (problems.length > 0) {
    console.error(`seed ${seed}: ${problems.slice(0, 3).join('\n')}`);
    process.exitCode = 1;
    break;
  }
  totals.events += events;
  totals.deaths += deaths;
  totals.lost += lost;
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(`${schedules} schedules from seed ${first}: ${JSON.stringify(totals)} in ${seconds} s`);
