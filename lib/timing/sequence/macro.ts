import type { Warning } from '../partition.ts';
import { ADDRESS_BITS, ADDRESS_MASK, encodeWord, type Instruction } from './word.ts';

/** An instruction as a script writes it: with full line numbers, and with macros (spec timing 9). */
export type ScriptInstruction =
  | { readonly kind: 'sync'; readonly marker: number; readonly occurrences: number }
  | { readonly kind: 'mainsSync'; readonly slots: number; readonly rate: number; readonly occurrences: number }
  /** Macros: a wait of any length; a jump with its Upper. */
  | { readonly kind: 'wait'; readonly marker: number; readonly occurrences: number }
  | { readonly kind: 'mainsWait'; readonly slots: number; readonly rate: number; readonly occurrences: number }
  | { readonly kind: 'goto'; readonly line: number; readonly condition: Condition | null }
  | { readonly kind: 'jump'; readonly line: number; readonly condition: Condition | null }
  | { readonly kind: 'upper'; readonly line: number }
  | { readonly kind: 'call'; readonly line: number }
  | { readonly kind: 'request'; readonly word: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'return' };

/** Jump unless counter = value. */
export interface Condition {
  readonly counter: number;
  readonly value: number;
}

/** Largest wait of one sync instruction. */
export const LONGEST_SYNC = 4095;
const COUNTERS = 4;

/** Expands the macros of a script's list and moves the line numbers (spec timing 9.1). */
export function expandMacros(list: readonly ScriptInstruction[]): ScriptInstruction[] {
  const inUse = backwardJumps(list);
  const expanded = list.map((instruction, line) => expandOne(instruction, line, inUse));
  const movedTo: number[] = [];
  let next = 0;
  for (const part of expanded) {
    movedTo.push(next);
    next += part.length;
  }
  // A line at or past the end of the list keeps its distance from the end.
  const move = (line: number): number => movedTo[line] ?? line - list.length + next;
  return expanded.flat().map((i) => (i.kind === 'jump' || i.kind === 'upper' ? { ...i, line: move(i.line) } : i));
}

/** Loops of plain conditional jumps by counter. Upstream does not look at Branch entries, and neither may we: the loaded words count. */
function backwardJumps(list: readonly ScriptInstruction[]): { counter: number; from: number; to: number }[] {
  return list.flatMap((i, line) =>
    i.kind === 'jump' && i.condition !== null && i.line <= line
      ? [{ counter: i.condition.counter, from: i.line, to: line }]
      : [],
  );
}

function expandOne(i: ScriptInstruction, line: number, loops: ReturnType<typeof backwardJumps>): ScriptInstruction[] {
  if (i.kind === 'goto') {
    return [
      { kind: 'upper', line: i.line },
      { kind: 'jump', line: i.line, condition: i.condition },
    ];
  }
  if (i.kind !== 'wait' && i.kind !== 'mainsWait') return [i];
  const sync = (occurrences: number): ScriptInstruction =>
    i.kind === 'wait'
      ? { kind: 'sync', marker: i.marker, occurrences }
      : { kind: 'mainsSync', slots: i.slots, rate: i.rate, occurrences };
  const whole = Math.floor(i.occurrences / LONGEST_SYNC);
  const rest = i.occurrences % LONGEST_SYNC;
  const parts = repeatedSync(sync(LONGEST_SYNC), whole, line, freeCounter(line, loops));
  if (rest > 0) parts.push(sync(rest));
  return parts;
}

function repeatedSync(
  sync: ScriptInstruction,
  times: number,
  line: number,
  counter: number | null,
): ScriptInstruction[] {
  if (counter === null || times < 3) return Array.from({ length: times }, () => sync);
  return [sync, { kind: 'upper', line }, { kind: 'jump', line, condition: { counter, value: times - 1 } }];
}

function freeCounter(line: number, loops: ReturnType<typeof backwardJumps>): number | null {
  for (let counter = 0; counter < COUNTERS; counter++) {
    if (!loops.some((loop) => loop.counter === counter && loop.from <= line && line < loop.to)) return counter;
  }
  return null;
}

/** Words for base address 0 of an expanded list. */
export function packScript(list: readonly ScriptInstruction[]): number[] {
  return list.map((instruction) => encodeWord(packed(instruction)));
}

function packed(i: ScriptInstruction): Instruction {
  switch (i.kind) {
    case 'jump':
      return i.condition === null
        ? { kind: 'jump', address: i.line & ADDRESS_MASK }
        : { kind: 'branch', address: i.line & ADDRESS_MASK, ...i.condition };
    case 'upper':
      return { kind: 'upper', page: i.line >> ADDRESS_BITS };
    case 'call':
      return { kind: 'call', address: i.line & ADDRESS_MASK };
    case 'goto':
    case 'wait':
    case 'mainsWait':
      throw new TypeError(`macro ${i.kind} must be expanded first`);
    default:
      return i;
  }
}

/** A line that sets the upper address bits, or one that jumps. */
export interface AddressUse {
  readonly line: number;
  readonly upper?: number;
  readonly jump?: number;
}

/** Finding for jumps whose high line bits no Upper before them sets: the loaded word goes elsewhere (spec timing 14.4). */
export function lintUpper(uses: readonly AddressUse[]): Warning[] {
  let page = 0;
  const warnings: Warning[] = [];
  for (const { line, upper, jump } of uses) {
    if (upper !== undefined) page = upper >> ADDRESS_BITS;
    if (jump === undefined || jump >> ADDRESS_BITS === 0 || jump >> ADDRESS_BITS === page) continue;
    const text = `Line ${line} jumps to line ${jump} without an Upper for it: the engine goes to line ${(page << ADDRESS_BITS) | (jump & ADDRESS_MASK)}.`;
    warnings.push({ code: 'no-upper', group: null, text });
  }
  return warnings;
}
