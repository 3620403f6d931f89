/** `-x`: annotated hex of headers and fields. */

import { damageNames } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { DGRAM, TYPE, XTC, xtcTypeName } from '../xtc/layout.ts';
import { formatNamesId, formatVersion, type NamesBlock, namesIdOf } from '../xtc/names.ts';
import { groupNumbers, serviceName } from '../xtc/service.ts';
import type { ShapesData } from '../xtc/shapes-data.ts';
import { type Epoch, formatUtc } from '../xtc/time.ts';
import type { Visitor, Walker } from '../xtc/walk.ts';
import { typeText, valueText } from './values.ts';

/** Bytes of one piece that are shown; the rest is counted. */
const SHOWN = 32;
const PER_LINE = 16;

/** A visitor that collects the annotated bytes of one dgram. */
export class Hex {
  readonly visitor: Visitor;
  private readonly walker: Walker;
  private readonly epoch: Epoch;
  private dgram!: Dgram;
  private lines: string[] = [];

  constructor(walker: Walker, epoch: Epoch) {
    this.walker = walker;
    this.epoch = epoch;
    this.visitor = {
      parent: (start, _end, hidden) => this.xtcHeader(start, hidden ? 'contributor, hidden' : 'contributor'),
      header: (start, type, names) => this.xtcHeader(start, xtcTypeName(type), names),
      names: (names, start, end) => this.namesPayload(names, start, end),
      data: (block) => this.data(block),
    };
  }

  begin(dgram: Dgram): void {
    this.dgram = dgram;
    this.lines = [];
    const at = dgram.start;
    const { env } = dgram;
    this.piece(at + DGRAM.nsec, 8, `time ${formatUtc(dgram.sec, dgram.nsec, this.epoch)}`);
    this.piece(
      at + DGRAM.env,
      4,
      `env: ${serviceName(dgram.service)}, groups ${groupNumbers(env & 0xffff).join(' ') || '-'}`,
    );
    this.xtcHeader(at + DGRAM.xtc, 'root');
  }

  end(): string[] {
    return this.lines;
  }

  private xtcHeader(start: number, what: string, names?: NamesBlock): void {
    const { view } = this.dgram;
    const src = view.getUint32(start + XTC.src, true);
    const damage = damageNames(view.getUint16(start + XTC.damage, true)).join(',');
    const type = view.getUint16(start + XTC.typeId, true);
    const extent = view.getUint32(start + XTC.extent, true);
    const described = (type & 0xfff) === TYPE.Names || (type & 0xfff) === TYPE.ShapesData;
    const id = described ? `names id ${formatNamesId(namesIdOf(src))}` : `src ${src >>> 28}:${namesIdOf(src)}`;
    const who = names ? ` ${names.detName}_${names.segment} ${names.alg}` : '';
    this.piece(
      start,
      XTC.size,
      `${what}${who}: ${id}, damage ${damage || '-'}, type ${xtcTypeName(type & 0xfff)}, extent ${extent}`,
    );
  }

  private namesPayload(names: NamesBlock, start: number, end: number): void {
    const what = `${names.detName}_${names.segment} ${names.alg} ${formatVersion(names.version)}, ${names.fields.length} fields`;
    this.piece(start + XTC.size, end - start - XTC.size, `description: ${what}`);
  }

  /** Shapes and Data, in the order of the file. */
  private data(block: ShapesData): void {
    const [shapes] = block.shapesRange;
    const shapesFirst = shapes < block.dataHeader;
    if (shapesFirst) this.shapes(block);
    this.xtcHeader(block.dataHeader, 'Data');
    for (const field of block.names.fields) {
      if (field.index >= block.count) break;
      const value = valueText(block, field, this.walker.table, 4);
      this.piece(
        block.at(field.index),
        block.byteLength(field.index),
        `${field.name} ${typeText(block, field)} = ${value}`,
      );
    }
    if (!shapesFirst) this.shapes(block);
  }

  private shapes(block: ShapesData): void {
    const [start, end] = block.shapesRange;
    if (end === 0) return;
    this.xtcHeader(start - XTC.size, 'Shapes');
    if (end > start) this.piece(start, end - start, 'shapes');
  }

  /** One annotated run of bytes; long ones are cut and counted. */
  private piece(start: number, size: number, note: string): void {
    const { bytes, offset, start: origin } = this.dgram;
    const shown = Math.min(size, SHOWN);
    for (let at = 0; at < Math.max(shown, 1); at += PER_LINE) {
      const run = bytes.subarray(start + at, start + Math.min(at + PER_LINE, shown));
      const hex = run.toString('hex').replace(/(..)(?=.)/g, '$1 ');
      const text = at === 0 ? note : '';
      this.lines.push(
        `  ${String(offset + start - origin + at).padStart(12)}  ${hex.padEnd(PER_LINE * 3 - 1)}  ${text}`.trimEnd(),
      );
    }
    if (size > shown) this.lines.push(`  ${''.padStart(12)}  ... ${size - shown} more bytes`);
  }
}
