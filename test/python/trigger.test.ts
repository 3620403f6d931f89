/** The scripts in examples/trigger decide as they say, in real Python processes. What is below them is tested in python/tests. */

import { join } from 'node:path';
import t from 'tap';
import { findInterpreter } from '../../lib/python/interpreter.ts';
import { decideAll, type EventRecords, event, SETUP, tmo, tprm } from '../trigger/decide/deciding.ts';

const setup = {
  ...SETUP,
  drps: [
    { id: 0, alias: 'timing_0', rog: 0, buffers: 16 },
    { id: 1, alias: 'andor_0', rog: 0, buffers: 16 },
    { id: 2, alias: 'slow_0', rog: 1, buffers: 16 },
    { id: 3, alias: 'det_0', rog: 0, buffers: 16 },
  ],
};

t.setTimeout(120_000);

async function decisions(name: string, events: readonly EventRecords[]): Promise<number[]> {
  const script = join(process.cwd(), 'examples', 'trigger', name);
  const { data, forced } = await decideAll({ kind: 'script', script, ipc: 'own' }, events, { setup });
  t.same(forced, [], 'nothing is left to policy');
  return data;
}

function timing(...codes: number[]): Buffer {
  const payload = Buffer.alloc(40);
  payload[0] = 0x83;
  for (const code of codes) {
    const at = 4 + 4 * (code >> 5);
    payload.writeUInt32LE((payload.readUInt32LE(at) | (1 << (code & 31))) >>> 0, at);
  }
  return payload;
}

t.test('peaks.py', async (t) => {
  const peaks = (n: number) => tprm({ npeaks: n }, { version: 1 });
  const events = Array.from({ length: 250 }, (_, i) => event(i, { 0: timing(), 1: peaks(i === 7 ? 4 : 1) }));
  events.push(event(250, { 0: timing() }), event(251, { 1: tprm({}, { version: 1 }) }), event(252, { 1: peaks(4) }, 3));
  const data = await decisions('peaks.py', events);
  const kept = data.flatMap((word, i) => (word & 2 ? [i] : []));
  t.same(kept, [0, 7, 101, 201, 250, 251, 252]);
  t.equal(data[252], 2 | (1 << 2), 'a slow event is shown to AMI');
});

t.test('peaks_batch.py', async (t) => {
  const { numpy } = await findInterpreter();
  if (numpy === undefined) return t.comment('numpy is absent: this example needs it');
  const events = [
    event(1, { 0: timing(30), 3: tmo(2000) }),
    event(2, { 0: timing(31), 3: tmo(2000) }),
    event(3, { 0: timing(30), 3: tmo(1000) }),
    event(4, { 0: timing(30) }),
    event(5, { 0: timing(), 2: tmo(1) }, 3),
    event(6, { 3: tmo(2000) }),
  ];
  const all = (1 << 2) | (1 << 4);
  t.same(await decisions('peaks_batch.py', events), [2 | all, all, all, all, 2 | all, all]);
});

t.test('existing_style.py', async (t) => {
  const events = [[30], [], [30, 31], [29], [30]].map((codes, i) => event(i, { 0: timing(...codes) }));
  t.same(await decisions('existing_style.py', [...events, event(9, { 1: tmo(1) })]), [2 | 4, 0, 2 | 16, 0, 2 | 4, 0]);
});
