/** Command lines into words and stages. The first shell that sees a command expands quotes and variables (spec procmgr.md 1.2). */

import { parse } from 'shell-quote';
import type { Stage } from './types.ts';

export interface CommandLine {
  readonly stages: readonly Stage[];
  /** Operators other than the pipe: they need a shell. */
  readonly operators: readonly string[];
}

/** @param env for `$NAME` */
export function commandLine(text: string, env: Readonly<Record<string, string | undefined>>): CommandLine {
  const stages: string[][] = [[]];
  const operators: string[] = [];
  for (const word of parse(text, (name: string) => env[name] ?? '')) {
    if (typeof word === 'string') stages.at(-1)!.push(homeExpanded(word, env));
    else if ('op' in word && word.op === '|') stages.push([]);
    else if ('op' in word && word.op === 'glob') stages.at(-1)!.push((word as { pattern: string }).pattern);
    else if ('op' in word) operators.push(word.op);
  }
  return { stages: stages.map((argv) => ({ argv })), operators };
}

/** The stages of a pipeline as they are written, for a shell: cut at bars that stand outside of quotes and are no `||` or `|&`. */
export function pipeTexts(text: string): readonly string[] {
  const stages = [''];
  for (const [part] of text.matchAll(/\\.|'[^']*'|"(?:\\.|[^"\\])*"|\|[|&]|\||[^\\'"|]+|./gs)) {
    if (part === '|') stages.push('');
    else stages[stages.length - 1] += part;
  }
  return stages.map((stage) => stage.trim());
}

/** A leading `~/` is not expanded by process managers in all positions (spec 3, rule 6). */
function homeExpanded(word: string, env: Readonly<Record<string, string | undefined>>): string {
  return word.startsWith('~/') && env.HOME ? env.HOME + word.slice(1) : word;
}

/** Options that process managers append. Order of the local one: `-u ID -p N`; of the Slurm one: `-p N -u ID` (spec 1.1, 2.1). */
export function appended(
  { id, flags }: { readonly id: string; readonly flags: string },
  platform: number | undefined,
  order: 'procmgr' | 'slurm',
): string[] {
  const alias = flags.includes('u') ? ['-u', id] : [];
  const partition = flags.includes('p') && platform !== undefined ? ['-p', String(platform)] : [];
  return order === 'procmgr' ? [...alias, ...partition] : [...partition, ...alias];
}

/** `A=b C=d` as pairs; parts without `=` are left to the lint. */
export function environmentOf(text: string): Map<string, string> {
  const pairs = text.split(/\s+/).flatMap((part) => {
    const at = part.indexOf('=');
    return at > 0 ? [[part.slice(0, at), part.slice(at + 1)] as const] : [];
  });
  return new Map(pairs);
}
