import t, { type Test } from 'tap';
import { batches, Ensemble, type Shape } from './ensemble.ts';

/** Complete scans with stand-in services in every mix (spec mapreduce.md 1, 5, 18). */

const EVENTS = 60;

/** Each data event was done once, with its own frames; each worker saw its events in order. */
export function checkScan(t: Test, ensemble: Ensemble, events: number, streams: readonly string[] = ['det']): void {
  t.same(ensemble.problems, []);
  const byEvent = new Map<number, number>();
  for (const { done, name } of ensemble.workers) {
    for (const { event, frames } of done) {
      byEvent.set(event, (byEvent.get(event) ?? 0) + 1);
      const wanted = streams.map((stream) => `${stream} ${event}`).sort();
      if (frames.length !== streams.length || [...frames].sort().some((frame, i) => frame !== wanted[i]))
        t.fail(`${name} got ${frames} for event ${event}`);
    }
  }
  const wrong = Array.from({ length: events }, (_, i) => i + 1).filter((event) => byEvent.get(event) !== 1);
  t.same(wrong, [], 'every event was done once');
}

const MIXES: Readonly<Record<string, Shape>> = {
  'all of the reference': { workers: 3 },
  'all of ours, credits': { workers: 3, ours: true },
  'all of ours, streams of Redis': { workers: 3, ours: true, flags: ['--transport', 'redis'] },
  'our ingesters, workers of the reference': { workers: 3, ours: { ingesters: true } },
  'our workers, ingesters and reducer of the reference': { workers: 3, ours: { workers: true } },
};

for (const [name, shape] of Object.entries(MIXES)) {
  t.test(`${name}: scans run to their end, one after the other`, async (t) => {
    const streams = ['det', '3'];
    const ensemble = await Ensemble.start(t, { ...shape, streams });
    for (const batch of [1, 10]) {
      const uuid = await ensemble.post(batches(EVENTS, batch, streams));
      const progress = await ensemble.finished();
      t.match(progress, {
        completed_events: EVENTS + 2,
        total_events: EVENTS + 2,
        damaged: 0,
        reason: 'complete',
        uuid,
      });
      checkScan(t, ensemble, EVENTS, streams);
      t.equal(
        ensemble.reducer?.results.size,
        EVENTS + 2 * 3,
        'a result per event, and one per worker for start and end',
      );
      for (const { taken } of ensemble.ingesters) t.equal(taken, EVENTS + 2, 'every frame was taken');
    }
    t.equal(await ensemble.control.end(), 0);
    t.match(ensemble.control.stderr, /<I> map-control: OK in 124 = out 124/);
    t.notMatch(ensemble.control.stderr, new RegExp(ensemble.redis.password));
  });
}
