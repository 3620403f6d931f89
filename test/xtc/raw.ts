/** Dgrams put together byte by byte, sound or not: tests must not lean on the writer that they test. */

import { Dgram } from '../../lib/xtc/dgram.ts';
import type { FindingCode } from '../../lib/xtc/finding.ts';
import type { NamesBlock } from '../../lib/xtc/names.ts';
import { Walker, type WalkOptions } from '../../lib/xtc/walk.ts';

export const PARENT = 0;
export const SHAPES_DATA = 1;
export const SHAPES = 2;
export const DATA = 3;
export const NAMES = 4;

export const CONFIGURE = 2;
export const ENABLE = 8;
export const SLOW_UPDATE = 10;
export const L1ACCEPT = 12;

export const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  return bytes;
};

interface XtcParts {
  src?: number;
  damage?: number;
  /** Instead of the right one. */
  extent?: number;
}

/** An Xtc with its payload. */
export function xtc(
  type: number,
  payload: Buffer = Buffer.alloc(0),
  { src = 0, damage = 0, extent }: XtcParts = {},
): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(src, 0);
  header.writeUInt16LE(damage, 4);
  header.writeUInt16LE(type, 6);
  header.writeUInt32LE(extent ?? 12 + payload.length, 8);
  return Buffer.concat([header, payload]);
}

interface DgramParts extends XtcParts {
  sec?: number;
  nsec?: number;
  service?: number;
  env?: number;
  type?: number;
}

/** A whole dgram. */
export function dgram(parts: DgramParts = {}, ...children: Buffer[]): Buffer {
  const { sec = 1, nsec = 0, service = L1ACCEPT, type = PARENT } = parts;
  return Buffer.concat([u32(nsec, sec, parts.env ?? (service << 24) >>> 0), xtc(type, Buffer.concat(children), parts)]);
}

export interface RawField {
  name: string;
  /** Type code. */
  type: number;
  rank?: number;
}

interface NamesParts {
  id?: number;
  det?: string;
  alg?: string;
  segment?: number;
  numArrays?: number;
}

function text(value: string): Buffer {
  const slot = Buffer.alloc(256);
  slot.write(value, 'latin1');
  return slot;
}

/** A Names block. */
export function names(
  fields: readonly RawField[],
  { id = 0x100, det = 'det', alg = 'raw', segment = 0, numArrays }: NamesParts = {},
): Buffer {
  const arrays = numArrays ?? fields.filter(({ rank = 0 }) => rank > 0).length;
  const info = Buffer.concat([u32(arrays), text('type'), text(det), text(''), text(alg), u32(0x010203, segment)]);
  const records = fields.map(({ name, type, rank = 0 }) =>
    Buffer.concat([text(''), u32(0), text(name), u32(type, rank)]),
  );
  return xtc(NAMES, Buffer.concat([info, ...records]), { src: id });
}

/** Shapes from lists of up to five dimensions; the unused slots hold garbage, as in real files. */
export function shapes(...dims: number[][]): Buffer {
  return xtc(
    SHAPES,
    Buffer.concat(dims.map((list) => u32(...list, ...Array<number>(5 - list.length).fill(0xabababab)))),
  );
}

export const data = (...parts: Buffer[]) => xtc(DATA, Buffer.concat(parts));

export const shapesData = (children: readonly Buffer[], id = 0x100, damage = 0) =>
  xtc(SHAPES_DATA, Buffer.concat(children), { src: id, damage });

/** What a walk over a stream delivers. */
export interface Walked {
  /** `code@offset`, offsets within the stream. */
  findings: string[];
  /** Every delivered block: field name to value text. */
  blocks: Record<string, string>[];
  names: NamesBlock[];
  parents: number;
}

/** Walks whole dgrams one after the other. */
export function walkAll(dgrams: readonly Buffer[], options: WalkOptions = {}, walker = new Walker(options)): Walked {
  const result: Walked = { findings: [], blocks: [], names: [], parents: 0 };
  const report = (code: FindingCode, offset: number) => void result.findings.push(`${code}@${offset}`);
  let offset = 0;
  dgrams.forEach((bytes, index) => {
    const one = new Dgram(bytes);
    one.offset = offset;
    one.index = index;
    offset += bytes.length;
    const visitor = {
      parent: () => void result.parents++,
      names: (block: NamesBlock) => void result.names.push(block),
      data: (block: Parameters<NonNullable<Parameters<Walker['walk']>[1]['data']>>[0]) => {
        const values: Record<string, string> = Object.create(null);
        for (const { index: i, name, rank, type } of block.names.fields.slice(0, block.count)) {
          if (type === 10 && rank === 1) values[name] = block.string(i);
          else if (rank > 0) values[name] = `[${block.shape(i)}]${block.fieldBytes(i).toString('hex')}`;
          else values[name] = type === 3 || type === 7 ? String(block.bigint(i)) : String(block.number(i));
        }
        result.blocks.push(values);
      },
    };
    walker.walk(one, visitor, report);
  });
  return result;
}
