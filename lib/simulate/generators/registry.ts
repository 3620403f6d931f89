/** All generators by name. */

import type { GeneratorKind } from '../content.ts';
import { CHANCE_GENERATORS } from './chance.ts';
import { LABEL_GENERATORS } from './labels.ts';
import { NUMBER_GENERATORS } from './numbers.ts';
import { photons } from './photons.ts';
import { trace } from './trace.ts';

export const GENERATORS: ReadonlyMap<string, GeneratorKind> = new Map(
  [...NUMBER_GENERATORS, ...CHANCE_GENERATORS, ...LABEL_GENERATORS, photons, trace].map((kind) => [kind.name, kind]),
);
