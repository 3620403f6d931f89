/** `--decode`: compressed blobs become plain ones on their way, for workers that cannot decode (spec mapreduce.md 7, bslz4). */

import { decodeBslz4 } from '../frames/bslz4.ts';
import { BadBlock } from '../frames/lz4.ts';
import { headerOf } from './json.ts';
import type { SourceFrame } from './types.ts';

const SIZES: Readonly<Record<string, number>> = {
  ...{ uint8: 1, int8: 1, uint16: 2, int16: 2, uint32: 4, int32: 4, uint64: 8, int64: 8 },
  ...{ float32: 4, float64: 8 },
};
const COMPRESSION = /("compression"\s*:\s*)"bslz4"/;
/** Of one decoded blob. */
const LARGEST = 2 ** 31;

export class Unpacker {
  readonly counts = { decoded: 0, undecodable: 0 };

  /** The frame with plain blobs; as it was if it is not compressed, or cannot be decoded. */
  unpack(frame: SourceFrame): SourceFrame {
    const [part, ...blobs] = frame.frames;
    if (frame.mark !== 'data' || part === undefined) return frame;
    const header = headerOf(part);
    if (header?.compression !== 'bslz4') return frame;
    const size = SIZES[String(header.type)];
    const elements = elementsOf(header.shape);
    try {
      if (size === undefined || elements === undefined || elements * size > LARGEST)
        throw new BadBlock('no shape and type');
      const plain = blobs.map((blob) => Buffer.from(decodeBslz4(blob, elements, size).buffer));
      this.counts.decoded++;
      return { ...frame, frames: [Buffer.from(part.toString().replace(COMPRESSION, '$1"none"')), ...plain] };
    } catch (error) {
      if (!(error instanceof BadBlock)) throw error;
      this.counts.undecodable++;
      return frame;
    }
  }
}

function elementsOf(shape: unknown): number | undefined {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0)) return undefined;
  return (shape as number[]).reduce((product, length) => product * length, 1);
}
