/** Experiment and run number from the `runinfo` of a BeginRun, as the existing system writes it. */

import type { Dgram } from './dgram.ts';
import { SERVICE } from './service.ts';
import type { Walker } from './walk.ts';

export interface RunInfo {
  readonly exp: string | undefined;
  readonly run: number | undefined;
}

/** Name of the detector that carries it. */
export const RUN_INFO = 'runinfo';

/** @param walker has walked the Configure. @returns nothing known for everything but a BeginRun with a runinfo */
export function readRunInfo(dgram: Dgram, walker: Walker): RunInfo {
  let exp: string | undefined;
  let run: number | undefined;
  if (dgram.service !== SERVICE.BeginRun) return { exp, run };
  walker.walk(dgram, {
    data: (block) => {
      if (block.names.detName !== RUN_INFO) return;
      for (const { name, index } of block.names.fields.slice(0, block.count)) {
        if (name === 'expt') exp = block.string(index) || undefined;
        else if (name === 'runnum') run = block.number(index);
      }
    },
  });
  return { exp, run };
}
