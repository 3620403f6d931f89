/** Images of single photons on a noisy pedestal, as photon-counting area detectors see them. */

import type { Content, GeneratorKind } from '../content.ts';
import type { Random } from '../random.ts';

export interface PhotonParams {
  /** Mean number of photons per frame. */
  photons: number;
  /** Detector units per photon. */
  adu: number;
  pedestal: number;
  /** Standard deviation of the noise of a pixel in detector units. */
  noise: number;
  /** Part of a photon's charge that goes to a neighbouring pixel, up to this much. */
  sharing: number;
}

export function photonsOf(params: PhotonParams): Content {
  return {
    generator: 'photons',
    params: { ...params },
    type: 'UINT16',
    ranks: 'array',
    frame(random, into, shape) {
      addNoise(random, into, params.pedestal, params.noise);
      const columns = shape.at(-1) ?? into.length;
      const count = into.length === 0 ? 0 : random.poisson(params.photons);
      for (let i = 0; i < count; i++) addPhoton(random, into, columns, params);
      return count;
    },
  };
}

/** Sets every element to pedestal + noise. */
export function addNoise(random: Random, into: Float64Array, pedestal: number, sigma: number): void {
  if (sigma === 0) {
    into.fill(pedestal);
    return;
  }
  random.fillNoise(into, pedestal, sigma);
}

function addPhoton(random: Random, into: Float64Array, columns: number, { adu, sharing }: PhotonParams): void {
  const at = random.below(into.length);
  const shared = sharing === 0 ? 0 : adu * sharing * random.unit();
  const column = at % columns;
  const step = random.below(4);
  const beside =
    step === 0 ? at - columns : step === 1 ? at + columns : step === 2 ? (column > 0 ? at - 1 : -1) : at + 1;
  const lost = step === 3 && column === columns - 1;
  into[at] = into[at]! + adu - shared;
  if (!lost && beside >= 0 && beside < into.length) into[beside] = into[beside]! + shared;
}

export const photons: GeneratorKind = {
  name: 'photons',
  summary: 'arrays: pedestal and noise with a Poisson number of photons at random pixels',
  keys: 'photons, adu, pedestal, noise, sharing',
  read: (section) =>
    photonsOf({
      photons: section.number('photons', 100, { min: 0, max: 1e8 }),
      adu: section.number('adu', 100),
      pedestal: section.number('pedestal', 50),
      noise: section.number('noise', 3, { min: 0 }),
      sharing: section.number('sharing', 0, { min: 0, max: 1 }),
    }),
};
