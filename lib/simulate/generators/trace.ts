/** Digitiser traces: a noisy baseline with pulses that rise at once and decay exponentially. */

import type { Content, GeneratorKind } from '../content.ts';
import { addNoise } from './photons.ts';

export interface TraceParams {
  /** Mean number of pulses per trace (the last dimension of the array). */
  pulses: number;
  /** Mean height of a pulse; heights are uniform between half of it and one and a half. */
  amplitude: number;
  baseline: number;
  noise: number;
  /** Samples in which a pulse falls to 1/e. */
  decay: number;
}

/** Below this part of its height a pulse is over. */
const TAIL = 1e-3;

export function traceOf(params: TraceParams): Content {
  const { pulses, amplitude, baseline, noise, decay } = params;
  const reach = Math.ceil(-Math.log(TAIL) * decay);
  return {
    generator: 'trace',
    params: { ...params },
    type: 'UINT16',
    ranks: 'array',
    frame(random, into, shape) {
      addNoise(random, into, baseline, noise);
      const samples = shape.at(-1) ?? into.length;
      let count = 0;
      for (let start = 0; samples > 0 && start < into.length; start += samples) {
        for (let left = random.poisson(pulses); left > 0; left--, count++) {
          const first = random.below(samples);
          const height = amplitude * (0.5 + random.unit());
          for (let i = first; i < Math.min(samples, first + reach); i++) {
            into[start + i] = into[start + i]! + height * Math.exp((first - i) / decay);
          }
        }
      }
      return count;
    },
  };
}

export const trace: GeneratorKind = {
  name: 'trace',
  summary: 'arrays: noisy baselines with a Poisson number of decaying pulses',
  keys: 'pulses, amplitude, baseline, noise, decay',
  read: (section) =>
    traceOf({
      pulses: section.number('pulses', 3, { min: 0, max: 1e6 }),
      amplitude: section.number('amplitude', 500),
      baseline: section.number('baseline', 2048),
      noise: section.number('noise', 4, { min: 0 }),
      decay: section.number('decay', 10, { min: 0.1, max: 1e6 }),
    }),
};
