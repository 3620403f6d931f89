/** Processes of this machine, as tests need to know them. */

import { readdirSync, readFileSync } from 'node:fs';

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Process that started it, and its state letter. */
function statOf(pid: number): { readonly state: string; readonly parent: number } {
  // The name in the second field may hold anything but a last bracket.
  const [state = '', parent = '0'] = textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return { state, parent: Number(parent) };
}

/** Processes that a process has started, and theirs. */
export function childrenOf(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const own = all.filter((one) => statOf(one).parent === pid);
  return own.flatMap((one) => [one, ...childrenOf(one)]);
}

/** Words with spaces between them; empty for one that is gone. */
export function commandLineOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** It runs; a dead one that nobody has waited for does not. */
export function isThere(pid: number): boolean {
  const { state } = statOf(pid);
  return state !== '' && state !== 'Z';
}
