/** Contributions for the trigger event builder: EbDgram records (spec teb.md, sections 1.1 and 2.1). */

import { DGRAM, XTC } from '../xtc/layout.ts';
import { SERVICE } from '../xtc/service.ts';

const PULSE_ID_SIZE = 8;
const PULSE_ID_MASK = (1n << 56n) - 1n;
const LEVEL_AND_NODE = DGRAM.src;

/**
 * A pulse id for streams that carry none: pulses are 13/14 of a MHz, so time gives a number that grows with it, and is the same for all
 * contributions of an event.
 */
export function pulseIdOf(sec: number, nsec: number): bigint {
  return (((BigInt(sec) * 1_000_000_000n + BigInt(nsec)) * 13n) / 14_000n) & PULSE_ID_MASK;
}

/**
 * The contribution of a dgram: pulse id, header of the input, and the trigger data of L1Accepts as payload. Everything else is
 * sent without payload.
 * @param damage added to the header's
 */
export function contribution(input: Buffer, trigger: Buffer | undefined, damage: number): Buffer {
  const isEvent = ((input.readUInt32LE(DGRAM.env) >>> 24) & 0xf) === SERVICE.L1Accept;
  const payload = isEvent ? trigger : undefined;
  const record = Buffer.alloc(PULSE_ID_SIZE + DGRAM.size + (payload?.length ?? 0));
  record.writeBigUInt64LE(pulseIdOf(input.readUInt32LE(DGRAM.sec), input.readUInt32LE(DGRAM.nsec)), 0);
  input.copy(record, PULSE_ID_SIZE, 0, LEVEL_AND_NODE + 4);
  record.writeUInt16LE(input.readUInt16LE(DGRAM.damage) | damage, PULSE_ID_SIZE + DGRAM.damage);
  record.writeUInt16LE(0, PULSE_ID_SIZE + DGRAM.typeId);
  record.writeUInt32LE(XTC.size + (payload?.length ?? 0), PULSE_ID_SIZE + DGRAM.extent);
  payload?.copy(record, PULSE_ID_SIZE + DGRAM.size);
  return record;
}
