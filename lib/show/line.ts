/** One aligned line per dgram: what an operator wants to see first. */

import { damageNames } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { groupNumbers, serviceName } from '../xtc/service.ts';
import { type Epoch, formatUtc } from '../xtc/time.ts';

const TITLES = ['index', 'offset', 'transition', 'time (UTC)', 'groups', 'size', 'damage'] as const;
const WIDTHS = [8, 13, 12, 29, 12, 10] as const;

/** What a line shows of a dgram. */
export type LineFields = Pick<Dgram, 'index' | 'offset' | 'service' | 'sec' | 'nsec' | 'groups' | 'size' | 'damage'>;

/** Titles over the columns. */
export function lineTitles(): string {
  return lineOf(TITLES);
}

/** `       0             0  Configure     2019-12-19 10:02:15.000000000  0 3   40608  -`. */
export function dgramLine(dgram: LineFields, epoch: Epoch): string {
  const damage = dgram.damage;
  return lineOf([
    String(dgram.index),
    String(dgram.offset),
    serviceName(dgram.service),
    formatUtc(dgram.sec, dgram.nsec, epoch),
    groupsText(dgram.groups),
    String(dgram.size),
    damage === 0 ? '-' : damageNames(damage).join(','),
  ]);
}

function lineOf(columns: readonly string[]): string {
  const [index, offset, transition, time, groups, size, damage] = columns as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return `${index.padStart(WIDTHS[0])} ${offset.padStart(WIDTHS[1])}  ${transition.padEnd(WIDTHS[2])}  ${time.padEnd(WIDTHS[3])}  ${groups.padEnd(WIDTHS[4])} ${size.padStart(WIDTHS[5])}  ${damage}`;
}

const groupTexts = new Map<number, string>();

function groupsText(mask: number): string {
  let text = groupTexts.get(mask);
  if (text === undefined) groupTexts.set(mask, (text = mask === 0 ? '-' : groupRanges(groupNumbers(mask))));
  return text;
}

/** `0 3-7`: SlowUpdates carry all groups, and a list of sixteen hides the rest of the line. */
function groupRanges(groups: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < groups.length; ) {
    let j = i;
    while (groups[j + 1] === groups[j]! + 1) j++;
    parts.push(j > i + 1 ? `${groups[i]}-${groups[j]}` : groups.slice(i, j + 1).join(' '));
    i = j + 1;
  }
  return parts.join(' ');
}
