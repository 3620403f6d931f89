/** Messages on the pipes between this process and a Python payload (python/daqpipe/mapreduce/channel.py says how they look). Pure. */

const FIXED = 8;
const SIZE = 8;
const MOST_BLOBS = 1 << 20;

export interface PipeMessage {
  readonly head: Readonly<Record<string, unknown>>;
  readonly blobs: readonly Buffer[];
}

/** The pieces of a message; blobs are not copied. */
export function pipeMessage(head: object, blobs: readonly Uint8Array[] = []): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(FIXED + SIZE * blobs.length);
  start.writeUInt32LE(text.length, 0);
  start.writeUInt32LE(blobs.length, 4);
  for (const [i, blob] of blobs.entries()) start.writeBigUInt64LE(BigInt(blob.length), FIXED + SIZE * i);
  return [Buffer.concat([start, text]), ...blobs];
}

/** Whole messages out of pieces of any size. */
export class PipeSplitter {
  #pieces: Buffer[] = [];
  #have = 0;
  #wanted = FIXED;

  /** @throws Error for what is no message: the other side has written something else */
  *push(piece: Buffer): Generator<PipeMessage> {
    this.#pieces.push(piece);
    this.#have += piece.length;
    if (this.#have < this.#wanted) return;
    let bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    for (;;) {
      const size = sizeOf(bytes);
      this.#wanted = size;
      if (bytes.length < size) break;
      yield messageIn(bytes.subarray(0, size));
      bytes = bytes.subarray(size);
    }
    this.#pieces = [bytes];
    this.#have = bytes.length;
  }
}

/** Bytes of the message, as far as they are known. */
function sizeOf(bytes: Buffer): number {
  if (bytes.length < FIXED) return FIXED;
  const blobs = bytes.readUInt32LE(4);
  if (blobs > MOST_BLOBS) throw new Error(`a message of ${blobs} parts`);
  const start = FIXED + SIZE * blobs;
  if (bytes.length < start) return start;
  let size = start + bytes.readUInt32LE(0);
  for (let at = FIXED; at < start; at += SIZE) size += Number(bytes.readBigUInt64LE(at));
  return size;
}

function messageIn(bytes: Buffer): PipeMessage {
  const headBytes = bytes.readUInt32LE(0);
  const count = bytes.readUInt32LE(4);
  let at = FIXED + SIZE * count + headBytes;
  const blobs: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const size = Number(bytes.readBigUInt64LE(FIXED + SIZE * i));
    blobs.push(bytes.subarray(at, at + size));
    at += size;
  }
  const start = FIXED + SIZE * count;
  const head = JSON.parse(bytes.toString('utf8', start, start + headBytes)) as PipeMessage['head'];
  return { head, blobs };
}
