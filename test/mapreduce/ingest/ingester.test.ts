import t from 'tap';
import { IngesterSimulation } from './simulation.ts';

/** More outside the suite: INGEST_SCHEDULES=100000 node --import tsx test/mapreduce/ingest/ingester.test.ts */
const SCHEDULES = Number(process.env.INGEST_SCHEDULES ?? 1500);

t.test('every message carries its event, in order, and every frame has one fate (spec mapreduce.md 16)', async (t) => {
  const totals = { messages: 0, missing: 0, evicted: 0, again: 0, placed: 0 };
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { problems, ...counts } = new IngesterSimulation(seed).play();
    if (problems.length > 0) {
      t.same(problems, [], `seed ${seed}`);
      return;
    }
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key];
  }
  t.ok(
    Object.values(totals).every((count) => count > 100),
    JSON.stringify(totals),
  );
});
