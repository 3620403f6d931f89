import { DaqError } from '../../errors.ts';

/** One instruction of the sequence engine as the firmware reads it (spec timing 8.1). */
export type Instruction =
  | { readonly kind: 'sync'; readonly marker: number; readonly occurrences: number }
  | { readonly kind: 'mainsSync'; readonly slots: number; readonly rate: number; readonly occurrences: number }
  | { readonly kind: 'jump'; readonly address: number }
  | { readonly kind: 'branch'; readonly address: number; readonly counter: number; readonly value: number }
  | { readonly kind: 'request'; readonly word: number }
  | { readonly kind: 'upper'; readonly page: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'call'; readonly address: number }
  | { readonly kind: 'return' };

/** Jump addresses carry the low bits of a line; an Upper instruction the rest. */
export const ADDRESS_BITS = 11;
export const ADDRESS_MASK = (1 << ADDRESS_BITS) - 1;
const PAGE_MASK = 0xf;

/** Throws `timing-program` on the unused class 7. */
export function decodeWord(word: number, line: number): Instruction {
  switch (word >>> 29) {
    case 0:
      if ((word >>> 24) & 1) {
        return {
          kind: 'branch',
          address: word & ADDRESS_MASK,
          counter: (word >>> 27) & 3,
          value: (word >>> 12) & 0xfff,
        };
      }
      return { kind: 'jump', address: word & ADDRESS_MASK };
    case 1:
      return { kind: 'checkpoint' };
    case 2:
      return { kind: 'sync', marker: (word >>> 16) & 0xf, occurrences: word & 0xfff };
    case 3:
      return { kind: 'mainsSync', slots: (word >>> 23) & 0x3f, rate: (word >>> 16) & 0xf, occurrences: word & 0xfff };
    case 4:
      return { kind: 'request', word: word & 0xffff };
    case 5:
      return (word >>> 12) & 1 ? { kind: 'return' } : { kind: 'call', address: word & ADDRESS_MASK };
    case 6:
      return { kind: 'upper', page: word & PAGE_MASK };
    default:
      throw new DaqError(
        'timing-program',
        `Line ${line}: word 0x${(word >>> 0).toString(16)} has the unused class 7.`,
        {
          place: { line },
        },
      );
  }
}

/** The 32-bit word of an instruction, as a non-negative number. */
export function encodeWord(instruction: Instruction): number {
  return wordBits(instruction) >>> 0;
}

function wordBits(i: Instruction): number {
  switch (i.kind) {
    case 'jump':
      return i.address & ADDRESS_MASK;
    case 'branch':
      return (1 << 24) | ((i.counter & 3) << 27) | ((i.value & 0xfff) << 12) | (i.address & ADDRESS_MASK);
    case 'checkpoint':
      return 1 << 29;
    case 'sync':
      return (2 << 29) | ((i.marker & 0xf) << 16) | (i.occurrences & 0xfff);
    case 'mainsSync':
      return (3 << 29) | ((i.slots & 0x3f) << 23) | ((i.rate & 0xf) << 16) | (i.occurrences & 0xfff);
    case 'request':
      return (4 << 29) | (i.word & 0xffff);
    case 'call':
      return (5 << 29) | (i.address & ADDRESS_MASK);
    case 'return':
      return (5 << 29) | (1 << 12);
    case 'upper':
      return (6 << 29) | (i.page & PAGE_MASK);
  }
}
