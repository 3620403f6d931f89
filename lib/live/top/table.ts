/** The table of processes: what stands in each column. For the screen and for `--once`. */

import { bytesText } from '../../cli/progress.ts';
import { durationText, printable, rateText, sparkline } from '../../cli/screen/text.ts';
import type { Count, MeterRow, ProcessRow } from './model.ts';

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'dim';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export interface TopColumn {
  readonly title: string;
  readonly right: boolean;
  /** Columns of the terminal; texts are cut to it. */
  readonly width: number;
  cell(row: ProcessRow): Cell;
  /** What to sort by. */
  key(row: ProcessRow): number | string;
}

const plain = (text: string): Cell => ({ text, tone: 'plain' });
const rate = ({ rate: value }: Count): string => (value === undefined ? '-' : rateText(value));
const STATE_TONES = { up: 'good', gone: 'bad', silent: 'warn' } as const;

function column(
  title: string,
  width: number,
  key: TopColumn['key'],
  cell: (row: ProcessRow) => Cell | string,
  right = true,
): TopColumn {
  const made = (row: ProcessRow): Cell => {
    const value = cell(row);
    return typeof value === 'string' ? plain(value) : value;
  };
  return { title, right, width, key, cell: made };
}

/** In the order of their importance: what does not fit on the right is left out. */
export const COLUMNS: readonly TopColumn[] = [
  column(
    'PROCESS',
    18,
    ({ name }) => name,
    ({ name }) => printable(name),
    false,
  ),
  column(
    'STATE',
    6,
    ({ state }) => state,
    ({ state }) => ({ text: state, tone: STATE_TONES[state] }),
    false,
  ),
  column(
    'IN/s',
    7,
    (row) => row.in.rate ?? -1,
    (row) => rate(row.in),
  ),
  column(
    'OUT/s',
    7,
    (row) => row.out.rate ?? -1,
    (row) => rate(row.out),
  ),
  column(
    'LOST/s',
    7,
    (row) => row.lost.rate ?? -1,
    (row) => ({ text: rate(row.lost), tone: (row.lost.rate ?? 0) > 0 ? 'warn' : 'plain' }),
  ),
  column(
    'OPEN',
    6,
    (row) => Math.abs(row.unaccounted),
    ({ unaccounted }) => ({ text: String(unaccounted), tone: unaccounted === 0 ? 'plain' : 'bad' }),
  ),
  column(
    'DAMAGE',
    6,
    (row) => row.damage.total,
    ({ damage }) => ({ text: String(damage.total), tone: damage.total > 0 ? 'warn' : 'plain' }),
  ),
  column('QUEUE', 5, (row) => row.queue ?? -1, queueText),
  column(
    'WORKERS',
    7,
    (row) => Object.keys(row.workers).length,
    ({ workers }) => workersCell(workers),
  ),
  column(
    'CPU%',
    5,
    (row) => row.cpu ?? -1,
    ({ cpu }) => (cpu === undefined ? '-' : (cpu * 100).toFixed(0)),
  ),
  column(
    'MEMORY',
    7,
    (row) => row.residentBytes,
    (row) => bytesText(row.residentBytes),
  ),
  column(
    'IN HISTORY',
    20,
    (row) => row.in.rate ?? -1,
    ({ history }) => sparkline(history, 20),
    false,
  ),
];

function queueText({ queue }: ProcessRow): string {
  return queue === undefined ? '-' : String(queue);
}

function workersCell(workers: Readonly<Record<string, boolean>>): Cell {
  const states = Object.values(workers);
  if (states.length === 0) return plain('-');
  const up = states.filter(Boolean).length;
  return { text: `${up}/${states.length}`, tone: up < states.length ? 'bad' : 'plain' };
}

/** Those that fit side by side. */
export function columnsThatFit(width: number, columns: readonly TopColumn[] = COLUMNS): readonly TopColumn[] {
  let used = -1;
  const count = columns.findIndex((one) => (used += one.width + 1) > width);
  return count < 0 ? columns : columns.slice(0, Math.max(1, count));
}

/** Cut or filled to the width of its column. */
export function fitted(text: string, { width, right }: TopColumn): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right ? cut.padStart(width) : cut.padEnd(width);
}

export interface Order {
  /** Title of the column; undefined leaves the order in which processes came to be known. */
  readonly by: string | undefined;
  readonly reverse: boolean;
}

/** Numbers largest first, texts alphabetically; `reverse` the other way. */
export function sorted(rows: readonly ProcessRow[], { by, reverse }: Order): ProcessRow[] {
  const found = COLUMNS.find(({ title }) => title === by);
  const list = found === undefined ? [...rows] : [...rows].sort((a, b) => compare(found.key(a), found.key(b)));
  return reverse ? list.reverse() : list;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? b - a : String(a).localeCompare(String(b));
}

/** Rows in which the text occurs: name, command, address, state. */
export function matching(rows: readonly ProcessRow[], filter: string): ProcessRow[] {
  const wanted = filter.toLowerCase();
  return rows.filter(({ name, command, address, state }) =>
    [name, command, address, state].some((text) => text.toLowerCase().includes(wanted)),
  );
}

/** Balance, workers and every meter of one process. */
export function detailLines(row: ProcessRow): string[] {
  const losses = Object.entries(row.losses).map(
    ([reason, count]) => ` + ${printable(reason)} ${count.total} (${rate(count)}/s)`,
  );
  const workers = Object.entries(row.workers).map(([name, up]) => `${printable(name)} ${up ? 'up' : 'DOWN'}`);
  return [
    `${printable(row.command)}  ${printable(row.address)}  ${row.state}${row.reason === '' ? '' : `: ${printable(row.reason)}`}`,
    `up ${durationText(row.uptime)}, last answer ${row.age === undefined ? 'never' : `${row.age.toFixed(1)} s ago`}`,
    `in ${row.in.total} (${rate(row.in)}/s) = out ${row.out.total} (${rate(row.out)}/s)${losses.join('')}`,
    ...(row.unaccounted === 0 ? [] : [`NOT BALANCED: ${row.unaccounted} unaccounted for`]),
    ...(workers.length === 0 ? [] : [`workers: ${workers.join(', ')}`]),
    '',
    ...meterLines(row.meters),
  ];
}

const SPARK = 20;

function meterLines(meters: readonly MeterRow[]): string[] {
  const names = meters.map(({ name, labels }) => printable(labels === '' ? name : `${name} ${labels}`));
  const width = Math.max(0, ...names.map(({ length }) => length));
  return meters.map(({ value, rate: perSecond, history }, i) => {
    const change = perSecond === undefined ? '' : `${rateText(perSecond)}/s`;
    return `${names[i]!.padEnd(width)}  ${numberText(value).padStart(12)}  ${change.padStart(10)}  ${sparkline(history, SPARK)}`.trimEnd();
  });
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
