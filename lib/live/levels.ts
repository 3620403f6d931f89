/** What transitions begin and end: Configure, run, step, enabled, one inside the other. */

import { SERVICE } from '../xtc/service.ts';

/** Level of Enable: inside it are events. */
export const ENABLED = 3;

/** By service: how deep a begin stands. */
const BEGINS: Readonly<Record<number, number>> = {
  [SERVICE.Configure]: 0,
  [SERVICE.BeginRun]: 1,
  [SERVICE.BeginStep]: 2,
  [SERVICE.Enable]: 3,
};
const ENDS: Readonly<Record<number, number>> = {
  [SERVICE.Unconfigure]: 0,
  [SERVICE.EndRun]: 1,
  [SERVICE.EndStep]: 2,
  [SERVICE.Disable]: 3,
};

/** 0 to 3 for a transition that begins something. */
export function beginLevel(service: number): number | undefined {
  return BEGINS[service];
}

/** 0 to 3 for a transition that ends what began at this level. */
export function endLevel(service: number): number | undefined {
  return ENDS[service];
}
