/** A small version of `npm run long:mapreduce-chaos`: each role is killed once. */

import t from 'tap';
import { ChaosScan, reportLine, type ScanPlan } from './chaos.ts';

const PLAN = { events: 150, batch: 5, workers: 2, streams: 1 } as const;

const PLANS: readonly ScanPlan[] = [
  {
    ...{ ...PLAN, seed: 1, source: 'file', transport: 'credits' },
    kills: [
      { victim: 'worker', at: 0.2 },
      { victim: 'reducer', at: 0.5 },
    ],
  },
  {
    ...{ ...PLAN, streams: 2, seed: 2, source: 'file', transport: 'redis' },
    kills: [
      { victim: 'control', at: 0.2 },
      { victim: 'redis', at: 0.5 },
    ],
  },
  { ...PLAN, seed: 3, source: 'push', transport: 'credits', kills: [{ victim: 'ingester', at: 0.3 }] },
  // By then the detector has nothing more to say.
  { ...PLAN, seed: 4, source: 'push', transport: 'redis', kills: [{ victim: 'ingester', at: 0.9 }] },
];

t.setTimeout(300_000);

t.test('with a file as source, kills of workers, reducer, controller and Redis lose nothing', async (t) => {
  for (const plan of PLANS.slice(0, 2)) {
    const report = await new ChaosScan(plan).run();
    t.same(report.problems, [], reportLine(report));
    t.ok(report.lossless, reportLine(report));
    t.same(
      report.killed,
      plan.kills.map(({ victim }) => victim),
    );
  }
});

t.test('a detector that cannot repeat, and an ingester that dies: every event is there or named', async (t) => {
  for (const plan of PLANS.slice(2)) {
    const report = await new ChaosScan(plan).run();
    t.same(report.problems, [], reportLine(report));
    t.same(report.killed, ['ingester']);
  }
});
