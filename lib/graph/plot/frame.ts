/** A whole picture: the heartbeat, a line with its trend for each scalar, a pane for each of the others. Pure. */

import type { ChalkInstance } from 'chalk';
import { printable } from '../../cli/screen/text.ts';
import { recordHead } from '../output/text.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import { type Size, trend } from './charts.ts';
import type { Picture } from './picture.ts';

export interface Scene {
  /** Of the graph. */
  readonly name: string;
  readonly record: HeartbeatRecord | undefined;
  readonly scalars: readonly Scalar[];
  readonly panes: readonly Pane[];
}

export interface Scalar {
  readonly name: string;
  readonly text: string;
  /** What it was, the latest last; empty for texts. */
  readonly history: readonly number[];
}

export interface Pane {
  readonly name: string;
  readonly picture: Picture;
}

export interface Frame {
  readonly lines: readonly string[];
  /** Panes that do not fit are on the next page. */
  readonly pages: number;
}

/** A pane smaller than this shows nothing. */
const LEAST: Size = { columns: 24, rows: 5 };
/** How much wider than high a pane is at best, in characters. */
const PROPORTION = 3.5;

/** @param page from 0; beyond the last it is the last */
export function frameOf(scene: Scene, size: Size, colour: ChalkInstance, page = 0): Frame {
  const { record, panes } = scene;
  const room = size.rows - 1;
  // Panes come first where there is little room, but a few scalars are always seen.
  const most = panes.length === 0 ? room : Math.max(2, Math.min(Math.floor(room / 2), room - LEAST.rows));
  const scalars = scalarLines(scene.scalars, size.columns, most, colour);
  const grid = gridOf(panes.length, { columns: size.columns, rows: room - scalars.length });
  const each = grid.across * grid.down;
  const pages = Math.max(1, Math.ceil(panes.length / Math.max(1, each)));
  const first = Math.min(page, pages - 1) * each;
  const shown = panes.slice(first, first + each);
  const some = shown.length < panes.length ? `; plots ${first + 1} to ${first + shown.length} of ${panes.length}` : '';
  const head = `${colour.bold(printable(scene.name))}  ${record ? recordHead(record, colour) : 'no heartbeat yet'}${some}`;
  const lines = [head, ...scalars, ...paneLines(shown, grid, colour)];
  return { lines: lines.slice(0, size.rows), pages };
}

function scalarLines(scalars: readonly Scalar[], columns: number, rows: number, colour: ChalkInstance): string[] {
  const all = scalars.length <= rows;
  const shown = all ? scalars : scalars.slice(0, Math.max(0, rows - 1));
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const texts = Math.max(0, ...shown.map(({ text }) => text.length));
  const lines = shown.map(({ name, text, history }) => {
    const room = columns - width - texts - 4;
    const words = `  ${name.padEnd(width)} ${text.padStart(texts)}`.slice(0, columns);
    return room >= 2 ? `${words} ${colour.cyan(trend(history, room))}`.trimEnd() : words;
  });
  return all ? lines : [...lines, `  and ${scalars.length - shown.length} more`];
}

interface Grid {
  readonly across: number;
  readonly down: number;
  readonly pane: Size;
}

/** Panes of about the same proportions, as large as possible; fewer than there are if they would become too small. */
function gridOf(count: number, { columns, rows }: Size): Grid {
  const fits = (pane: Size) => pane.columns >= LEAST.columns && pane.rows >= LEAST.rows;
  const grids = Array.from({ length: count }, (_, i) => {
    const across = i + 1;
    const down = Math.ceil(count / across);
    return { across, down, pane: paneSize(across, down, columns, rows) };
  }).filter(({ pane }) => fits(pane));
  const away = ({ pane }: Grid) => Math.abs(Math.log(pane.columns / pane.rows / PROPORTION));
  const best = grids.sort((a, b) => away(a) - away(b))[0];
  if (best) return best;
  const across = Math.max(1, Math.min(count, Math.floor((columns + 1) / (LEAST.columns + 1))));
  const down = Math.max(1, Math.floor(rows / LEAST.rows));
  return { across, down, pane: paneSize(across, down, columns, rows) };
}

/** One column is left free between two panes. */
function paneSize(across: number, down: number, columns: number, rows: number): Size {
  return { columns: Math.floor((columns - across + 1) / across), rows: Math.floor(rows / down) };
}

function paneLines(panes: readonly Pane[], { across, pane }: Grid, colour: ChalkInstance): string[] {
  const lines: string[] = [];
  if (pane.rows < 2) return lines;
  for (let at = 0; at < panes.length; at += across) {
    const row = panes.slice(at, at + across).map((one) => drawn(one, pane, colour));
    for (let i = 0; i < pane.rows; i++)
      lines.push(
        row
          .map((part) => part[i]!)
          .join(' ')
          .trimEnd(),
      );
  }
  return lines;
}

function drawn({ name, picture }: Pane, { columns, rows }: Size, colour: ChalkInstance): string[] {
  const title = name.slice(0, columns);
  const caption = ` ${picture.caption}`.slice(0, columns - title.length);
  const lines = picture.draw({ columns, rows: rows - 1 }, colour);
  return [colour.bold(title) + caption, ...lines].map(
    (line) => line + ' '.repeat(Math.max(0, columns - shownWidth(line))),
  );
}

/** Characters that are seen: colours have no width. */
function shownWidth(line: string): number {
  return line.replace(/\x1b\[[0-9;]*m/g, '').length;
}
