/** The balance of whole pipelines: every stage must account for what came in, and what one gives the next must receive. Pure. */

import { imbalance } from '../cli/balance.ts';
import { tableLines } from '../cli/table.ts';
import type { StageBalance } from './log-digest.ts';
import type { EntryView } from './view.ts';

/** What the balances of our commands that can stand in a pipeline count; of others it is not known. */
const COUNTED: Readonly<Record<string, 'events' | 'dgrams'>> = {
  'dgram-gen': 'events',
  'drp-python': 'dgrams',
  'graph-run': 'events',
  'shmem-serve': 'events',
};

export interface ChainVerdict {
  readonly id: string;
  /** Undefined if a stage has told no balance, or neighbours do not count the same. */
  readonly adds: boolean | undefined;
  readonly why: string;
}

/** Of one entry; undefined if none of its stages has told a balance. */
export function chainVerdict({ id, programs, balances }: EntryView): ChainVerdict | undefined {
  if (balances.length === 0) return undefined;
  const name = (stage: number) => `stage ${stage} (${programs[stage - 1] ?? '?'})`;
  const problems: string[] = [];
  const doubts: string[] = [];
  for (const [i, balance] of balances.entries()) {
    const open = imbalance(balance);
    if (open !== 0) problems.push(`${open} unaccounted for in ${name(balance.stage)}`);
    const next = balances[i + 1];
    if (next?.stage !== balance.stage + 1) continue;
    const given = givenTo(next, balance, programs);
    if (given === undefined) doubts.push(`${name(balance.stage)} and ${name(next.stage)} may not count the same`);
    else if (given !== next.in)
      problems.push(`${name(balance.stage)} gave ${given}, ${name(next.stage)} received ${next.in}`);
  }
  if (problems.length > 0) return { id, adds: false, why: problems.join('; ') };
  const told = new Set(balances.map(({ stage }) => stage));
  const silent = programs.map((_, i) => i + 1).filter((stage) => !told.has(stage));
  if (silent.length > 0) doubts.push(`${silent.map(name).join(', ')} told no balance`);
  if (doubts.length > 0) return { id, adds: undefined, why: doubts.join('; ') };
  return { id, adds: true, why: '' };
}

/** What a stage gave, in the unit of the next one; undefined if that is not known. Counts that agree need no unit. */
function givenTo(
  next: StageBalance,
  { stage, out, dgrams }: StageBalance,
  programs: readonly string[],
): number | undefined {
  if (next.in === out) return out;
  const [mine, its] = [stage, next.stage].map((one) => COUNTED[programs[one - 1] ?? '']);
  if (mine === undefined || its === undefined) return undefined;
  return mine === its ? out : its === 'dgrams' ? dgrams : undefined;
}

/** One table for all entries with balances, and a line for each that says whether it adds up; nothing if nobody told one. */
export function chainLines(entries: readonly EntryView[]): string[] {
  const rows = entries.flatMap(({ id, programs, balances }) =>
    balances.map((balance) => [
      id,
      balance.stage,
      programs[balance.stage - 1] ?? '',
      balance.in,
      balance.out,
      lossText(balance.losses),
    ]),
  );
  if (rows.length === 0) return [];
  const columns = [
    { title: 'id' },
    { title: 'stage', align: 'right' as const },
    { title: 'program' },
    { title: 'in', align: 'right' as const },
    { title: 'out', align: 'right' as const },
    { title: 'losses' },
  ];
  const verdicts = entries.flatMap((entry) => chainVerdict(entry) ?? []);
  return [...tableLines(columns, rows), ...verdicts.map(verdictLine)];
}

function lossText(losses: Readonly<Record<string, number>>): string {
  return Object.entries(losses)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function verdictLine({ id, adds, why }: ChainVerdict): string {
  if (adds === undefined) return `${id}: as far as it is known it adds up; ${why}`;
  return adds ? `${id}: it adds up` : `${id}: it does NOT add up: ${why}`;
}
