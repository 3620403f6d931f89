/** Snapshots as numpy reads them: `.npy`, one array, and `.npz`, an uncompressed zip of them. Pure. */

import { crc32 } from 'node:zlib';
import { DataError } from '../../errors.ts';
import { DTYPES, npyHeader } from '../../npy.ts';
import { ofTrueWidth, type Part } from './parts.ts';
import { attributesOf, outputParts, type Snapshot } from './snapshot.ts';

/** The one output of a snapshot. @throws DataError `graph-snapshot` if it is a map, or not the only one */
export function npyPieces(snapshot: Snapshot): Buffer[] {
  const parts = outputParts(snapshot);
  if (parts.length !== 1)
    throw new DataError('graph-snapshot', `.npy holds one array, and these are ${parts.length}: write .npz`);
  return arrayPieces(parts[0]!);
}

/** `np.load(file)['avg.mean']`; heartbeat, included, missing and so on stand beside the outputs. */
export function npzPieces(snapshot: Snapshot): Buffer[] {
  const attributes = Object.entries(attributesOf(snapshot)).map(([name, value]) => attributePart(name, value));
  const zip = new Zip();
  for (const part of [...outputParts(snapshot), ...attributes]) zip.add(`${part.name}.npy`, arrayPieces(part));
  return zip.end();
}

function attributePart(name: string, value: number | string | number[]): Part {
  if (typeof value === 'string') return { name, shape: [], kind: 'texts', texts: [value] };
  const shape = Array.isArray(value) ? [value.length] : [];
  return { name, shape, kind: 'numbers', array: { dtype: 'int64', data: Float64Array.from([value].flat()) } };
}

function arrayPieces(part: Part): Buffer[] {
  if (part.kind === 'texts') return textPieces(part.texts, part.shape);
  const { dtype, array } = ofTrueWidth(part.array);
  return [npyHeader(DTYPES[dtype]!, part.shape), Buffer.from(array.buffer, array.byteOffset, array.byteLength)];
}

/** Texts as numpy holds them: code points of four bytes, all as long as the longest. */
function textPieces(texts: readonly string[], shape: readonly number[]): Buffer[] {
  const points = texts.map((text) => Uint32Array.from(text, (character) => character.codePointAt(0)!));
  const longest = points.reduce((most, { length }) => Math.max(most, length), 1);
  const contents = new Uint32Array(longest * texts.length);
  for (const [i, text] of points.entries()) contents.set(text, i * longest);
  return [npyHeader(`<U${longest}`, shape), Buffer.from(contents.buffer)];
}

const LOCAL_HEADER = 30;
const CENTRAL_HEADER = 46;
const END_RECORD = 22;
/** Version 2.0, names in UTF-8, stored as it is; the time is the earliest that the format has. */
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const FIRST_DAY = 0x21;
const MOST = 0xffff_fffe;

/** An uncompressed zip file (APPNOTE of PKWARE), without its extension for files above 4 GiB. */
class Zip {
  readonly #pieces: Buffer[] = [];
  readonly #central: Buffer[] = [];
  #offset = 0;

  add(name: string, pieces: readonly Buffer[]): void {
    const named = Buffer.from(name);
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.#offset + size > MOST)
      throw new DataError(
        'graph-snapshot',
        'outputs of more than 4 GiB do not go into .npz: write .h5, or choose with --names',
      );
    // The checksum of nothing would be 0, whatever came before.
    const crc = pieces.reduce((sum, piece) => (piece.length > 0 ? crc32(piece, sum) : sum), 0);
    // The local and the central header have these fields in common.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(VERSION, 0);
    common.writeUInt16LE(UTF8_NAMES, 2);
    common.writeUInt16LE(FIRST_DAY, 8);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(size, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(named.length, 22);
    const local = Buffer.alloc(LOCAL_HEADER);
    local.write('PK\x03\x04', 'latin1');
    common.copy(local, 4);
    const central = Buffer.alloc(CENTRAL_HEADER);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(VERSION, 4);
    common.copy(central, 6);
    central.writeUInt32LE(this.#offset, 42);
    this.#central.push(central, named);
    this.#put([local, named, ...pieces]);
  }

  end(): Buffer[] {
    const start = this.#offset;
    const entries = this.#central.length / 2;
    this.#put(this.#central);
    const record = Buffer.alloc(END_RECORD);
    record.write('PK\x05\x06', 'latin1');
    record.writeUInt16LE(entries, 8);
    record.writeUInt16LE(entries, 10);
    record.writeUInt32LE(this.#offset - start, 12);
    record.writeUInt32LE(start, 16);
    return [...this.#pieces, record];
  }

  #put(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#offset += piece.length;
    }
  }
}
