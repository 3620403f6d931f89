/** The screen of daq-top by its text frames. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Box } from 'ink';
import { render } from 'ink-testing-library';
import t from 'tap';
import { Top } from '../../lib/live/screens/top.tsx';
import type { TopModel } from '../../lib/live/top/model.ts';
import { answer, threeProcesses } from './top/rows.ts';

const ENTER = '\r';
const ESCAPE = '\x1b';
const DOWN = '\x1b[B';

/** The screen over a model; the terminal of ink-testing-library has 100 columns and no rows, which means 24. */
function show(test: { teardown(end: () => void): void }, model: TopModel, columns = 80, rows = 24) {
  const state = { quits: 0, interrupts: 0 };
  const app = render(<Box />);
  Object.defineProperty(app.stdout, 'columns', { value: columns });
  Object.defineProperty(app.stdout, 'rows', { value: rows });
  app.rerender(
    <Top
      rows={() => model.rows(2)}
      onQuit={() => state.quits++}
      onInterrupt={() => state.interrupts++}
      onForget={() => model.forgetGone()}
    />,
  );
  test.teardown(() => app.unmount());
  const until = async (text: string | RegExp, present = true) => {
    for (let i = 0; i < 200; i++) {
      const frame = app.lastFrame()!;
      if ((typeof text === 'string' ? frame.includes(text) : text.test(frame)) === present) return frame;
      await sleep(20);
    }
    throw new Error(`${present ? 'no' : 'still'} ${text} in\n${app.lastFrame()}`);
  };
  return { state, until, press: (keys: string) => app.stdin.write(keys) };
}

t.test('80 x 24: header, titles, a row per process, keys', async (t) => {
  const { until } = show(t, threeProcesses());
  const lines = (await until('drp0')).split('\n');
  t.equal(lines.length, 23, 'one row less than the terminal has');
  t.match(lines[0], 'daq-top 3 processes  1 do not answer  1 NOT BALANCED');
  t.match(lines[1], /^PROCESS +STATE +IN\/s +OUT\/s +LOST\/s +OPEN +DAMAGE +QUEUE +WORKERS$/);
  t.match(lines[2], /^gen +up +100 +100 +0 +0 +0 +- +-$/);
  t.match(lines[3], /^drp0 +up +50\.0 +49\.0 +0 +2 +6 +7 +1\/2$/);
  t.match(lines[4], /^teb +gone +- /);
  t.match(lines[22], /^q quit /);
  for (const line of lines) t.ok(line.length <= 80, line);
});

t.test('wide terminals have histories, small ones what fits', async (t) => {
  t.match(await show(t, threeProcesses(), 140, 24).until('drp0'), /IN HISTORY[\s\S]*gen.*██/);
  const small = (await show(t, threeProcesses(), 40, 6).until('gen')).split('\n');
  t.equal(small.length, 5);
  t.match(small[1], /^PROCESS +STATE +IN\/s$/);
  const tiny = await show(t, threeProcesses(), 12, 2).until('daq-top');
  t.ok(tiny.split('\n').every((line) => line.length <= 12));
});

t.test('into a process and back; the cursor moves', async (t) => {
  const { press, until } = show(t, threeProcesses());
  await until('drp0');
  press(DOWN);
  press(ENTER);
  const frame = await until('NOT BALANCED: 2 unaccounted for');
  t.match(frame, /in 100 \(50\.0\/s\) = out 88/);
  t.match(frame, /drp_worker_up worker="1" +0/);
  press('jj');
  await until('NOT BALANCED: 2', true);
  press(ESCAPE);
  await until('PROCESS');
});

t.test('sort, reverse, filter', async (t) => {
  const { press, until } = show(t, threeProcesses());
  await until('drp0');
  press('s');
  await until(/PROCESSv[\s\S]*drp0[\s\S]*gen[\s\S]*teb/);
  press('r');
  await until(/PROCESS\^[\s\S]*teb[\s\S]*gen[\s\S]*drp0/);
  press('/');
  await until('/_');
  press('q');
  press('x');
  await until(/0 match \/qx_[\s\S]*no process to show/);
  press('\x7f');
  press('\x7f');
  press('gen');
  press(ENTER);
  const frame = await until('1 match /gen');
  t.notMatch(frame, 'drp0');
});

t.test('a process that goes stays as gone until x', async (t) => {
  const model = threeProcesses();
  const { press, until } = show(t, model);
  await until(/gen +up/);
  model.failed('http://a/', 'nobody listens there');
  await until(/gen +gone/);
  press('x');
  await until('gen', false);
  model.answered('http://a/', answer({ alias: 'gen', in: 1, out: 1 }), 2);
  await until(/gen +up/);
});

t.test('pause, help, quit and Ctrl-C', async (t) => {
  const model = threeProcesses();
  const { state, press, until } = show(t, model);
  await until('drp0');
  press(' ');
  await until('PAUSED');
  model.failed('http://a/', 'x');
  await sleep(300);
  await until(/gen +up/);
  press(' ');
  await until(/gen +gone/);
  press('?');
  await until('hold the picture');
  press('?');
  await until('hold the picture', false);
  press('q');
  press('\x03');
  await until('PROCESS');
  t.same(state, { quits: 1, interrupts: 1 });
});

t.test('names of other processes cannot steer the terminal', async (t) => {
  const model = threeProcesses();
  model.answered('http://d/', answer({ alias: 'a', in: 1, out: 1 }), 1);
  model.expect('http://e/', 'b\x1b[2Jc');
  t.match(await show(t, model).until('silent'), /b·\[2Jc +silent/);
});
