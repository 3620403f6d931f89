/** One line on a terminal that says how far a long input has come. Nothing at all in pipes and logs. */

import { isAttended, type MaybeTerminal } from './terminal.ts';

export interface Terminal extends MaybeTerminal {
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  terminal: Terminal;
  /** Milliseconds. */
  now: () => number;
  /** Environment, for TERM. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** An input that is read faster than this shows nothing. */
const DELAY_MS = 500;
const INTERVAL_MS = 200;
const CLEAR_LINE = '\r\x1b[K';

export class ProgressLine {
  private readonly terminal: Terminal;
  private readonly now: () => number;
  private readonly visible: boolean;
  private started = 0;
  private shownAt = 0;
  private title = '';
  private total: number | undefined;
  private onScreen = false;

  constructor({ terminal, now, env }: ProgressOptions) {
    this.terminal = terminal;
    this.now = now;
    this.visible = isAttended(terminal, env);
  }

  /** Starts an input. @param total bytes, if known */
  start(title: string, total: number | undefined): void {
    this.title = title;
    this.total = total;
    this.started = this.now();
    this.shownAt = this.started + DELAY_MS - INTERVAL_MS;
  }

  /** @param done bytes so far */
  update(done: number): void {
    if (!this.visible) return;
    const now = this.now();
    if (now - this.shownAt < INTERVAL_MS) return;
    this.shownAt = now;
    const text = progressText(this.title, done, this.total, (now - this.started) / 1000);
    this.terminal.write(`${CLEAR_LINE}${text.slice(0, (this.terminal.columns ?? 80) - 1)}`);
    this.onScreen = true;
  }

  /** Takes the line away; to be called before anything else is written, and at the end. */
  clear(): void {
    if (this.onScreen) this.terminal.write(CLEAR_LINE);
    this.onScreen = false;
  }
}

/** Progress on stderr, where that is a terminal. */
export function progressOnTerminal(): ProgressLine {
  return new ProgressLine({ terminal: process.stderr, now: () => performance.now() });
}

/** `run.xtc2: 1.20 GB of 4.80 GB, 25 %, 812 MB/s, 4 s left`. */
export function progressText(title: string, done: number, total: number | undefined, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [`${title}: ${bytesText(done)}${total === undefined ? '' : ` of ${bytesText(total)}`}`];
  if (total !== undefined && total > 0) parts.push(`${Math.floor((100 * done) / total)} %`);
  parts.push(`${bytesText(rate)}/s`);
  if (total !== undefined && rate > 0 && done <= total) parts.push(`${Math.ceil((total - done) / rate)} s left`);
  return parts.join(', ');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Three digits and a unit: `812 MB`. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
