/** Payloads of contributions, written (spec teb.md, sections 1.7 and 3.2). The deciders read them (decide/primitives.ts). */

const EVENT_CODE_WORDS = 9;
const BEAM = 0x80;

/** Codecs of a self-describing frame. */
export const TPRM_CODEC = { raw: 0, json: 1, pickle: 2, xtc: 3 } as const;
const TPRM_HEADER = 12;

/** TmoTebData, 8 bytes. */
export function tmoPrimitive(write: number, monitor: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(write, 0);
  bytes.writeUInt32LE(monitor, 4);
  return bytes;
}

/** TimingTebData, 40 bytes; event codes are 0 to 287. */
export function timingPrimitive(destination: number, beam: boolean, codes: readonly number[]): Buffer {
  const words = new Uint32Array(EVENT_CODE_WORDS);
  for (const code of codes) words[code >>> 5]! |= 1 << (code & 31);
  const bytes = Buffer.alloc(4 + 4 * EVENT_CODE_WORDS);
  bytes.writeUInt8((destination & ~BEAM) | (beam ? BEAM : 0), 0);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 4 + 4 * i);
  return bytes;
}

/** A TPRM frame around data. */
export function tprmFrame(codec: number, data: Uint8Array, version = 0, schema = 0): Buffer {
  const bytes = Buffer.alloc(TPRM_HEADER + data.length);
  bytes.write('TPRM', 0, 'latin1');
  bytes.writeUInt8(codec, 4);
  bytes.writeUInt8(version, 5);
  bytes.writeUInt16LE(schema, 6);
  bytes.writeUInt32LE(data.length, 8);
  bytes.set(data, TPRM_HEADER);
  return bytes;
}
