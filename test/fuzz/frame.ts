/** All dgrams of bytes in memory, fed in pieces as a pipe or a file would. */

import type { Dgram } from '../../lib/xtc/dgram.ts';
import type { Finding } from '../../lib/xtc/finding.ts';
import { Framer, type FramerOptions, STEP } from '../../lib/xtc/framer.ts';

export interface Feed extends FramerOptions {
  /** Bytes that come at once. Default: as many as there is space for. */
  piece?: number;
}

/** Frames `input`; `use` sees every dgram while its memory is valid. */
export function frame(input: Buffer, options: Feed, use: (dgram: Dgram) => void = () => {}): Finding[] {
  const { piece = Number.POSITIVE_INFINITY, ...rest } = options;
  const framer = new Framer(rest);
  let at = 0;
  for (;;) {
    switch (framer.next()) {
      case STEP.dgram:
        use(framer.dgram);
        break;
      case STEP.need: {
        const bytes = input.copy(framer.space().subarray(0, piece), 0, at);
        at += bytes;
        if (bytes === 0) framer.finish();
        else framer.filled(bytes);
        break;
      }
      case STEP.skip: {
        const bytes = Math.min(framer.toSkip, input.length - at);
        at += bytes;
        if (framer.skipped(bytes)) use(framer.dgram);
        break;
      }
      default:
        return framer.findings;
    }
  }
}
