/** Charts as lines of text, with axes. Every function is pure and gives exactly `size.rows` lines. */

import { Braille } from './braille.ts';

/** In characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Least and largest. */
export interface Span {
  readonly low: number;
  readonly high: number;
}

export type Numbers = ArrayLike<number>;

/** Characters of a number beside an axis. */
const LABEL = 8;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/** Of the finite numbers from `first` to before `after`; undefined if there are none. */
export function spanOf(values: Numbers, first = 0, after = values.length): Span | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = first; i < after; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : undefined;
}

/** 0 at the low end, 1 at the high one. Halves, because the difference of two large numbers may be no number. */
export function fraction(value: number, { low, high }: Span): number {
  const width = high / 2 - low / 2;
  return width > 0 ? (value / 2 - low / 2) / width : 0.5;
}

/** As short as an axis needs it: four digits, at most `LABEL` characters. */
export function axisText(value: number): string {
  const texts = [String(Number(value.toPrecision(4))), ...[1, 0].map((digits) => value.toExponential(digits))];
  return texts.map((text) => text.replace('e+', 'e')).find(({ length }) => length <= LABEL)!;
}

/** A line through values at equal distances; where many fall on one column, from the least to the largest of them. */
export function lineChart(values: Numbers, x: Span, size: Size): string[] {
  const y = spanOf(values);
  if (!y) return nothing(size);
  const body = bodyOf(size);
  // A line through few values would be all steps.
  if (values.length * 2 <= body.columns) return pointChart(spread(x, values.length), values, size);
  const canvas = new Braille(body.columns, body.rows);
  const row = (value: number) => Math.round((1 - fraction(value, y)) * (canvas.height - 1));
  let before: { from: number; to: number } | undefined;
  for (let column = 0; column < canvas.width; column++) {
    const first = Math.floor((column * values.length) / canvas.width);
    const after = Math.max(first + 1, Math.floor(((column + 1) * values.length) / canvas.width));
    const part = spanOf(values, first, after);
    if (!part) {
      before = undefined;
      continue;
    }
    let [from, to] = [row(part.low), row(part.high)];
    // Joined with the column before, so that steep parts have no holes.
    if (before && to > before.from) to = before.from;
    if (before && from < before.to) from = before.to;
    canvas.vertical(column, from, to);
    before = { from: row(part.low), to: row(part.high) };
  }
  return framed(canvas.lines(), y, x, body);
}

/** Points; both coordinates must be numbers. Few of them are drawn large. */
export function pointChart(xs: Numbers, ys: Numbers, size: Size): string[] {
  const points = Array.from(xs, (x, i) => [x, ys[i]!] as const).filter((point) => point.every(Number.isFinite));
  const x = spanOf(points.map((point) => point[0]));
  const y = spanOf(points.map((point) => point[1]));
  if (!x || !y) return nothing(size);
  const body = bodyOf(size);
  const canvas = points.length <= body.columns ? new Spots(body) : new Braille(body.columns, body.rows);
  const place = (value: number, span: Span, length: number) => Math.round(fraction(value, span) * (length - 1));
  for (const [px, py] of points)
    canvas.dot(place(px, x, canvas.width), canvas.height - 1 - place(py, y, canvas.height));
  return framed(canvas.lines(), y, x, body);
}

/** A canvas of one spot in each character. */
class Spots {
  readonly width: number;
  readonly height: number;
  readonly #rows: string[][];

  constructor({ columns, rows }: Size) {
    this.width = columns;
    this.height = rows;
    this.#rows = Array.from({ length: rows }, () => new Array<string>(columns).fill(' '));
  }

  dot(x: number, y: number): void {
    this.#rows[y]![x] = '•';
  }

  lines(): string[] {
    return this.#rows.map((row) => row.join(''));
  }
}

/** Bars from zero, for counts: bins side by side; where several fall on one column, the largest of them. */
export function barChart(values: Numbers, x: Span, size: Size): string[] {
  const y = { low: 0, high: spanOf(values)?.high ?? 0 };
  const body = bodyOf(size);
  const wide = Math.max(1, Math.floor(body.columns / values.length));
  const used = Math.min(body.columns, wide * values.length);
  const eighths = Array.from({ length: used }, (_, column) => {
    const first = Math.floor((column * values.length) / used);
    const after = Math.max(first + 1, Math.floor(((column + 1) * values.length) / used));
    const most = spanOf(values, first, after)?.high ?? 0;
    // What is not zero is seen.
    return most > 0 ? Math.max(1, Math.round((most / y.high) * body.rows * 8)) : 0;
  });
  const lines = Array.from({ length: body.rows }, (_, row) => {
    const below = (body.rows - 1 - row) * 8;
    return eighths.map((height) => EIGHTHS[Math.max(0, Math.min(8, height - below))]).join('');
  });
  return framed(lines, y, x, { rows: body.rows, columns: used });
}

/** The last values as one line, from the least to the largest of them. */
export function trend(values: Numbers, columns: number): string {
  const shown = Array.prototype.slice.call(values, -columns) as number[];
  const span = spanOf(shown);
  if (!span) return '';
  return shown
    .map((value) => (Number.isFinite(value) ? EIGHTHS[1 + Math.min(7, Math.floor(fraction(value, span) * 8))] : ' '))
    .join('');
}

/** What is left for the picture beside the axes. */
export function bodyOf({ columns, rows }: Size): Size {
  return { columns: Math.max(1, columns - LABEL - 1), rows: Math.max(1, rows - 1) };
}

/** A picture with the ends of its axes. @param body size of the picture in characters, colours not counted */
export function framed(lines: readonly string[], y: Span, x: Span, body: Size): string[] {
  const [top, bottom] = [axisText(y.high), axisText(y.low)];
  const label = (i: number) => (i === 0 ? top : i === lines.length - 1 ? bottom : '').padStart(LABEL);
  const [from, to] = [axisText(x.low), axisText(x.high)];
  const rule = '─'.repeat(Math.max(1, body.columns - from.length - to.length));
  return [...lines.map((line, i) => `${label(i)}│${line}`), `${' '.repeat(LABEL)}└${from}${rule}${to}`];
}

function spread({ low, high }: Span, length: number): number[] {
  return Array.from({ length }, (_, i) => low + (i * (high - low)) / Math.max(1, length - 1));
}

function nothing({ rows }: Size): string[] {
  return Array.from({ length: rows }, (_, i) => (i === 0 ? 'no numbers' : ''));
}
