/** From the table of a result slot to outcomes. Every number in it is checked before it is used. */

import type { Outcome } from '../outcome.ts';
import { RESULT_FLAG, RESULT_SLOT, readResultEntry, STATUS } from '../protocol.ts';

/**
 * @param slot the result slot, only the part that the worker says it used
 * @returns outcomes with views of the slot, or what is wrong
 */
export function decodeResults(slot: Buffer, count: number): Outcome[] | string {
  if (RESULT_SLOT.entries + count * RESULT_SLOT.entrySize > slot.length)
    return `${count} results do not fit their slot`;
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) {
    const { offset, size, status, flags, triggerBytes, needed } = readResultEntry(slot, i);
    if (size + triggerBytes > 0 && (offset < RESULT_SLOT.payload || offset + size + triggerBytes > slot.length)) {
      return `result ${i} lies outside its slot (offset ${offset}, ${size} + ${triggerBytes} bytes)`;
    }
    const bytes = slot.subarray(offset, offset + size);
    const overrun = (flags & RESULT_FLAG.triggerOverrun) !== 0;
    const trigger = triggerBytes > 0 ? slot.subarray(offset + size, offset + size + triggerBytes) : undefined;
    if (status === STATUS.same) outcomes.push({ kind: 'same', trigger, overrun });
    else if (status === STATUS.changed) outcomes.push({ kind: 'changed', bytes, trigger, overrun });
    else if (status === STATUS.dropped) outcomes.push({ kind: 'dropped' });
    else if (status === STATUS.oversize)
      outcomes.push({ kind: 'oversize', needed, bytes: size > 0 ? bytes : undefined, trigger, overrun });
    else return `result ${i} has the unknown status ${status}`;
  }
  return outcomes;
}
