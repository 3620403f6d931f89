/** `daq-top` on the screen, and once as text or JSON. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import { loadScreen } from '../../cli/load-screen.ts';
import type { FullScreen } from '../../cli/screen/full-screen.ts';
import { openKeys } from '../../cli/screen/keys.ts';
import { tableLines } from '../../cli/table.ts';
import type { TopScreenOptions } from '../screens/top.tsx';
import { type ProcessRow, TopModel } from './model.ts';
import { COLUMNS, matching, type Order, sorted } from './table.ts';
import type { Targets } from './targets.ts';
import { Watcher } from './watch.ts';

export interface TopOptions {
  readonly targets: Targets;
  /** Seconds between two questions. */
  readonly interval: number;
  readonly lifecycle: Lifecycle;
}

interface ScreenModule {
  openTopScreen(options: TopScreenOptions): FullScreen;
}

const seconds = () => performance.now() / 1000;

/** Shows the screen until `q` or a signal. @returns what it showed last */
export async function showTop({ targets, interval, lifecycle }: TopOptions): Promise<ProcessRow[]> {
  const { openTopScreen } = await loadScreen<ScreenModule>('top');
  const model = new TopModel();
  const watcher = new Watcher(model, targets, seconds);
  await watcher.round(lifecycle.stop);
  const keys = openKeys();
  const screen = openTopScreen({
    rows: () => model.rows(seconds()),
    onQuit: () => lifecycle.requestStop(),
    onInterrupt: () => process.kill(process.pid, 'SIGINT'),
    onForget: () => model.forgetGone(),
    stdout: process.stdout,
    stdin: keys?.stream,
  });
  const close = () => {
    screen.close();
    keys?.close();
  };
  const forget = lifecycle.onEmergency(close);
  try {
    await watcher.run(interval, lifecycle.stop);
  } finally {
    forget();
    close();
  }
  return model.rows(seconds());
}

/** Asks twice, so that there are rates; once if the interval is 0. */
export async function lookOnce({ targets, interval, lifecycle }: TopOptions): Promise<ProcessRow[]> {
  const model = new TopModel();
  const watcher = new Watcher(model, targets, seconds);
  await watcher.round(lifecycle.stop);
  if (interval > 0 && model.addresses.length > 0) {
    await sleep(interval * 1000, undefined, { signal: lifecycle.stop }).catch(() => {});
    await watcher.round(lifecycle.stop);
  }
  return model.rows(seconds());
}

/** Rows that match, in order. */
export function chosen(rows: readonly ProcessRow[], filter: string, order: Order): ProcessRow[] {
  return sorted(matching(rows, filter), order);
}

/** A table as people and awk read it; sparklines belong on screens. */
export function onceLines(rows: readonly ProcessRow[]): string[] {
  const columns = COLUMNS.filter(({ title }) => title !== 'IN HISTORY');
  const titles = columns.map(({ title, right }) => ({ title, align: right ? ('right' as const) : ('left' as const) }));
  return tableLines(
    [...titles, { title: 'ADDRESS' }, { title: 'REASON' }],
    rows.map((row) => [...columns.map((column) => column.cell(row).text), row.address, row.reason]),
  );
}
