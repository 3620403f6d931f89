/** Building blocks of configurations. */

import type { Content } from '../content.ts';

export const OFF_ON: Readonly<Record<string, number>> = { Off: 0, On: 1 };

/** An enum setting with one of its labels. */
export function enumOf(labels: Readonly<Record<string, number>>, value: string): Content {
  const number = labels[value] ?? 0;
  return {
    generator: 'enum',
    params: { labels, value },
    type: 'ENUMVAL',
    ranks: 'scalar',
    constant: true,
    labels,
    scalar: () => () => number,
  };
}
