/** Messages and slots between drp-python and its workers, byte for byte (docs/drp-python.md). */

export const MESSAGE = {
  magic: 0xd4a9,
  size: 24,
  offset: { magic: 0, type: 2, flags: 3, sequence: 4, generation: 8, slot: 12, count: 14, bytes: 16, micros: 20 },
} as const;

export const TO_WORKER = { SCRIPT: 1, DGRAMS: 2, STOP: 3 } as const;
export const FROM_WORKER = { HELLO: 16, READY: 17, RESULTS: 18, STOPPED: 19, ERROR: 20 } as const;

/** RESULTS: another RESULTS of the same request follows. */
export const MORE_FOLLOWS = 1;

export const MAX_PER_SLOT = 64;
export const SEGMENT_HEADER = 4096;
export const SEGMENT_MAGIC = 'DPYS';
export const LAYOUT_VERSION = 1;
/** Where the text of the last ERROR lies in the header page of the result segment: u32 length, then the text. */
export const ERROR_TEXT = 64;

/** `constants`, for BeginRun: u32 length and JSON that says where the constants of the run are. */
export const INPUT_SLOT = { count: 0, entries: 8, entrySize: 12, constants: 776, payload: 1024 } as const;
export const RESULT_SLOT = { count: 0, entries: 8, entrySize: 24, payload: 2048 } as const;

/** Flags of an input dgram. */
export const INPUT_FLAG = { keepRaw: 1, repetition: 2 } as const;

/** Flags of a result: trigger data above the limit was left out. */
export const RESULT_FLAG = { triggerOverrun: 1 } as const;

export const STATUS = { same: 0, changed: 1, dropped: 2, oversize: 3 } as const;

export interface Message {
  type: number;
  flags: number;
  sequence: number;
  generation: number;
  slot: number;
  count: number;
  bytes: number;
  micros: number;
}

/** Writes a message into `into` (24 bytes). */
export function encodeMessage(into: Buffer, message: Partial<Message> & { type: number }): Buffer {
  const { offset } = MESSAGE;
  into.writeUInt16LE(MESSAGE.magic, offset.magic);
  into.writeUInt8(message.type, offset.type);
  into.writeUInt8(message.flags ?? 0, offset.flags);
  into.writeUInt32LE(message.sequence ?? 0, offset.sequence);
  into.writeUInt32LE(message.generation ?? 0, offset.generation);
  into.writeUInt16LE(message.slot ?? 0, offset.slot);
  into.writeUInt16LE(message.count ?? 0, offset.count);
  into.writeUInt32LE(message.bytes ?? 0, offset.bytes);
  into.writeUInt32LE(message.micros ?? 0, offset.micros);
  return into;
}

/** The message in `bytes`, or undefined if the length or the magic is wrong. */
export function decodeMessage(bytes: Buffer, length = bytes.length): Message | undefined {
  const { offset } = MESSAGE;
  if (length !== MESSAGE.size || bytes.readUInt16LE(offset.magic) !== MESSAGE.magic) return undefined;
  return {
    type: bytes.readUInt8(offset.type),
    flags: bytes.readUInt8(offset.flags),
    sequence: bytes.readUInt32LE(offset.sequence),
    generation: bytes.readUInt32LE(offset.generation),
    slot: bytes.readUInt16LE(offset.slot),
    count: bytes.readUInt16LE(offset.count),
    bytes: bytes.readUInt32LE(offset.bytes),
    micros: bytes.readUInt32LE(offset.micros),
  };
}

/** Bytes of one slot for dgrams up to `limit` bytes and their trigger data, whole pages. */
export function slotBytes(limit: number, triggerBytes: number): number {
  return Math.ceil((RESULT_SLOT.payload + limit + triggerBytes + MAX_PER_SLOT * 8) / 4096) * 4096;
}

/** Writes the table of an input slot. Offsets count from the slot's beginning. */
export function writeInputTable(
  slot: Buffer,
  entries: readonly { offset: number; size: number; flags: number }[],
): void {
  slot.writeUInt32LE(entries.length, INPUT_SLOT.count);
  entries.forEach((entry, i) => {
    const at = INPUT_SLOT.entries + i * INPUT_SLOT.entrySize;
    slot.writeUInt32LE(entry.offset, at);
    slot.writeUInt32LE(entry.size, at + 4);
    slot.writeUInt32LE(entry.flags, at + 8);
  });
}

/** Writes where the constants of a run are; an empty text for none. */
export function writeConstantsText(slot: Buffer, text: string): void {
  const room = INPUT_SLOT.payload - INPUT_SLOT.constants - 4;
  if (Buffer.byteLength(text) > room) throw new RangeError(`${text} is longer than ${room} bytes`);
  slot.writeUInt32LE(slot.write(text, INPUT_SLOT.constants + 4, 'utf8'), INPUT_SLOT.constants);
}

/** First 32 bits of the hash of the constants that the worker has, in the result of a BeginRun. */
export function readConstantsCheck(slot: Buffer): number {
  return slot.readUInt32LE(RESULT_SLOT.entries + 20);
}

export interface ResultEntry {
  offset: number;
  size: number;
  status: number;
  flags: number;
  triggerBytes: number;
  needed: number;
}

/** Entry `i` of a result slot. Nothing in it is trusted: callers check it against the slot. */
export function readResultEntry(slot: Buffer, i: number): ResultEntry {
  const at = RESULT_SLOT.entries + i * RESULT_SLOT.entrySize;
  return {
    offset: slot.readUInt32LE(at),
    size: slot.readUInt32LE(at + 4),
    status: slot.readUInt16LE(at + 8),
    flags: slot.readUInt16LE(at + 10),
    triggerBytes: slot.readUInt32LE(at + 12),
    needed: slot.readUInt32LE(at + 16),
  };
}
