/** What the processes of an ensemble said at their ends. */

import { readFileSync } from 'node:fs';
import type { Balance } from '../../cli/balance.ts';
import type { RoleEnd } from './account.ts';
import type { UpMember } from './types.ts';

/** Of a supervisor. */
export interface EndedEntry {
  readonly id: string;
  readonly status: number | undefined;
  readonly restarts: number;
  readonly log: string | undefined;
  readonly balances: readonly Balance[];
}

const STREAM_LINE = /^(?:\[\d+\] )?\S+: (\S+: received \d+ = .*)$/gm;

export function endsOf(members: readonly UpMember[], entries: readonly EndedEntry[]): RoleEnd[] {
  return members.flatMap(({ id, role }) => {
    const entry = entries.find((one) => one.id === id);
    if (!entry) return [];
    const { status, restarts, log, balances } = entry;
    const streams = role === 'ingester' && log !== undefined ? streamLinesIn(textOf(log)) : [];
    return [{ id, role, status, restarts, balance: balances.at(-1), streams }];
  });
}

function streamLinesIn(text: string): string[] {
  return [...text.matchAll(STREAM_LINE)].map(([, line]) => line!);
}

function textOf(log: string): string {
  try {
    return readFileSync(log, 'utf8');
  } catch {
    return '';
  }
}
