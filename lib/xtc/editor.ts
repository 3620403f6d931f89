/**
 * Editing dgrams: blocks out, blocks in, header fields changed, everything else copied byte for byte with right extents all the
 * way up (spec xtc2.md, section 20). Nested Parents are kept.
 */

import { DataError } from '../errors.ts';
import { type Dgram, viewOf } from './dgram.ts';
import { checkHeaderNumbers } from './header-numbers.ts';
import { DGRAM, MAX_EXTENT, TYPE, XTC } from './layout.ts';
import { isNamesPayloadSize, type NamesBlock, type NamesTable, namesIdOf, parseNames } from './names.ts';
import { withService } from './service.ts';

export interface DgramEdit {
  sec?: number;
  nsec?: number;
  /** Transition id 0..15. */
  service?: number;
  /** Replaces the root's damage word. */
  damage?: number;
  /** Blocks (Names and ShapesData) of these descriptions are left out. */
  remove?: (names: NamesBlock) => boolean;
  /** Finished children (Names, ShapesData) to append at the end of the root; from `DgramWriter`, or copied. */
  append?: readonly Uint8Array[];
}

/**
 * An edited copy of a dgram. Broken containers are copied as they are: what cannot be understood is not touched.
 * @param table the descriptions that hold for this dgram; Names inside the dgram itself are honoured as well
 * @throws DataError `dgram-overflow` if the result is larger than an extent can say, `bad-header` for numbers that do not fit
 */
export function editDgram(dgram: Dgram, edit: DgramEdit, table?: NamesTable): Buffer {
  checkHeaderNumbers(edit);
  const appended = (edit.append ?? []).reduce((sum, child) => sum + child.length, 0);
  if (dgram.size + appended > MAX_EXTENT + 12) {
    throw new DataError('dgram-overflow', `the edited dgram would have ${dgram.size + appended} bytes`, {
      place: { dgram: dgram.index, offset: dgram.offset },
    });
  }
  const out = Buffer.alloc(dgram.size + appended);
  dgram.bytes.copy(out, 0, dgram.start, dgram.payloadStart);
  let used: number = DGRAM.size;
  if (edit.remove) {
    const removal = new Removal(dgram, edit.remove, table, out);
    used = removal.copy(dgram.payloadStart, dgram.end, used);
  } else {
    used += dgram.bytes.copy(out, used, dgram.payloadStart, dgram.end);
  }
  for (const child of edit.append ?? []) {
    out.set(child, used);
    used += child.length;
  }
  const result = out.subarray(0, used);
  result.writeUInt32LE(used - 12, DGRAM.extent);
  editHeader(result, edit);
  return result;
}

/**
 * Changes time, service and damage of a dgram in place, and nothing else.
 * @throws DataError `bad-header` for numbers that do not fit, before anything is changed
 */
export function editHeader(bytes: Buffer, edit: Pick<DgramEdit, 'sec' | 'nsec' | 'service' | 'damage'>): void {
  checkHeaderNumbers(edit);
  if (edit.sec !== undefined) bytes.writeUInt32LE(edit.sec, DGRAM.sec);
  if (edit.nsec !== undefined) bytes.writeUInt32LE(edit.nsec, DGRAM.nsec);
  if (edit.damage !== undefined) bytes.writeUInt16LE(edit.damage, DGRAM.damage);
  if (edit.service !== undefined) {
    bytes.writeUInt32LE(withService(bytes.readUInt32LE(DGRAM.env), edit.service), DGRAM.env);
  }
}

class Removal {
  private readonly dgram: Dgram;
  private readonly remove: (names: NamesBlock) => boolean;
  private readonly table: NamesTable | undefined;
  private readonly own = new Map<number, NamesBlock>();
  private readonly out: Buffer;

  constructor(dgram: Dgram, remove: (names: NamesBlock) => boolean, table: NamesTable | undefined, out: Buffer) {
    this.dgram = dgram;
    this.remove = remove;
    this.table = table;
    this.out = out;
  }

  /** Copies the children of `from..end` that stay to `out` at `to`; returns the position behind them. */
  copy(from: number, end: number, to: number): number {
    const { view, bytes } = this.dgram;
    // Parents under way: where their input ends and where their copy starts. A stack of our own, as in the walk.
    const outer: { stop: number; copy: number }[] = [];
    let at = from;
    let stop = end;
    let used = to;
    for (;;) {
      while (at >= stop) {
        const parent = outer.pop();
        if (!parent) return used;
        this.out.writeUInt32LE(used - parent.copy, parent.copy + XTC.extent);
        stop = parent.stop;
      }
      const extent = stop - at < XTC.size ? 0 : view.getUint32(at + XTC.extent, true);
      if (extent < XTC.size || extent > stop - at) {
        used += bytes.copy(this.out, used, at, stop);
        at = stop;
        continue;
      }
      const type = view.getUint16(at + XTC.typeId, true) & 0xfff;
      if (type === TYPE.Parent) {
        outer.push({ stop, copy: used });
        stop = at + extent;
        used += bytes.copy(this.out, used, at, at + XTC.size);
        at += XTC.size;
        continue;
      }
      if (!this.unwanted(type, at, at + extent)) used += bytes.copy(this.out, used, at, at + extent);
      at += extent;
    }
  }

  private unwanted(type: number, start: number, end: number): boolean {
    if (type !== TYPE.Names && type !== TYPE.ShapesData) return false;
    const id = namesIdOf(this.dgram.view.getUint32(start + XTC.src, true));
    if (type === TYPE.Names && isNamesPayloadSize(end - start - XTC.size)) {
      this.own.set(id, parseNames(this.dgram.bytes, id, start + XTC.size, end));
    }
    const names = this.own.get(id) ?? this.table?.get(id);
    return names !== undefined && this.remove(names);
  }
}

/** The bytes of children that a writer callback produces, for `DgramEdit.append`. */
export function childrenOf(dgram: Buffer): Uint8Array {
  return Buffer.from(dgram.subarray(DGRAM.size, 12 + viewOf(dgram).getUint32(DGRAM.extent, true)));
}
