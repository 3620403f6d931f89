import type { Accepts } from '../ops/operations.ts';
import type { SourceType } from '../types.ts';

const NUMBERS = new Set(['float', 'int', 'bool']);

/** What was wanted, if a source of type `given` cannot serve it; undefined if it can. */
export function checkInput(wanted: Accepts, given: SourceType): string | undefined {
  const number = NUMBERS.has(given.kind);
  const rank = given.kind === 'array' ? given.shape.length : undefined;
  switch (wanted) {
    case 'any':
      return undefined;
    case 'number':
      return number ? undefined : 'a number';
    case 'key':
      return number || given.kind === 'string' ? undefined : 'a number or a string';
    case 'summable':
    case 'elements':
      return number || rank !== undefined ? undefined : 'a number or an array';
    default:
      return rank === wanted ? undefined : `an array of rank ${wanted}`;
  }
}
