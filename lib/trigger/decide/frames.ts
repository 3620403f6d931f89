/** Frames between teb-decide and a decider process (spec teb.md, 5.3): constants, headers, and a pure reader. */

export const FRAME = {
  magic: 0x31464454, // TDF1
  size: 20,
  offset: { magic: 0, kind: 4, flags: 5, count: 6, bytes: 8, sequence: 12, number: 16 },
} as const;

export const TO_DECIDER = { HELLO: 1, CONFIGURE: 2, EVENTS: 3, STOP: 4 } as const;
/** COUNTS is ours: what the runtime has counted, unasked. */
export const FROM_DECIDER = { READY: 0x81, OK: 0x82, RESULTS: 0x83, COUNTS: 0x84, ERROR: 0x8f } as const;

/** RESULTS: another RESULTS of the same EVENTS follows. */
export const MORE_FOLLOWS = 1;

export const RESULT = { size: 16, offset: { pid: 0, data: 8, status: 12 } } as const;
/** Behind the events of an EVENTS frame: free buffers of the four MEBs, u32 each. */
export const FREE_BYTES = 16;

export const STATUS = { ok: 0, noResult: 1, exception: 2, secondResult: 3, wrongValue: 4 } as const;
/** Added to a status by our runtime: a primitive of this event had a wrong type, length or version. */
export const PRIMITIVE_REJECTED = 0x100;

export const STATUS_TEXT: Readonly<Record<number, string>> = {
  1: 'no result',
  2: 'exception',
  3: 'second result',
  4: 'wrong value',
};

export interface FrameHeader {
  kind: number;
  flags: number;
  count: number;
  bytes: number;
  sequence: number;
  number: number;
}

/** Answers are small; whoever says more has lost its place in the pipe. */
const MAX_ANSWER = 1 << 24;
const TWO_32 = 0x1_0000_0000;

export function writeFrameHeader(into: Buffer, header: FrameHeader): Buffer {
  const { offset } = FRAME;
  into.writeUInt32LE(FRAME.magic, offset.magic);
  into.writeUInt8(header.kind, offset.kind);
  into.writeUInt8(header.flags, offset.flags);
  into.writeUInt16LE(header.count, offset.count);
  into.writeUInt32LE(header.bytes, offset.bytes);
  into.writeUInt32LE(header.sequence, offset.sequence);
  into.writeUInt32LE(header.number, offset.number);
  return into;
}

/** A pulse id, 56 bits; beyond 2^53 it loses digits, which no pulse id of a run reaches. */
export function readPid(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + (bytes.readUInt32LE(at + 4) & 0xff_ffff) * TWO_32;
}

export function writePid(bytes: Buffer, pid: number, at: number): void {
  bytes.writeUInt32LE(pid % TWO_32, at);
  bytes.writeUInt32LE(Math.floor(pid / TWO_32), at + 4);
}

/** Frames out of the bytes of a pipe, in whatever pieces they come. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);
  private readonly onFrame: (header: FrameHeader, payload: Buffer) => void;

  /** @param onFrame the payload is valid during the call */
  constructor(onFrame: (header: FrameHeader, payload: Buffer) => void) {
    this.onFrame = onFrame;
  }

  /** @returns what is wrong with the bytes, or undefined; nothing more can be read then */
  push(bytes: Buffer): string | undefined {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    let at = 0;
    while (all.length - at >= FRAME.size) {
      const header = readFrameHeader(all, at);
      if (header === undefined)
        return `${FRAME.size} bytes that are no frame: ${all.toString('hex', at, at + FRAME.size)}`;
      if (header.bytes > MAX_ANSWER) return `a frame says that it has ${header.bytes} bytes`;
      const end = at + FRAME.size + header.bytes;
      if (end > all.length) break;
      this.onFrame(header, all.subarray(at + FRAME.size, end));
      at = end;
    }
    this.rest = all.subarray(at);
    return undefined;
  }
}

function readFrameHeader(bytes: Buffer, at: number): FrameHeader | undefined {
  const { offset } = FRAME;
  if (bytes.readUInt32LE(at + offset.magic) !== FRAME.magic) return undefined;
  return {
    kind: bytes.readUInt8(at + offset.kind),
    flags: bytes.readUInt8(at + offset.flags),
    count: bytes.readUInt16LE(at + offset.count),
    bytes: bytes.readUInt32LE(at + offset.bytes),
    sequence: bytes.readUInt32LE(at + offset.sequence),
    number: bytes.readUInt32LE(at + offset.number),
  };
}
