/** `dgram-cat --live`: the inputs on one side, the screen on the other, the model between them. */

import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { loadScreen } from '../cli/load-screen.ts';
import { LiveModel } from './live-model.ts';
import { type ShowContext, type ShowResult, showInputs } from './run.ts';
import type { LiveScreen, LiveScreenOptions } from './screens/live.tsx';

interface ScreenModule {
  openLiveScreen(options: LiveScreenOptions): LiveScreen;
}

/**
 * Shows the inputs on the screen as fast as they can be read, then keeps the last picture until `q` or a signal.
 * @throws what `showInputs` throws; the terminal has been given back then
 */
export async function showLive(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, lifecycle } = context;
  const quit = new Promise<void>((resolve) => {
    if (lifecycle.stop.aborted) resolve();
    lifecycle.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const { openLiveScreen } = await loadScreen<ScreenModule>('live');
  const model = new LiveModel({ clock: () => performance.now(), epoch: options.epoch, head: options.head });
  const keys = openKeys();
  const screen = openLiveScreen({
    snapshot: () => model.snapshot(),
    onQuit: () => lifecycle.requestStop(),
    onInterrupt: () => process.kill(process.pid, 'SIGINT'),
    stdout: process.stdout,
    stdin: keys?.stream,
  });
  const close = () => {
    screen.close();
    keys?.close();
  };
  const forget = lifecycle.onEmergency(close);
  try {
    const result = await showInputs(names, { ...context, options: { ...options, live: model } });
    model.end();
    await quit;
    return result;
  } finally {
    forget();
    close();
  }
}

/** Where keys come from: stdin, or the terminal itself if dgrams come through stdin; undefined without a terminal. */
function openKeys(): { stream: NodeJS.ReadStream; close(): void } | undefined {
  if (process.stdin.isTTY) return { stream: process.stdin, close: () => process.stdin.pause() };
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r');
  } catch {
    return undefined;
  }
  try {
    const stream = new ReadStream(fd);
    return { stream, close: () => stream.destroy() };
  } catch {
    closeSync(fd);
    return undefined;
  }
}
