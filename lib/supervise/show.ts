/** The table of daq-run. */

import { tableLines } from '../cli/table.ts';
import type { LintProblem } from './config/types.ts';
import type { EntryView } from './local/crew.ts';

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `0`, `killed by SIGKILL (137)`, and every stage if there are several. */
function exitText({ status, stages }: EntryView): string {
  if (status === undefined) return '';
  return stages.length > 1 ? `${status} (${stages.join(' | ')})` : String(status);
}

/** `500 -> 498 -> 498`: what went in and came out, stage by stage. */
export function balanceText({ balances }: EntryView): string {
  const byStage = [...balances].sort((a, b) => a.stage - b.stage);
  if (byStage.length === 0) return '';
  return [byStage[0]!.in, ...byStage.map(({ out }) => out)].join(' -> ');
}

export function statusLines(entries: readonly EntryView[]): string[] {
  const columns = [
    { title: 'id' },
    { title: 'state' },
    { title: 'for', align: 'right' as const },
    { title: 'pid' },
    { title: 'restarts', align: 'right' as const },
    { title: 'exit' },
    { title: 'events' },
    { title: 'last words' },
  ];
  const rows = entries.map((entry) => [
    entry.id,
    entry.state,
    duration(entry.seconds),
    entry.pids.map((pid) => pid ?? '-').join(' '),
    entry.restarts,
    exitText(entry),
    balanceText(entry),
    entry.lastLine.slice(0, 60),
  ]);
  return tableLines(columns, rows);
}

export function lintLine({ severity, id, code, message }: LintProblem): string {
  return `${severity === 'error' ? 'Error' : 'Warning'}: ${id === null ? '' : `${id}: `}${message} [${code}]`;
}
