/**
 * Dgrams of constant layout, made once and then copied and patched: for producers that write the same kind of dgram again and
 * again. `DgramWriter` needs microseconds for a dgram with a few fields; copying a template and writing its fields needs a tenth.
 *
 *     const builder = new TemplateBuilder();
 *     builder.begin(src);
 *     const block = builder.block(names, [undefined, [512, 512]]);   // shapes by field; undefined for scalars
 *     const { bytes } = builder.finish();
 *     out.set(bytes, at);  view.setFloat64(at + block.fields[0], 1.5, true);
 *
 * A field may be a hole: it counts in every extent, but its bytes are not in the template. Whoever writes the dgram puts them in
 * between, so that a large array need not be copied.
 */

import { DataError } from '../errors.ts';
import { viewOf } from './dgram.ts';
import { DGRAM, fieldTypeName, MAX_EXTENT, SHAPE_SIZE, TYPE, XTC } from './layout.ts';
import type { NamesBlock } from './names.ts';

/** Bytes that are left out of the template at position `at` of it. */
export interface Hole {
  at: number;
  size: number;
}

export interface DgramTemplate {
  /** Everything but the holes; time, env, damage and fields are zero. */
  readonly bytes: Buffer;
  /** Total size of the dgram, holes included. */
  readonly size: number;
  readonly holes: readonly Hole[];
}

/** Positions in the template's bytes. */
export interface BlockPlace {
  /** ShapesData header. */
  header: number;
  /** Data header. */
  data: number;
  /** By field: where its value starts. For a hole, where it is to be put in. */
  fields: readonly number[];
}

interface OpenContainer {
  at: number;
  /** Logical start, holes counted. */
  start: number;
}

export class TemplateBuilder {
  private bytes = Buffer.alloc(1024);
  private view = viewOf(this.bytes);
  private used = 0;
  private left = 0;
  private holes: Hole[] = [];
  private readonly open: OpenContainer[] = [];

  /** @param src whole src word of the root, level in bits 31:28 */
  begin(src = 0): void {
    this.bytes.fill(0, 0, this.used);
    this.used = 0;
    this.left = 0;
    this.holes = [];
    this.open.length = 0;
    this.grow(DGRAM.xtc);
    this.container(src, TYPE.Parent);
  }

  /** Opens a nested Parent (a contributor). @returns position of its header */
  beginParent(src: number): number {
    return this.container(src, TYPE.Parent);
  }

  endParent(): void {
    this.close();
  }

  /**
   * Appends a ShapesData block: Shapes, then Data.
   * @param shapes by field: dimensions of arrays, undefined for scalars
   * @param isHole by field: true if its bytes are to be put in by whoever writes the dgram
   * @throws DataError `bad-value` if a shape does not fit its field's rank
   */
  block(names: NamesBlock, shapes: readonly (readonly number[] | undefined)[], isHole = noHoles): BlockPlace {
    const header = this.container(names.id, TYPE.ShapesData);
    this.container(0, TYPE.Shapes);
    for (const field of names.fields) {
      const shape = shapes[field.index] ?? [];
      if (shape.length !== field.rank) {
        throw new DataError('bad-value', `field ${field.name} (${fieldTypeName(field.type)}) has rank ${field.rank}`, {
          place: { key: field.name },
        });
      }
      if (field.rank === 0) continue;
      const at = this.grow(SHAPE_SIZE);
      shape.forEach((dim, d) => {
        this.view.setUint32(at + 4 * d, dim, true);
      });
    }
    this.close();
    const data = this.container(0, TYPE.Data);
    const fields = names.fields.map((field) => {
      const size = (shapes[field.index] ?? []).reduce((product, dim) => product * dim, field.elementSize);
      if (!isHole(field.index)) return this.grow(size);
      this.holes.push({ at: this.used, size });
      this.left += size;
      return this.used;
    });
    this.close();
    this.close();
    return { header, data, fields };
  }

  /** @throws DataError `dgram-overflow` if an extent cannot say the size */
  finish(): DgramTemplate {
    this.close();
    return { bytes: Buffer.from(this.bytes.subarray(0, this.used)), size: this.used + this.left, holes: this.holes };
  }

  private container(src: number, type: number): number {
    const start = this.used + this.left;
    const at = this.grow(XTC.size);
    this.view.setUint32(at + XTC.src, src, true);
    this.view.setUint16(at + XTC.typeId, type, true);
    this.open.push({ at, start });
    return at;
  }

  private close(): void {
    const { at, start } = this.open.pop()!;
    const extent = this.used + this.left - start;
    if (extent > MAX_EXTENT) {
      throw new DataError('dgram-overflow', `a container of ${extent} bytes is more than an extent can say`);
    }
    this.view.setUint32(at + XTC.extent, extent, true);
  }

  /** Makes room for zeroed bytes and returns where. */
  private grow(more: number): number {
    const at = this.used;
    if (at + more > MAX_EXTENT) throw new DataError('dgram-overflow', `a template of ${at + more} bytes is too large`);
    if (at + more > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(at + more, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
      this.view = viewOf(grown);
    }
    this.used = at + more;
    return at;
  }
}

const noHoles = (_field: number): boolean => false;
