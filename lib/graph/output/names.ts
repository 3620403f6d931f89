/** Which outputs a person wants: names and patterns with `*`, with commas between them (pure). */

import { UsageError } from '../../errors.ts';

export class Names {
  readonly #patterns: readonly { readonly text: string; readonly matches: RegExp }[];

  /** @param texts as `--names` gives them; none is all */
  constructor(texts: readonly string[]) {
    this.#patterns = texts
      .flatMap((text) => text.split(','))
      .filter((text) => text !== '')
      // A node stands for all its ports.
      .map((text) => ({ text, matches: new RegExp(`^${text.split('*').map(escaped).join('.*')}(\\..*)?$`) }));
  }

  has(name: string): boolean {
    return this.#patterns.length === 0 || this.#patterns.some(({ matches }) => matches.test(name));
  }

  /** @throws UsageError if something was asked for that is none of the outputs */
  check(outputs: readonly string[]): void {
    const nothing = this.#patterns.find(({ matches }) => !outputs.some((name) => matches.test(name)));
    if (nothing) throw new UsageError(`--names: no output is called ${nothing.text}; there are ${outputs.join(', ')}`);
  }
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
