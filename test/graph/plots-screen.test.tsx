/** The screen of `graph-run --plot` by its text frames. */

import { setTimeout as sleep } from 'node:timers/promises';
import { render } from 'ink-testing-library';
import t from 'tap';
import type { Scene } from '../../lib/graph/plot/frame.ts';
import { Plots, type PlotView } from '../../lib/graph/screens/plots.tsx';

const pane = (name: string) => ({
  name,
  picture: {
    caption: 'float64[2]',
    draw: ({ rows }: { rows: number }) => Array.from({ length: rows }, () => `body of ${name}`),
  },
});

function scene(text: string, panes = 1): Scene {
  const names = Array.from({ length: panes }, (_, i) => `p${i}.value`);
  return {
    name: 'tried',
    record: undefined,
    scalars: [{ name: 'avg.mean', text, history: [1, 2] }],
    panes: names.map(pane),
  };
}

function show(test: { teardown(end: () => void): void }, first: PlotView) {
  const state = { view: first, quits: 0, interrupts: 0 };
  const app = render(
    <Plots view={() => state.view} onQuit={() => state.quits++} onInterrupt={() => state.interrupts++} />,
  );
  test.teardown(() => app.unmount());
  /** Waits for a frame that has the text. */
  const until = async (text: string | RegExp) => {
    for (let i = 0; i < 200; i++) {
      const frame = app.lastFrame()!;
      if (typeof text === 'string' ? frame.includes(text) : text.test(frame)) return frame;
      await sleep(20);
    }
    throw new Error(`no ${text} in\n${app.lastFrame()}`);
  };
  return { app, state, until, press: (keys: string) => app.stdin.write(keys) };
}

t.test('scalars, plots and keys; new values appear', async (t) => {
  const { state, until } = show(t, { scene: scene('4.8'), over: false });
  const frame = await until('body of p0.value');
  t.match(frame, /^tried {2}no heartbeat yet\n {2}avg\.mean 4\.8 ▁█\np0\.value float64\[2\]\n/);
  t.match(frame, /q quit {2}space pause$/);
  t.equal(frame.split('\n').length, 23, 'one row less than the terminal has');
  state.view = { scene: scene('5.5'), over: true };
  t.match(await until('5.5'), /END {2}q quit/);
});

t.test('paused, the picture is held', async (t) => {
  const { state, press, until } = show(t, { scene: scene('1'), over: false });
  await until('avg.mean 1');
  press(' ');
  await until('PAUSED');
  state.view = { scene: scene('2'), over: false };
  await sleep(500);
  await until('avg.mean 1');
  press(' ');
  await until('avg.mean 2');
});

t.test('tab goes through the pages', async (t) => {
  const { press, until } = show(t, { scene: scene('1', 40), over: false });
  await until(/plots 1 to 16 of 40/);
  press('\t');
  t.match(await until(/plots 17 to 32 of 40/), /page 2 of 3/);
  press('\x1b[Z');
  press('\x1b[Z');
  await until(/plots 33 to 40 of 40/);
});

t.test('q and Ctrl-C', async (t) => {
  const { state, press, until } = show(t, { scene: scene('1'), over: false });
  await until('avg.mean');
  press('q');
  press('\x03');
  await until('avg.mean');
  t.match(state, { quits: 1, interrupts: 1 });
});
