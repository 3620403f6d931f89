/**
 * Where the fields of a ShapesData block lie in its Data. Worked out once per description and set of dimensions: dimensions hardly
 * ever change from event to event, so the next block only compares them (measured: touching every field takes half the time).
 */

import { SHAPE_SIZE } from './layout.ts';

/** What a placement needs to know of a field. */
interface Placed {
  readonly type: number;
  readonly rank: number;
  readonly elementSize: number;
}

export class Placement {
  /** Position of each field in Data. */
  readonly offsets: number[];
  /** Bytes of each field. */
  readonly lengths: number[];
  /** Type code of each field. */
  readonly types: Uint8Array;
  /** Bytes of Data that all fields take together; valid if `known`. */
  total = 0;
  /** True if offsets and lengths hold for the dimensions below. */
  known = false;
  private readonly ranks: Uint8Array;
  private readonly dims: Uint32Array;

  constructor(fields: readonly Placed[]) {
    this.offsets = fields.map(() => 0);
    this.lengths = fields.map((field) => field.elementSize);
    this.types = Uint8Array.from(fields, (field) => Math.min(field.type, 255));
    const arrays = fields.filter((field) => field.rank > 0);
    this.ranks = Uint8Array.from(arrays, (field) => Math.min(field.rank, 255));
    this.dims = new Uint32Array(arrays.reduce((sum, field) => sum + Math.min(field.rank, 5), 0));
  }

  /** Whether the placement holds for a block with these Shapes. */
  fits(view: DataView, shapesAt: number): boolean {
    if (!this.known) return false;
    const { dims, ranks } = this;
    let k = 0;
    for (let a = 0; a < ranks.length; a++) {
      const at = shapesAt + a * SHAPE_SIZE;
      for (let d = 0; d < ranks[a]!; d++) if (view.getUint32(at + 4 * d, true) !== dims[k++]) return false;
    }
    return true;
  }

  /** Takes over a placement that has been worked out completely for these Shapes. */
  keep(view: DataView, shapesAt: number, total: number): void {
    let k = 0;
    for (let a = 0; a < this.ranks.length; a++) {
      const at = shapesAt + a * SHAPE_SIZE;
      for (let d = 0; d < this.ranks[a]!; d++) this.dims[k++] = view.getUint32(at + 4 * d, true);
    }
    this.total = total;
    this.known = true;
  }
}
