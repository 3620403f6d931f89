/** The table of daq-run. */

import { tableLines } from '../cli/table.ts';
import type { LintProblem } from './config/types.ts';
import type { EntryView } from './view.ts';

function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '';
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
function balanceText({ balances }: EntryView): string {
  return balances.length === 0 ? '' : [balances[0]!.in, ...balances.map(({ out }) => out)].join(' -> ');
}

/** On a terminal, where lines that are broken are hard to read. */
const LONGEST_WORDS = 60;

export function statusLines(entries: readonly EntryView[], isTerminal: boolean): string[] {
  const slurm = entries.some((entry) => entry.slurm);
  const columns = [
    { title: 'id' },
    { title: 'state' },
    { title: 'for', align: 'right' as const },
    ...(slurm
      ? [{ title: 'job' }, { title: 'slurm' }, { title: 'node' }]
      : [{ title: 'pid' }, { title: 'restarts', align: 'right' as const }]),
    { title: 'exit' },
    { title: 'events' },
    { title: 'last words' },
  ];
  const rows = entries.map((entry) => [
    entry.id,
    entry.state,
    duration(entry.seconds),
    ...(slurm
      ? [entry.slurm?.job ?? '', entry.slurm?.state ?? '', entry.slurm?.node ?? '']
      : [entry.pids.map((pid) => pid ?? '-').join(' '), entry.restarts]),
    exitText(entry),
    balanceText(entry),
    wordsOf(entry, isTerminal ? LONGEST_WORDS : undefined),
  ]);
  return tableLines(columns, rows);
}

function wordsOf({ lastLine, unwritten }: EntryView, longest: number | undefined): string {
  const words = lastLine.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?').slice(0, longest);
  return unwritten === 0 ? words : `log incomplete by ${unwritten} bytes; ${words}`;
}

/** As the existing lint says it, with the code; what it does not find is marked. */
export function lintLine({ severity, id, code, message, existing, line }: LintProblem): string {
  const words = { error: 'Error', warning: 'Warning', note: 'Note' }[severity];
  const place = [
    line === undefined ? '' : `line ${line}: `,
    id === null || message.startsWith(id) ? '' : `${id}: `,
  ].join('');
  return `${words}: ${place}${message} [${code}${existing ? '' : ', new'}]`;
}
