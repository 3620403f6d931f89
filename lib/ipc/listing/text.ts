/** Listed objects as rows of a table and as plain JSON. */

import { bytesText } from '../../cli/progress.ts';
import type { Column } from '../../cli/table.ts';
import { showKey } from '../keys.ts';
import type { ListedObject } from './types.ts';

const COMMAND_WIDTH = 40;

export const COLUMNS: readonly Column[] = [
  { title: 'P', align: 'right' },
  { title: 'DETECTOR' },
  { title: 'W', align: 'right' },
  { title: 'KIND' },
  { title: 'STATE' },
  { title: 'AGE', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'ATT', align: 'right' },
  { title: 'KEY OR NAME' },
  { title: 'OWNER' },
];

/** One row of `COLUMNS`. */
export function rowOf(object: ListedObject): (string | number)[] {
  const { partition, worker, kind, state, origin, ageSeconds, attached } = object;
  return [
    partition ?? '-',
    detectorText(object),
    worker ?? '-',
    kind,
    origin === 'unlisted' ? 'unlisted' : state,
    ageText(ageSeconds),
    sizeText(object),
    attached ?? '-',
    addressText(object),
    ownerText(object),
  ];
}

/** The object of `--json`: keys in hexadecimal, modes in octal, null for what is not known. */
export function jsonOf(object: ListedObject): Record<string, unknown> {
  const { key, mode, size, owner, ageSeconds, ...rest } = object;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? null])),
    key: key === undefined ? null : showKey(key),
    mode: mode.toString(8).padStart(4, '0'),
    size: Number.isNaN(size) ? null : size,
    ageSeconds: Math.max(0, Math.round(ageSeconds)),
    owner: owner ? { pid: owner.pid, command: owner.command ?? null } : null,
  };
}

/** `40s`, `12m`, `3h`, `2d`. */
export function ageText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole}s`;
  if (whole < 100 * 60) return `${Math.round(whole / 60)}m`;
  return whole < 48 * 3600 ? `${Math.round(whole / 3600)}h` : `${Math.round(whole / 86400)}d`;
}

function detectorText({ detector, segment, instance }: ListedObject): string {
  if (detector === undefined) return '-';
  return `${detector}${segment === undefined ? '' : `_${segment}`}${instance === undefined ? '' : `:${instance}`}`;
}

function sizeText({ type, size, messages }: ListedObject): string {
  if (type === 'segment') return bytesText(size);
  return messages === undefined ? `${Number.isNaN(size) ? '?' : size} B` : `${messages} msg`;
}

function addressText({ name, key, id }: ListedObject): string {
  if (name !== undefined) return name;
  return key === undefined || key === 0 ? `id ${id}` : showKey(key);
}

function ownerText({ owner, uid }: ListedObject): string {
  if (owner === undefined) return `uid ${uid}`;
  const { pid, command } = owner;
  if (command === undefined) return `${pid} (gone)`;
  return `${pid} ${command.length > COMMAND_WIDTH ? `${command.slice(0, COMMAND_WIDTH - 3)}...` : command}`;
}
