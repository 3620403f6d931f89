/**
 * The shared memory in which an ingester leaves large frames for the workers of its machine (docs/mapreduce.md). Little endian:
 *
 *     0      "DAQFRAME", u32 version, u32 number of slots, 16 bytes uuid of the ingester
 *     4096   u32 per slot: stamp of what lies there; 0: nothing
 *     65536  frames, each from a multiple of 65536 on (a whole number of pages on every machine)
 *
 * A frame is valid as long as its slot has the stamp that its message says. The stamp is taken away before the memory is used again, so
 * whoever finds it unchanged after reading has read what was sent.
 */

import { uuidBytes } from '../redis/parameters.ts';

export const SLOTS = 8192;
export const DATA_START = 65_536;
export const ALIGNMENT = 65_536;
const STAMPS_START = 4096;
const MAGIC = Buffer.from('DAQFRAME');
const VERSION = 1;

/** Where a part of a frame lies. */
export interface SharedPart {
  /** Place among the parts of its stream. */
  readonly part: number;
  /** From the beginning of the memory. */
  readonly offset: number;
  readonly bytes: number;
  readonly slot: number;
  readonly stamp: number;
}

/** The first bytes of a memory. */
export function headOf(serviceUuid: string): Buffer {
  const head = Buffer.alloc(MAGIC.length + 8 + 16);
  MAGIC.copy(head);
  head.writeUInt32LE(VERSION, 8);
  head.writeUInt32LE(SLOTS, 12);
  uuidBytes(serviceUuid).copy(head, 16);
  return head;
}

/** The stamps, in a mapping of at least `DATA_START` bytes. */
export function stampsIn(memory: ArrayBuffer): Int32Array {
  return new Int32Array(memory, STAMPS_START, SLOTS);
}
