import { GROUPS } from '../partition.ts';

const COLUMNS = 100;

export interface Excerpt {
  /** Masks of the groups that may fire, from pulse `from` on. */
  readonly masks: Uint8Array;
  readonly from: number;
  /** The pulse to point at. */
  readonly pulse: number;
  readonly common: number;
  /** Bits of the groups to draw. */
  readonly groups: number;
  readonly tickHz: number;
}

/**
 * One line per group, time to the right: `|` where the group fires, `X` where a group fires without the common group. A column holds
 * several ticks when the excerpt is longer than 100.
 */
export function plotLines(excerpt: Excerpt): string[] {
  const { masks, from, pulse, common, groups, tickHz } = excerpt;
  const ticks = Math.ceil(masks.length / COLUMNS);
  const columns = Math.ceil(masks.length / ticks);
  const milliseconds = ((masks.length / tickHz) * 1000).toFixed(3);
  const lines = [
    `pulses ${from} to ${from + masks.length - 1} (${milliseconds} ms), ${ticks === 1 ? 'one tick' : `${ticks} ticks`} per column`,
  ];
  for (let g = 0; g < GROUPS; g++) {
    if (!((groups >> g) & 1)) continue;
    let row = '';
    for (let column = 0; column < columns; column++)
      row += cell(masks.subarray(column * ticks, (column + 1) * ticks), g, common);
    lines.push(`${g === common ? 'common' : 'group '} ${g} ${row.trimEnd()}`);
  }
  lines.push(`${' '.repeat(9 + Math.floor((pulse - from) / ticks))}^ pulse ${pulse}`);
  return lines;
}

function cell(masks: Uint8Array, g: number, common: number): string {
  let fires = false;
  for (const mask of masks) {
    if (!((mask >> g) & 1)) continue;
    if (g !== common && !((mask >> common) & 1)) return 'X';
    fires = true;
  }
  return fires ? '|' : ' ';
}
