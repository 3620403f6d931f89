/** Texts of full-screen views as pure functions. */

import { bytesText } from '../progress.ts';

const BARS = '▁▂▃▄▅▆▇█';

/** The last `width` values as bars, the largest of them full. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  return shown
    .map((value) => (most > 0 ? BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))] : BARS[0]))
    .join('');
}

/** Three digits where they say something: `0`, `0.25`, `12.3`, `4520`, `1.25 M`. */
export function rateText(rate: number): string {
  if (rate >= 999_500) return `${(rate / 1e6).toPrecision(3)} M`;
  if (rate >= 99.95 || rate === 0) return rate.toFixed(0);
  return rate >= 9.995 ? rate.toFixed(1) : rate.toFixed(2);
}

/** `0:07`, `12:34`, `1:02:03`. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export { bytesText };

/** Rows of cells with aligned columns; columns whose title starts with `>` are flush right. */
export function columns(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const right = titles.map((title) => title.startsWith('>'));
  const all = [titles.map((title) => title.replace(/^>/, '')), ...rows];
  const widths = titles.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** What control characters in the data would do to the screen, they must not. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '\u00b7');
}
