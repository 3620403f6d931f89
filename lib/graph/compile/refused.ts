import { DataError } from '../../errors.ts';
import type { Problem } from '../types.ts';

/** A graph that cannot be used, with everything that is wrong with it. */
export class Refused extends DataError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('graph-refused', problems.map(sentence).join('; '));
    this.problems = problems;
  }
}

function sentence({ error, node, message }: Problem): string {
  return `${error}${node === null ? '' : ` in node ${node}`}: ${message}`;
}
