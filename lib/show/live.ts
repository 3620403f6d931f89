/** `dgram-cat --live`: the inputs on one side, the screen on the other, the model between them. */

import { loadScreen } from '../cli/load-screen.ts';
import type { FullScreen } from '../cli/screen/full-screen.ts';
import { openKeys } from '../cli/screen/keys.ts';
import { LiveModel } from './live-model.ts';
import { type ShowContext, type ShowResult, showInputs } from './run.ts';
import type { LiveScreenOptions } from './screens/live.tsx';

interface ScreenModule {
  openLiveScreen(options: LiveScreenOptions): FullScreen;
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
