import { DaqError } from '../../errors.ts';
import { ADDRESS_BITS, ADDRESS_MASK, encodeWord, type Instruction } from './word.ts';

/** Numbers per instruction in the flat list form of a program. */
const ROW = 7;

/** Largest field values, so that nothing is cut off silently. */
const MAX_OCCURRENCES = 4095;

/** True when a bare list of numbers is an encoding list rather than words (spec timing 12). */
export function looksLikeEncoding(list: readonly number[]): boolean {
  return list.length > 0 && list.length === ROW * (list[0] as number) + 1;
}

/**
 * Words for base address 0 of an encoding list `[n, nargs, opcode, args..., ...]` (spec timing 8.2).
 * Throws `timing-program` with the line of a row that is not an instruction.
 */
export function wordsOfEncoding(list: readonly number[]): number[] {
  if (!list.every((v) => Number.isInteger(v)) || !looksLikeEncoding(list)) {
    throw new DaqError(
      'timing-program',
      `An encoding list of ${list[0]} instructions needs ${ROW} integers for each and the count in front.`,
    );
  }
  const words: number[] = [];
  for (let line = 0; line < (list[0] as number); line++) {
    words.push(encodeWord(instructionOfRow(list.slice(1 + line * ROW, 1 + (line + 1) * ROW), line)));
  }
  return words;
}

function instructionOfRow(row: readonly number[], line: number): Instruction {
  const [nargs = 0, opcode = 0, a = 0, b = 0, c = 0] = row;
  const bad = (why: string): DaqError => new DaqError('timing-program', `Line ${line}: ${why}.`, { place: { line } });
  const within = (value: number, max: number, what: string): number => {
    if (value < 0 || value > max) throw bad(`${what} ${value} is outside 0..${max}`);
    return value;
  };
  switch (opcode) {
    case 0:
      return { kind: 'sync', marker: within(a, 15, 'marker'), occurrences: within(b, MAX_OCCURRENCES, 'occurrences') };
    case 1:
      return {
        kind: 'mainsSync',
        slots: within(a, 63, 'slot mask'),
        rate: within(b, 15, 'rate'),
        occurrences: within(c, MAX_OCCURRENCES, 'occurrences'),
      };
    case 2:
      if (nargs === 1) return { kind: 'jump', address: a & ADDRESS_MASK };
      return {
        kind: 'branch',
        address: a & ADDRESS_MASK,
        counter: within(b, 3, 'counter'),
        value: within(c, 0xfff, 'counter value'),
      };
    case 3:
      return { kind: 'checkpoint' };
    case 4:
    case 5:
      return { kind: 'request', word: within(a, 0xffff, 'request word') };
    case 6:
      return { kind: 'call', address: a & ADDRESS_MASK };
    case 7:
      return { kind: 'return' };
    case 8:
      return { kind: 'upper', page: a >> ADDRESS_BITS };
    default:
      throw bad(
        opcode < 0 ? `opcode ${opcode} is a macro and must be expanded before loading` : `unknown opcode ${opcode}`,
      );
  }
}
