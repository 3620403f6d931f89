/** Archives of tar(1), as much of them as bundles need: headers to entries, and entries to headers. Pure. */

import { DataError } from '../../errors.ts';

export const BLOCK = 512;

const SIZE_AT = 124;
const TIME_AT = 136;
const CHECKSUM_AT = 148;
const TYPE_AT = 156;
const MAGIC_AT = 257;
const PREFIX_AT = 345;
const NAME_BYTES = 100;
const NUMBER_BYTES = 12;
const PREFIX_BYTES = 155;

/** What a header describes. `path` and `records` are what follows it, for the entry behind that. */
export interface TarHeader {
  readonly kind: 'file' | 'path' | 'records' | 'other';
  readonly path: string;
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * @param header one block
 * @returns undefined for the empty block at the end
 * @throws DataError `calib-source` if the block is no header
 */
export function readTarHeader(header: Buffer, file: string, offset: number): TarHeader | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  if (numberAt(header, CHECKSUM_AT, 8) !== checksum(header)) {
    throw new DataError('calib-source', 'this is no bundle: a bundle is an uncompressed archive of tar', {
      place: { file, offset },
    });
  }
  const prefix =
    header.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0' ? textAt(header, PREFIX_AT, PREFIX_BYTES) : '';
  const name = textAt(header, 0, NAME_BYTES);
  return {
    kind: KINDS[String.fromCharCode(header[TYPE_AT]!)] ?? 'other',
    path: prefix === '' ? name : `${prefix}/${name}`,
    bytes: numberAt(header, SIZE_AT, NUMBER_BYTES),
    seconds: numberAt(header, TIME_AT, NUMBER_BYTES),
  };
}

const KINDS: Readonly<Record<string, TarHeader['kind']>> = { '0': 'file', '\0': 'file', L: 'path', x: 'records' };

/** The path in the records of a pax header (`27 path=epix/pedestals.npy`), if there is one. */
export function pathInRecords(records: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < records.length; ) {
    const blank = records.indexOf(0x20, at);
    const length = blank < 0 ? 0 : Number(records.toString('latin1', at, blank));
    if (!(length > blank - at)) break;
    const record = records.toString('utf8', blank + 1, at + length - 1);
    if (record.startsWith('path=')) path = record.slice('path='.length);
    at += length;
  }
  return path;
}

/** Bytes to the next block. */
export function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK;
}

/** @throws DataError `calib-bundle` if the path is too long for such an archive */
export function tarHeader(path: string, bytes: number, seconds: number): Buffer {
  const name = Buffer.from(path);
  if (name.length > NAME_BYTES) {
    throw new DataError('calib-bundle', `"${path}" is longer than ${NAME_BYTES} bytes, which is all a bundle takes`);
  }
  const header = Buffer.alloc(BLOCK);
  name.copy(header);
  header.write('0000644\0', NAME_BYTES, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${bytes.toString(8).padStart(NUMBER_BYTES - 1, '0')}\0`, SIZE_AT, 'latin1');
  header.write(
    `${Math.floor(seconds)
      .toString(8)
      .padStart(NUMBER_BYTES - 1, '0')}\0`,
    TIME_AT,
    'latin1',
  );
  header.write('0', TYPE_AT, 'latin1');
  header.write('ustar\x0000', MAGIC_AT, 'latin1');
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1');
  return header;
}

/** The sum of all bytes, with blanks where the sum itself stands. */
function checksum(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) if (at < CHECKSUM_AT || at >= CHECKSUM_AT + 8) sum += header[at]!;
  return sum;
}

function textAt(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at);
  return header.toString('utf8', at, end < 0 || end > at + length ? at + length : end);
}

/** Octal digits; NaN for anything else, such as the binary form of sizes above 8 GiB. */
function numberAt(header: Buffer, at: number, length: number): number {
  const text = textAt(header, at, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}
