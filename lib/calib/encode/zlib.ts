/** The older variant of the existing format: the pickle, zlib-compressed (spec calib-pub.md, section 3). */

import { constants, createDeflate } from 'node:zlib';

/** Constants are noise to a compressor; a higher level takes many times longer for a few percent. */
const LEVEL = constants.Z_BEST_SPEED;
const CHUNK = 1024 * 1024;

/** Compresses pieces as one zlib stream, on the thread pool. */
export async function deflate(pieces: readonly Buffer[]): Promise<Buffer[]> {
  const stream = createDeflate({ level: LEVEL, chunkSize: CHUNK });
  const compressed: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => compressed.push(chunk));
  const done = new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await done;
  return compressed;
}

/** Compresses once what comes again: a run with the constants of the run before is sent as it was. */
export class DeflateMemo {
  private plain: readonly Buffer[] = [];
  private compressed: Promise<Buffer[]> | undefined;

  deflate(pieces: readonly Buffer[]): Promise<Buffer[]> {
    if (this.compressed === undefined || !samePieces(this.plain, pieces)) {
      this.plain = pieces;
      this.compressed = deflate(pieces);
    }
    return this.compressed;
  }
}

function samePieces(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((piece, i) => piece === b[i] || piece.equals(b[i]!));
}
