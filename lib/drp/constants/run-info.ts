/** Experiment and run number from the `runinfo` of a BeginRun (spec xtc2.md; written by the existing system). */

import type { Dgram } from '../../xtc/dgram.ts';
import { SERVICE } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import type { RunInfo } from './arrivals.ts';

const DETECTOR = 'runinfo';

export class RunInfoReader {
  private readonly walker = new Walker();

  /** To be shown every Configure and BeginRun. */
  read(dgram: Dgram): RunInfo {
    const found: RunInfo = { exp: undefined, run: undefined };
    if (dgram.service !== SERVICE.Configure && dgram.service !== SERVICE.BeginRun) return found;
    this.walker.walk(dgram, {
      data: (block) => {
        if (block.names.detName !== DETECTOR || dgram.service !== SERVICE.BeginRun) return;
        for (const { name, index } of block.names.fields.slice(0, block.count)) {
          if (name === 'expt') found.exp = block.string(index);
          else if (name === 'runnum') found.run = block.number(index);
        }
      },
    });
    return found;
  }
}
