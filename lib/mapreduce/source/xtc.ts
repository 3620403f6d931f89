/**
 * xtc: dgrams of an XTC2 stream; each L1Accept is one frame, and the series goes from Configure to EndRun (spec mapreduce.md 12).
 * A message is one dgram.
 */

import { Dgram } from '../../xtc/dgram.ts';
import { DGRAM } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import { BAD, frames, type Protocol, type Reading, SKIPPED } from './types.ts';

const TYP = 'XTC2';

export class Xtc implements Protocol {
  /** A further run of the same configuration starts with this dgram, in the next map too if the stream goes on. */
  #configure: Buffer | undefined;
  #runs = 0;

  read([bytes]: readonly Buffer[]): Reading {
    if (bytes === undefined || bytes.length < DGRAM.size) return BAD;
    switch (new Dgram(bytes).service) {
      case SERVICE.Configure:
        this.#configure = bytes;
        this.#runs = 0;
        return frames({ typ: TYP, frames: [bytes], mark: 'start' });
      case SERVICE.BeginRun:
        if (this.#configure === undefined || this.#runs++ === 0) return SKIPPED;
        return frames({ typ: TYP, frames: [this.#configure], mark: 'start' });
      case SERVICE.L1Accept:
        return frames({ typ: TYP, frames: [bytes], mark: 'data' });
      case SERVICE.EndRun:
        return frames({ typ: TYP, frames: [bytes], mark: 'end' });
      default:
        return SKIPPED;
    }
  }

  forget(): void {}
}
