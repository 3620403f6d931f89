/** Sizes, offsets and bits of the records of the trigger chain, in one place (spec teb.md, section 1). Little endian, packed. */

/** Offsets inside an EbDgram: the pid word, then a dgram header (section 1.1). */
export const EBDGRAM = {
  pid: 0,
  pidHigh: 4,
  nanoseconds: 8,
  seconds: 12,
  env: 16,
  src: 20,
  damage: 24,
  typeId: 26,
  extent: 28,
  /** Bytes before the payload. */
  size: 32,
} as const;

/** The part of a record that its extent counts before the payload. */
export const EXTENT_BASE = 12;

/** High half of the pid word: bit 62 is end of list ("last of its batch"); bits 55:32 belong to the pulse id. */
export const EOL_HIGH = 0x4000_0000;
export const PID_HIGH_MASK = 0x00ff_ffff;
/** A high half of this or more is a pulse id of 2^53 or more: 307 years of beam, so a framing error. */
export const PID_HIGH_LIMIT = 0x0020_0000;

/** Bits of env (section 1.1). */
export const ENV = {
  groups: 0xffff,
  keepRaw: 1 << 22,
  serviceShift: 24,
  kindShift: 28,
  /** Value of the kind bits in a watermark marker (section 2.2). */
  marker: 2,
} as const;

/** Bits 31:28 of src (section 1.1). */
export const LEVEL = { segment: 0, event: 1 } as const;
export const SRC_NUMBER_MASK = 0x0fff_ffff;

/** Typeid of a result. */
export const TYPE_DATA = 3;

/** Damage bits (section 1.3). */
export const DAMAGE = {
  truncated: 0x1,
  outOfOrder: 0x2,
  outOfSynch: 0x4,
  corrupted: 0x8,
  droppedContribution: 0x10,
  missingData: 0x20,
  timedOut: 0x40,
  /** User number 1: decided by policy, not by the decider. */
  byPolicy: 0x1000,
} as const;

/** Offsets behind the header of a result (sections 1.4 and 1.6), and whole sizes. */
export const RESULT = {
  data: 32,
  monBufNo: 36,
  size: 40,
  receivers: 40,
  missing: 48,
  meb: 56,
  flags: 57,
  sequence: 60,
  extendedSize: 64,
} as const;

/** Bits of the data word of a result (section 1.4). */
export const DATA = {
  prescale: 1,
  persist: 2,
  monitorShift: 2,
  monitor: 0x3c,
  auxShift: 8,
  auxMask: 0xff_ffff,
} as const;

/** Flags of the extended result (section 1.6). */
export const FLAG = { forced: 1, timeout: 2, watermark: 4, eof: 8, bypass: 16, primitivesRejected: 32 } as const;

/** MEB of the extended result if no monitor got the event. */
export const NO_MEB = 255;

/** Constants of the system (section 1.8). */
export const LIMIT = {
  sources: 64,
  mebs: 4,
  groups: 8,
  /** Events whose pids agree above this bit share a batch. */
  batchShift: 6,
  batch: 64,
  timeoutMs: 12_000,
} as const;
