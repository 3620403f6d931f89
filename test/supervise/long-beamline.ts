/** A beamline that is killed at random: `npm run long:beamline [MINUTES] [SEED]`. */

import { soak } from './beamline/soak.ts';

const minutes = Number(process.argv[2] ?? 10);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`${minutes} minutes, seed ${seed}`);
const { kills, account, problems } = await soak({ seed, until: { seconds: minutes * 60 }, say: console.log });
const { runs, pulses, recorded, named, cut, earliest } = account;
console.log(
  `${kills.length} kills, ${runs} runs: ${pulses} pulses of detectors = ${recorded} recorded + ${named} not recorded by decision + ${cut} under way in what was killed`,
);
if (earliest !== undefined) console.log(`the oldest of those that were under way came ${earliest} ms before the kill`);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'everything is accounted for, and nothing is left' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
