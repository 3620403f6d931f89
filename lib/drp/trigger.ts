/** Contributions for the trigger event builder: EbDgram records (spec teb.md, sections 1.1 and 2.1). */

import { DGRAM, XTC } from '../xtc/layout.ts';
import { pulseIdOf } from '../xtc/pulse-id.ts';
import { SERVICE } from '../xtc/service.ts';

const PULSE_ID_SIZE = 8;
const LEVEL_AND_NODE = DGRAM.src;

/**
 * The contribution of a dgram: pulse id, header of the input, and the trigger data of L1Accepts as payload. Everything else is
 * sent without payload.
 * @param damage added to the header's
 */
export function contribution(input: Buffer, trigger: Buffer | undefined, damage: number): Buffer {
  const isEvent = ((input.readUInt32LE(DGRAM.env) >>> 24) & 0xf) === SERVICE.L1Accept;
  const payload = isEvent ? trigger : undefined;
  const record = Buffer.alloc(PULSE_ID_SIZE + DGRAM.size + (payload?.length ?? 0));
  record.writeBigUInt64LE(BigInt(pulseIdOf(input.readUInt32LE(DGRAM.sec), input.readUInt32LE(DGRAM.nsec))), 0);
  input.copy(record, PULSE_ID_SIZE, 0, LEVEL_AND_NODE + 4);
  record.writeUInt16LE(input.readUInt16LE(DGRAM.damage) | damage, PULSE_ID_SIZE + DGRAM.damage);
  record.writeUInt16LE(0, PULSE_ID_SIZE + DGRAM.typeId);
  record.writeUInt32LE(XTC.size + (payload?.length ?? 0), PULSE_ID_SIZE + DGRAM.extent);
  payload?.copy(record, PULSE_ID_SIZE + DGRAM.size);
  return record;
}
