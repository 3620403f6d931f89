/** The state behind the live screen, with a clock of our own. */

import t from 'tap';
import { FindingLog } from '../../lib/show/findings.ts';
import { LiveModel } from '../../lib/show/live-model.ts';
import { Checker } from '../../lib/xtc/checker.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import type { NamesBlock } from '../../lib/xtc/names.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { eventDgram, sampleRun, transitionDgram } from '../stream/sample-run.ts';

/** A model that is fed like by a reader: all dgrams in one block, walked by a checker. */
function liveOf(wants: (names: NamesBlock) => boolean = () => true) {
  const clock = { now: 5000 };
  const model = new LiveModel({ clock: () => clock.now, epoch: 'epics', head: 3 });
  const walker = new Walker();
  const log = new FindingLog();
  const checker = new Checker(walker, (finding) => log.add(finding));
  const input = { name: 'run.xtc2', walker, log, wants };
  model.begin(input);
  let index = 0;
  const feed = (dgrams: readonly Buffer[], settle = true) => {
    const block = Buffer.concat(dgrams);
    let start = 0;
    for (const { length } of dgrams) {
      const dgram = new Dgram(block);
      dgram.start = start;
      dgram.size = length;
      dgram.index = index++;
      start += length;
      model.observe(dgram, input);
      checker.check(dgram, { visitor: model.visitor });
    }
    if (settle) model.settle();
    return block;
  };
  return { clock, model, feed };
}

t.test('before anything has come', async (t) => {
  const { clock, model } = liveOf();
  clock.now += 500;
  const { recent, transitions, detectors, damage, ...rest } = model.snapshot();
  t.same([recent, transitions, detectors, damage], [[], [], [], []]);
  t.match(rest, { input: 'run.xtc2', elapsed: 0.5, dgrams: 0, dgramRate: 0, byteRate: 0, time: '', over: false });
});

t.test('counts by transition, detector and damage', async (t) => {
  const { model, feed } = liveOf();
  feed(sampleRun(100));
  const snapshot = model.snapshot();
  t.equal(snapshot.dgrams, 103);
  t.equal(snapshot.bytes, Buffer.concat(sampleRun(100)).length);
  t.same(
    snapshot.transitions.map(({ name, count }) => [name, count]),
    [
      ['Configure', 1],
      ['BeginRun', 1],
      ['EndRun', 1],
      ['L1Accept', 100],
    ],
  );
  t.match(snapshot.detectors, [
    { detector: 'hsd_0', alg: 'raw', count: 100 },
    { detector: 'gmd_3', alg: 'fex', count: 50 },
  ]);
  // Events are 1 us apart in dgram time, gmd comes in every second one.
  t.ok(Math.abs(snapshot.detectors[0]!.dataRate! - 1e6) < 1e3, `${snapshot.detectors[0]!.dataRate}`);
  t.ok(Math.abs(snapshot.detectors[1]!.dataRate! - 5e5) < 1e3);
  t.equal(snapshot.damaged, 10);
  t.same(snapshot.damage, [{ where: 'root', counts: { TimedOut: 10 } }]);
  t.equal(snapshot.time, '2021-09-09 01:46:43.000000000');
  t.equal(snapshot.errors + snapshot.warnings, 0);
});

t.test('rates are those of the last second; the history has one value per second', async (t) => {
  const { clock, model, feed } = liveOf();
  feed(sampleRun(0).slice(0, 2));
  const events = (count: number) => feed(Array.from({ length: count }, (_, i) => eventDgram(i)));
  for (const count of [10, 20, 40]) {
    events(count);
    clock.now += 1000;
    model.snapshot();
  }
  const snapshot = model.snapshot();
  t.equal(snapshot.dgramRate, 40);
  t.same(snapshot.dgramHistory, [12, 20, 40]);
  t.equal(snapshot.detectors[0]!.rate, 40);
  t.equal(snapshot.detectors[1]!.rate, 20);
  clock.now += 2000;
  t.equal(model.snapshot().dgramRate, 0, 'nothing came');
  for (let i = 0; i < 100; i++) {
    clock.now += 1000;
    model.snapshot();
  }
  t.equal(model.snapshot().dgramHistory.length, 60);
});

t.test('at the end rates are means of the whole run, and time stands still', async (t) => {
  const { clock, model, feed } = liveOf();
  feed(sampleRun(97));
  clock.now += 4000;
  model.end();
  clock.now += 60_000;
  model.end();
  const snapshot = model.snapshot();
  t.match(snapshot, { over: true, elapsed: 4, dgramRate: 25 });
});

t.test('last values: those of the last block, though its memory is gone', async (t) => {
  const { model, feed } = liveOf();
  const block = feed(sampleRun(20));
  block.fill(0xff);
  const [hsd, gmd] = model.snapshot().detectors;
  t.same(hsd!.fields, [
    { name: 'energy', type: 'DOUBLE', value: '9.5' },
    { name: 'trace', type: 'UINT16[8]', value: '19 20 21 ...' },
  ]);
  t.same(gmd!.fields, [{ name: 'count', type: 'UINT32', value: '18' }]);
  feed([eventDgram(31)]);
  t.equal(model.snapshot().detectors[0]!.fields[0]!.value, '15.5');
  t.equal(model.snapshot().detectors[1]!.fields[0]!.value, '18', 'gmd was not in that event');
});

t.test('the end settles what was not settled', async (t) => {
  const { model, feed } = liveOf();
  feed(sampleRun(5), false);
  model.end();
  t.equal(model.snapshot().detectors[0]!.fields[0]!.value, '2');
});

t.test('a Configure in the middle goes on with the same detectors', async (t) => {
  const { model, feed } = liveOf();
  feed(sampleRun(10));
  feed(sampleRun(10));
  t.match(model.snapshot().detectors, [
    { detector: 'hsd_0', count: 20 },
    { detector: 'gmd_3', count: 10 },
  ]);
});

t.test('only wanted detectors are shown', async (t) => {
  const { model, feed } = liveOf(({ detName }) => detName === 'gmd');
  feed(sampleRun(10));
  t.same(
    model.snapshot().detectors.map(({ detector }) => detector),
    ['gmd_3'],
  );
});

t.test('findings are shown as they are found', async (t) => {
  const { model, feed } = liveOf();
  feed([
    transitionDgram(SERVICE.Configure, 0),
    transitionDgram(SERVICE.Enable, 9),
    transitionDgram(SERVICE.Disable, 8),
  ]);
  const { warnings, errors, findings } = model.snapshot();
  t.match({ warnings, errors, findings }, { warnings: 1, errors: 0, findings: [/^warning time-backwards: dgram 2/] });
});

t.test('the last 500 dgrams, oldest first', async (t) => {
  const { model, feed } = liveOf();
  feed(sampleRun(2));
  t.match(model.snapshot().recent, [
    / 0 +0 +Configure/,
    / 1 .*BeginRun/,
    / 2 .*L1Accept/,
    / 3 .*L1Accept/,
    / 4 .*EndRun/,
  ]);
  feed(Array.from({ length: 1000 }, (_, i) => eventDgram(i)));
  const { recent } = model.snapshot();
  t.equal(recent.length, 500);
  t.match(recent[0], /^ +505 /);
  t.match(recent[499], /^ +1004 .*L1Accept .*01:46:42\.000999000 +0 1 .*TimedOut$/);
});

t.test('a snapshot does not change afterwards', async (t) => {
  const { clock, model, feed } = liveOf();
  feed(sampleRun(10));
  clock.now += 1000;
  const before = model.snapshot();
  const copy = structuredClone(before);
  feed(sampleRun(10));
  clock.now += 1000;
  model.snapshot();
  t.same(before, copy);
});
