/** A frame that a detector has lost: an incomplete event, unless the payload takes it so (spec mapreduce.md 3.6, 12). All roles agree. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Ensemble, imageMap } from '../mapreduce/ensemble.ts';

const EVENTS = 20;
const LOST = [6, 7, 15];

t.setTimeout(120_000);

/** Plays a scan in which frames are lost. @returns exit status and words of each role, and what a client of the controller says */
async function play(t: Test, payload: string) {
  const ensemble = await Ensemble.start(t);
  writeFileSync(join(ensemble.folder, 'worker.mjs'), payload);
  writeFileSync(join(ensemble.folder, 'reducer.mjs'), 'export default class { processResult() {} }');
  const detector = await ensemble.detector(t, 'det');
  const worker = ensemble.run('map-work', ['--js', 'worker.mjs', '--name', 'w1']);
  const reducer = ensemble.run('map-reduce', ['--js', 'reducer.mjs', '--bind', 'tcp://127.0.0.1:*', '--port', '0']);
  const [control, ingester] = ensemble.services as [typeof worker, typeof worker];
  await ensemble.post(imageMap(EVENTS), 1);
  await detector.start();
  for (let frame = 0; frame < EVENTS; frame++)
    if (!LOST.includes(frame)) await detector.image(frame, Uint16Array.of(frame));
  await detector.end();
  const progress = await ensemble.finished();
  const damaged = await ensemble.get('damaged');
  const watch = ensemble.run('map-control', ['watch', '--url', ensemble.control]);
  const watched = await watch.ended();
  const metrics = await (await fetch(`${ensemble.control}/metrics`)).text();
  const statuses = [];
  for (const role of [worker, ingester, reducer, control]) statuses.push(await role.stop());
  return { progress, damaged, watched, watch, metrics, statuses, control, worker, ingester };
}

t.test('events without a frame are a loss that the controller, its client and the worker name alike', async (t) => {
  const scan = await play(t, 'export default class { processEvent() { return { ok: true } } }');
  t.match(scan.progress, { completed_events: EVENTS + 2, damaged: 0, incomplete: LOST.length });
  t.same(scan.damaged, {
    ...{ lost: [], failed: [] },
    incomplete: [
      [7, 8],
      [16, 16],
    ],
  });
  t.equal(scan.watched, 3);
  t.match(scan.watch.output, /^finished \(complete\): 22 of 22 events, 3 incomplete$/m);
  t.match(scan.metrics, /^daqpipe_map_incomplete(\{.*\})? 3$/m);
  t.match(scan.control.words, /<W> map-control: LOSS in 22 = out 19 \+ incomplete 3/);
  t.match(scan.worker.words, /LOSS in 22 = out 19 \+ incomplete 3/);
  t.match(scan.ingester.words, /missing 3/);
  t.same(scan.statuses, [3, 3, 0, 3]);
});

t.test('a payload that takes missing streams gets these events, and they are whole', async (t) => {
  const scan = await play(
    t,
    `export default class {
      static acceptMissing = true;
      processEvent(event) { return { missing: event.streams.get('det').typ === 'MISSING' } }
    }`,
  );
  t.match(scan.progress, { completed_events: EVENTS + 2, damaged: 0, incomplete: 0 });
  t.same(scan.damaged, { lost: [], failed: [], incomplete: [] });
  t.equal(scan.watched, 0);
  t.match(scan.control.words, /<I> map-control: OK in 22 = out 22$/m);
  t.match(scan.worker.words, /OK in 22 = out 22; results 22$/m);
  t.match(scan.ingester.words, /missing 3/, 'the detector has lost them all the same');
  t.same(scan.statuses, [0, 3, 0, 0]);
});
