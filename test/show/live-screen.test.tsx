/** The live screen by its text frames. */

import { setTimeout as sleep } from 'node:timers/promises';
import { render } from 'ink-testing-library';
import t from 'tap';
import type { LiveSnapshot } from '../../lib/show/live-model.ts';
import { Live } from '../../lib/show/screens/live.tsx';

function snapshotOf(change: Partial<LiveSnapshot> = {}): LiveSnapshot {
  return {
    input: 'run.xtc2',
    inputs: 1,
    over: false,
    elapsed: 65,
    dgrams: 1000,
    bytes: 2_000_000,
    dgramRate: 120,
    byteRate: 240_000,
    dgramHistory: [60, 120],
    byteHistory: [120, 240],
    time: '2021-09-09 01:46:42.000999000',
    transitions: [{ name: 'L1Accept', count: 990, rate: 119 }],
    detectors: [
      {
        detector: 'hsd_0',
        alg: 'raw',
        count: 990,
        rate: 119,
        dataRate: 120,
        meanBytes: 1500,
        fields: [{ name: 'trace', type: 'UINT16[8]', value: '1 2 3 ...' }],
      },
    ],
    damaged: 3,
    damage: [{ where: 'root', counts: { TimedOut: 3 } }],
    errors: 1,
    warnings: 0,
    findings: ['error data-overrun: dgram 5, offset 99: too much'],
    recent: Array.from({ length: 100 }, (_, i) => `line ${i}`),
    ...change,
  };
}

/** The screen over a snapshot that the test may replace. */
function show(test: { teardown(end: () => void): void }, first = snapshotOf()) {
  const state = { snapshot: first, quits: 0, interrupts: 0 };
  const app = render(
    <Live snapshot={() => state.snapshot} onQuit={() => state.quits++} onInterrupt={() => state.interrupts++} />,
  );
  test.teardown(() => app.unmount());
  /** Waits for a frame that has the text. */
  const until = async (text: string | RegExp, present = true) => {
    for (let i = 0; i < 100; i++) {
      const found = typeof text === 'string' ? app.lastFrame()!.includes(text) : text.test(app.lastFrame()!);
      if (found === present) return app.lastFrame()!;
      await sleep(20);
    }
    throw new Error(`${present ? 'no' : 'still'} ${text} in\n${app.lastFrame()}`);
  };
  return { app, state, until, press: (keys: string) => app.stdin.write(keys) };
}

t.test('the header and the overview', async (t) => {
  const { until } = show(t);
  const frame = await until('L1Accept');
  t.match(frame, /^run\.xtc2 1:05 reading {2}2021-09-09 01:46:42/);
  t.match(frame, /120 dgrams\/s +▅█ +1000 dgrams {2}damaged 3/);
  t.match(frame, /240 kB \/s +▅█ +2\.00 MB {2}1 errors, 0 warnings/);
  t.match(frame, /overview {2}values {2}dgrams {2}findings \(1\)/);
  t.match(frame, /hsd_0 +raw +990 +119 +120 +1\.50 kB/);
  t.match(frame, /root +TimedOut +3/);
  t.equal(frame.split('\n').length, 23, 'one row less than the terminal has');
});

t.test('tab goes through the panels', async (t) => {
  const { press, until } = show(t);
  press('\t');
  t.match(await until('UINT16[8]'), /hsd_0 raw {2}119\/s\n {2}trace {2}UINT16\[8\] {2}1 2 3 \.\.\./);
  press('\t');
  t.match(await until('line 99'), /index +offset +transition/);
  press('\t');
  t.match(await until('data-overrun'), /1 errors, 0 warnings\nerror data-overrun/);
  press('\x1b[Z');
  await until('line 99');
});

t.test('the list of dgrams scrolls with arrows and with j and k', async (t) => {
  const { press, until } = show(t);
  press('\t');
  await until('UINT16[8]');
  press('\t');
  await until('line 99');
  press('k');
  await until('line 99', false);
  press('j');
  await until('line 99');
  press('\x1b[A');
  await until('line 99', false);
  press('\x1b[5~');
  await until(/line 70\n/);
  press('g');
  await until('line 99');
});

t.test('new snapshots are shown; paused, the picture is held', async (t) => {
  const { state, press, until } = show(t);
  await until('1000 dgrams');
  state.snapshot = snapshotOf({ dgrams: 2000 });
  await until('2000 dgrams');
  press(' ');
  await until('PAUSED');
  state.snapshot = snapshotOf({ dgrams: 3000 });
  await sleep(250);
  await until('2000 dgrams');
  press(' ');
  await until('3000 dgrams');
  state.snapshot = snapshotOf({ dgrams: 4000, over: true });
  t.match(await until('4000 dgrams'), /END/);
});

t.test('help, quit and Ctrl-C', async (t) => {
  const { state, press, until } = show(t);
  await until('overview');
  press('?');
  await until('hold the picture');
  press('?');
  await until('hold the picture', false);
  press('q');
  press('\x03');
  await until('overview');
  t.match(state, { quits: 1, interrupts: 1 });
});

t.test('names from a hostile file cannot steer the terminal', async (t) => {
  const { until } = show(t, snapshotOf({ input: 'a\x1b[2Jb' }));
  t.match(await until('reading'), /^a·\[2Jb/);
});
