/** Scans with random kill -9 of anybody: `npm run long:mapreduce-chaos [SCANS] [FIRST SEED] [push|file] [credits|redis]`. */

import { ChaosScan, randomPlan, reportLine, type ScanPlan } from './up/chaos.ts';

const scans = Number(process.argv[2] ?? 100);
const first = Number(process.argv[3] ?? 1);
/** What chance does not decide. */
const fixed = {
  ...(process.argv[4] ? { source: process.argv[4] as ScanPlan['source'] } : {}),
  ...(process.argv[5] ? { transport: process.argv[5] as ScanPlan['transport'] } : {}),
};
const killed: Record<string, number> = {};
let lossless = 0;
let wrong = 0;
for (let seed = first; seed < first + scans; seed++) {
  const report = await new ChaosScan({ ...randomPlan(seed), ...fixed }).run();
  console.log(reportLine(report));
  for (const victim of report.killed) killed[victim] = (killed[victim] ?? 0) + 1;
  if (report.problems.length > 0) wrong++;
  else if (report.lossless) lossless++;
}
console.log(
  `${scans} scans from seed ${first}: ${lossless} without loss, ${scans - lossless - wrong} with loss that is named, ${wrong} wrong`,
);
console.log(`killed: ${JSON.stringify(killed)}`);
process.exitCode = wrong === 0 ? 0 : 1;
