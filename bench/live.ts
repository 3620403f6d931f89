/**
 * What the live screen costs the reading loop: a checked pass over dgrams of two detectors, with the model watching and ten
 * snapshots a second, against the same pass without. Run: npm run bench live
 */

import { FindingLog } from '../lib/show/findings.ts';
import { LiveModel } from '../lib/show/live-model.ts';
import { DgramReader } from '../lib/stream/dgram-reader.ts';
import type { ByteSource } from '../lib/stream/source.ts';
import { Checker } from '../lib/xtc/checker.ts';
import { Walker } from '../lib/xtc/walk.ts';
import { sampleRun } from '../test/stream/sample-run.ts';
import { compare } from './harness.ts';

const EVENTS = 200_000;
const run = Buffer.concat(sampleRun(EVENTS, 100));
const SNAPSHOT_MS = 100;

/** The run, out of memory: the source shall cost nothing. */
function source(): ByteSource {
  let at = 0;
  return {
    name: 'memory',
    size: run.length,
    read: (into) => {
      const bytes = run.copy(into, 0, at);
      at += bytes;
      return bytes;
    },
    skip: () => 0,
    close: () => {},
  };
}

async function checked(): Promise<void> {
  const reader = new DgramReader(source());
  const checker = new Checker(new Walker(), () => {});
  do {
    while (reader.next()) checker.check(reader.dgram);
  } while (await reader.fill());
}

async function watched(): Promise<void> {
  const reader = new DgramReader(source());
  const walker = new Walker();
  const log = new FindingLog();
  const checker = new Checker(walker, (finding) => log.add(finding));
  const model = new LiveModel({ clock: () => performance.now(), epoch: 'epics', head: 6 });
  const input = { name: 'memory', walker, log, wants: () => true };
  const companion = { visitor: model.visitor };
  model.begin(input);
  let shown = performance.now();
  do {
    while (reader.next()) {
      model.observe(reader.dgram, input);
      checker.check(reader.dgram, companion);
    }
    model.settle();
    if (performance.now() - shown > SNAPSHOT_MS) {
      shown = performance.now();
      model.snapshot();
    }
  } while (await reader.fill());
  model.end();
  if (model.snapshot().dgrams !== EVENTS + 3) throw new Error('the model has not seen every dgram');
}

await compare({
  name: 'live model',
  reference: { name: 'checked pass', run: checked },
  candidate: { name: 'watched', run: watched },
  goal: 1.8,
  work: { amount: EVENTS, unit: 'dgrams' },
});
