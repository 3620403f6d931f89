/**
 * Mutants of dgram files. Structure-aware ones change a word that has a meaning (extents, types, ids, ranks, dimensions, damage, env);
 * blind ones flip bits, cut, splice and duplicate bytes anywhere.
 */

import { DGRAM, NAME, NAME_INFO, SHAPE_SIZE, TYPE, XTC } from '../../lib/xtc/layout.ts';
import type { Random } from './random.ts';

type Kind =
  | 'time'
  | 'env'
  | 'src'
  | 'damage'
  | 'typeId'
  | 'extent'
  | 'numArrays'
  | 'text'
  | 'fieldType'
  | 'rank'
  | 'dim'
  | 'value';

interface Spot {
  at: number;
  size: 1 | 2 | 4;
  kind: Kind;
}

/** A file to start from, and where its meaningful words are. */
export interface Seed {
  bytes: Buffer;
  spots: Spot[];
}

/** Finds the meaningful words of a sound file. */
export function seedOf(bytes: Buffer): Seed {
  const spots: Spot[] = [];
  for (let at = 0; at + DGRAM.size <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32LE(at + DGRAM.extent);
    if (end > bytes.length) break;
    spots.push({ at: at + DGRAM.nsec, size: 4, kind: 'time' }, { at: at + DGRAM.sec, size: 4, kind: 'time' });
    spots.push({ at: at + DGRAM.env, size: 4, kind: 'env' });
    xtcSpots(bytes, at + DGRAM.xtc, end, spots);
    at = end;
  }
  return { bytes, spots };
}

function xtcSpots(bytes: Buffer, at: number, end: number, spots: Spot[]): void {
  spots.push({ at, size: 4, kind: 'src' }, { at: at + XTC.damage, size: 2, kind: 'damage' });
  spots.push({ at: at + XTC.typeId, size: 2, kind: 'typeId' }, { at: at + XTC.extent, size: 4, kind: 'extent' });
  const type = bytes.readUInt16LE(at + XTC.typeId) & 0xfff;
  const payload = at + XTC.size;
  if (type === TYPE.Names) return namesSpots(payload, end, spots);
  if (type === TYPE.Shapes) {
    for (let dim = payload; dim + 4 <= end; dim += 4) spots.push({ at: dim, size: 4, kind: 'dim' });
    return;
  }
  if (type === TYPE.Data) {
    for (let value = payload; value < Math.min(end, payload + 64); value += 4)
      spots.push({ at: value, size: 1, kind: 'value' });
    return;
  }
  for (let child = payload; child + XTC.size <= end; ) {
    const extent = bytes.readUInt32LE(child + XTC.extent);
    xtcSpots(bytes, child, child + extent, spots);
    child += extent;
  }
}

function namesSpots(payload: number, end: number, spots: Spot[]): void {
  spots.push({ at: payload + NAME_INFO.numArrays, size: 4, kind: 'numArrays' });
  for (const text of [NAME_INFO.detType, NAME_INFO.detName, NAME_INFO.detId, NAME_INFO.alg, NAME_INFO.segment]) {
    spots.push({ at: payload + text, size: 1, kind: 'text' });
  }
  for (let record = payload + NAME_INFO.size; record + NAME.size <= end; record += NAME.size) {
    spots.push({ at: record + NAME.name, size: 1, kind: 'text' });
    spots.push(
      { at: record + NAME.type, size: 4, kind: 'fieldType' },
      { at: record + NAME.rank, size: 4, kind: 'rank' },
    );
  }
}

const EDGES = [0, 1, 2, 3, 4, 5, 11, 12, 13, 24, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0xffff, 0x10000];
const LARGE = [0x3fffff4, 0x7ffffff3, 0x7fffffff, 0x80000000, 0xfffffff4, 0xffffffff];

/** A new value for a meaningful word: an edge, a neighbour of what was there, something large, or anything. */
function newValue(old: number, { kind, size }: Spot, random: Random): number {
  const limit = size === 1 ? 0xff : size === 2 ? 0xffff : 0xffffffff;
  if (kind === 'env' && random.oneIn(2)) return ((old & 0xf0ffffff) | (random.below(16) << 24)) >>> 0;
  if (kind === 'damage' && random.oneIn(2)) return 1 << random.below(16);
  if ((kind === 'fieldType' || kind === 'rank' || kind === 'typeId') && random.oneIn(2)) return random.below(16);
  if (kind === 'extent' && random.oneIn(4)) return Math.min(limit, old + SHAPE_SIZE * (random.below(5) - 2)) >>> 0;
  switch (random.below(4)) {
    case 0:
      return random.pick(EDGES) & limit;
    case 1:
      return (random.pick(LARGE) & limit) >>> 0;
    case 2:
      return ((old + random.below(9) - 4) & limit) >>> 0;
    default:
      return (random.bits() & limit) >>> 0;
  }
}

function changeWord(bytes: Buffer, seed: Seed, random: Random): void {
  const spot = random.pick(seed.spots);
  if (spot.at + spot.size > bytes.length) return;
  bytes.writeUIntLE(newValue(bytes.readUIntLE(spot.at, spot.size), spot, random), spot.at, spot.size);
}

function blind(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const length = random.below(Math.min(200, bytes.length) + 1);
  switch (random.below(6)) {
    case 0:
      for (let n = random.below(8) + 1; n > 0 && bytes.length > 0; n--) {
        bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      }
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at + length, bytes.length))]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - length))]);
    case 4: {
      const from = random.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + length), bytes.subarray(at)]);
    }
    default:
      return Buffer.from(bytes.fill(random.oneIn(2) ? 0 : 0xff, at, Math.min(at + length, bytes.length)));
  }
}

/** One mutant: one to four changes, most of them where they mean something. */
export function mutant(seed: Seed, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(seed.bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    if (random.oneIn(4)) bytes = blind(bytes, random);
    else changeWord(bytes, seed, random);
  }
  return bytes;
}
