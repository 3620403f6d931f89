import { DaqError } from '../../errors.ts';
import type { Machine, Ticks } from '../machine.ts';
import { ADDRESS_BITS, decodeWord, type Instruction } from './word.ts';

/** Operations of a decoded program; what has no effect on an XPM becomes NOP. */
export const OP_SYNC = 0;
export const OP_JUMP = 1;
export const OP_BRANCH = 2;
export const OP_REQUEST = 3;
export const OP_UPPER = 4;
export const OP_NOP = 5;
export const OP_MAINS = 6;

/**
 * A checked program in columns, one row per line. A sync of `occurrences` x `interval` ticks is kept as whole machine periods and a
 * rest below one, so that stepping stays in 32-bit integers.
 */
export interface Program {
  readonly period: Ticks;
  readonly length: number;
  readonly op: Uint8Array;
  /** SYNC: interval; JUMP, BRANCH: address; REQUEST: word; UPPER: page << 11. */
  readonly arg: Int32Array;
  /** SYNC: whole periods of the wait; BRANCH: counter. */
  readonly arg2: Int32Array;
  /** SYNC: ticks beyond the whole periods; BRANCH: test value. */
  readonly arg3: Int32Array;
  /** SYNC: bit of the marker. */
  readonly markerBit: Int32Array;
  /** Interval by marker index; 0 where undefined. */
  readonly intervals: readonly Ticks[];
  readonly instructions: readonly Instruction[];
  /** Waits for mains ticks: its output cannot be computed. */
  readonly usesMains: boolean;
}

/**
 * Decodes and checks the words of one program. `markerIntervals` replaces the machine's marker table.
 * Throws `timing-program` for class 7, a marker without interval, or an empty program.
 */
export function decodeProgram(words: ArrayLike<number>, machine: Machine, markerIntervals?: readonly Ticks[]): Program {
  const length = words.length;
  if (length === 0) throw new DaqError('timing-program', 'The program has no instructions.');
  const intervals = markerIntervals ?? machine.markers.map((m) => m.interval);
  const program: Program = {
    period: machine.period,
    length,
    op: new Uint8Array(length),
    arg: new Int32Array(length),
    arg2: new Int32Array(length),
    arg3: new Int32Array(length),
    markerBit: new Int32Array(length),
    intervals,
    instructions: Array.from({ length }, (_, line) => decodeWord(words[line] as number, line)),
    usesMains: false,
  };
  let usesMains = false;
  for (let line = 0; line < length; line++) {
    const instruction = program.instructions[line] as Instruction;
    if (instruction.kind === 'mainsSync') usesMains = true;
    setRow(program, line, instruction);
  }
  return { ...program, usesMains };
}

function setRow(program: Program, line: number, i: Instruction): void {
  switch (i.kind) {
    case 'sync':
      setSync(program, line, i.marker, i.occurrences);
      return;
    case 'jump':
      program.op[line] = OP_JUMP;
      program.arg[line] = i.address;
      return;
    case 'branch':
      program.op[line] = OP_BRANCH;
      program.arg[line] = i.address;
      program.arg2[line] = i.counter;
      program.arg3[line] = i.value;
      return;
    case 'request':
      program.op[line] = OP_REQUEST;
      program.arg[line] = i.word;
      return;
    case 'upper':
      program.op[line] = OP_UPPER;
      program.arg[line] = i.page << ADDRESS_BITS;
      return;
    case 'mainsSync':
      program.op[line] = OP_MAINS;
      return;
    default:
      program.op[line] = OP_NOP;
  }
}

function setSync(program: Program, line: number, marker: number, occurrences: number): void {
  const interval = program.intervals[marker] ?? 0;
  if (interval === 0) {
    throw new DaqError('timing-program', `Line ${line}: marker ${marker} is not defined on this machine.`, {
      place: { line },
    });
  }
  if (occurrences === 0) {
    program.op[line] = OP_NOP; // no wait at all (spec timing 8.3)
    return;
  }
  const ticks = interval * occurrences;
  program.op[line] = OP_SYNC;
  program.arg[line] = interval;
  program.arg2[line] = Math.floor(ticks / program.period);
  program.arg3[line] = ticks % program.period;
  program.markerBit[line] = 1 << marker;
}
