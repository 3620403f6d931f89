/** `map-work` and `map-reduce` in whole scans of real processes (spec mapreduce.md 1, 3.4, 6, 8, 11, 18). */

import { join } from 'node:path';
import t from 'tap';
import { PROJECT } from '../executable.ts';
import { dataset, Ensemble, imageMap, published, summed } from '../mapreduce/ensemble.ts';

const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const WORKERS = { python: ['sums:Sums'], js: ['--js', join(EXAMPLES, 'sums-worker.mjs')] };
const REDUCERS = { python: ['sums:Histogram'], js: ['--js', join(EXAMPLES, 'histogram-reducer.mjs')] };
const REDUCE = ['--bind', 'tcp://127.0.0.1:*', '--port', '0'];

for (const runtime of ['python', 'js'] as const) {
  for (const transport of ['credits', 'redis']) {
    t.test(`a scan with ${runtime} payloads over ${transport}: each event's result once`, async (t) => {
      const ensemble = await Ensemble.start(t, ['--transport', transport]);
      const detector = await ensemble.detector(t, 'det');
      const workers = ['w1', 'w2'].map((name) => ensemble.run('map-work', [...WORKERS[runtime], '--name', name]));
      const reducer = ensemble.run('map-reduce', [...REDUCERS[runtime], ...REDUCE]);
      await ensemble.put('threshold', '2');
      await ensemble.post(imageMap(60, 3), 2);
      await detector.start();
      for (let i = 0; i < 60; i++) await detector.image(i, Uint16Array.of(i, 1, 10));
      await detector.end();
      const progress = await ensemble.finished();
      t.equal(progress.completed_events, 62);
      const http = await published(reducer);
      const sums = await summed(http);
      t.same(
        [...sums.keys()].sort((a, b) => a - b),
        Array.from({ length: 60 }, (_, i) => i + 1),
      );
      for (const [event, sum] of sums) t.equal(sum, event - 1 >= 2 ? event + 9 : 10, `sum of event ${event}`);
      t.equal(await (await fetch(`${http}/api/v1/status`)).json(), true);
      const total = (await (await dataset(http, '/total')).json()) as { value: number };
      t.equal(
        total.value,
        [...sums.values()].reduce((a, b) => a + b),
      );
      for (const worker of workers) {
        t.equal(await worker.stop(), 0, worker.words);
        t.match(worker.words, /<I> map-work: OK in \d+ = out \d+/);
      }
      t.equal(await reducer.stop(), 0, reducer.words);
      t.match(reducer.words, /<I> map-reduce: OK in 60 = out 60$/m);
    });
  }
}
