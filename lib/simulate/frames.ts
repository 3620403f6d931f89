/** Pools of frames: arrays made beforehand, of which every event takes one. */

import type { NumberType } from '../xtc/layout.ts';
import type { Content } from './content.ts';
import { packElements } from './elements.ts';
import { Random } from './random.ts';

export interface FrameSpec {
  content: Content;
  type: NumberType;
  shape: readonly number[];
  /** Frames in the pool; 0 makes a new one for every event. */
  pool: number;
  seed: number;
  /** Names the sequence of random numbers. */
  path: readonly (string | number)[];
}

/** Frames are made one at a time, so all pools share it. */
let scratch = new Float64Array(0);

export class FramePool {
  /** What the content counted in the frame drawn last (photons, pulses). */
  count = 0;
  private readonly spec: FrameSpec;
  private readonly frames: Uint8Array[] = [];
  private readonly counts: number[] = [];
  private readonly choice: Random;
  private readonly elements: number;
  private drawn = 0;

  constructor(spec: FrameSpec) {
    this.spec = spec;
    this.choice = new Random(spec.seed, ...spec.path, 'choice');
    this.elements = spec.shape.reduce((product, dim) => product * dim, 1);
  }

  /** Stored bytes of the frame for the next event. They stay as they are: large ones are written without copying. */
  draw(): Uint8Array {
    const { pool } = this.spec;
    if (pool === 0) return this.make(this.drawn++);
    const index = pool === 1 ? 0 : this.choice.below(pool);
    const frame = this.frames[index];
    if (!frame) {
      this.frames[index] = this.make(index);
      this.counts[index] = this.count;
      return this.frames[index]!;
    }
    this.count = this.counts[index]!;
    return frame;
  }

  /** Frame `index` is the same whenever it is made. */
  private make(index: number): Uint8Array {
    const { content, type, shape, seed, path } = this.spec;
    if (scratch.length < this.elements) scratch = new Float64Array(this.elements);
    const values = scratch.subarray(0, this.elements);
    this.count = content.frame!(new Random(seed, ...path, index), values, shape);
    return packElements(type, values);
  }
}
