import t from 'tap';
import { Redone } from './redone.ts';

/** More outside the suite: REDONE_SCHEDULES=20000 node --import tsx test/mapreduce/control/redone.test.ts */
const SCHEDULES = Number(process.env.REDONE_SCHEDULES ?? 500);

for (const redo of ['rest', 'group'] as const)
  t.test(
    `what is given again reaches its worker whatever becomes of the event meanwhile: redo "${redo}"`,
    async (t) => {
      const totals = { again: 0, late: 0, ingesterDeaths: 0 };
      for (let seed = 1; seed <= SCHEDULES; seed++) {
        const schedule = new Redone(seed, redo).play();
        if (schedule.problems.length > 0) return t.same(schedule.problems, [], `seed ${seed}`);
        for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += schedule[key];
      }
      t.ok(
        Object.values(totals).every((count) => count > SCHEDULES / 5),
        JSON.stringify(totals),
      );
    },
  );
