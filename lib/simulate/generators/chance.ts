/** Generators of random numbers, for scalars and elementwise for arrays. */

import type { Content, GeneratorKind } from '../content.ts';
import type { Random } from '../random.ts';

/** Both forms of "draw one number". */
function drawn(
  generator: string,
  params: Content['params'],
  type: Content['type'],
  draw: (random: Random) => number,
): Content {
  return {
    generator,
    params,
    type,
    scalar: (random) => () => draw(random),
    frame: (random, into) => {
      for (let i = 0; i < into.length; i++) into[i] = draw(random);
      return 0;
    },
  };
}

export function gaussianOf(mean: number, sigma: number): Content {
  return drawn('gaussian', { mean, sigma }, 'DOUBLE', (random) => mean + sigma * random.gaussian());
}

export function poissonOf(mean: number): Content {
  return drawn('poisson', { mean }, 'UINT32', (random) => random.poisson(mean));
}

/** Noise of no meaning, as compressed data looks. */
export const RANDOM_BYTES: Content = {
  generator: 'bytes',
  params: {},
  type: 'UINT8',
  ranks: 'array',
  frame: (random, into) => {
    for (let i = 0; i < into.length; i += 4) {
      const bits = random.bits();
      for (let j = 0; j < 4; j++) into[i + j] = (bits >>> (8 * j)) & 0xff;
    }
    return 0;
  },
};

const gaussian: GeneratorKind = {
  name: 'gaussian',
  summary: 'normally distributed numbers',
  keys: 'mean, sigma',
  read: (section) => gaussianOf(section.number('mean', 0), section.number('sigma', 1, { min: 0 })),
};

const uniform: GeneratorKind = {
  name: 'uniform',
  summary: 'uniformly distributed numbers from low up to high',
  keys: 'low, high',
  read(section) {
    const low = section.number('low', 0);
    const high = section.number('high', 1);
    if (high < low) section.problem('high', `must be at least low (${low}), not ${high}`);
    return drawn('uniform', { low, high }, 'DOUBLE', (random) => low + (high - low) * random.unit());
  },
};

const poisson: GeneratorKind = {
  name: 'poisson',
  summary: 'Poisson distributed counts',
  keys: 'mean',
  read: (section) => poissonOf(section.number('mean', 1, { min: 0 })),
};

export const CHANCE_GENERATORS: readonly GeneratorKind[] = [gaussian, uniform, poisson];
