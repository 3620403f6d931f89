/** What a writer of previews repeats for readers who come late, and what those who have it recognise. */

import { DGRAM } from '../../xtc/layout.ts';
import { envService, SERVICE } from '../../xtc/service.ts';

/** A message that begins with a Configure dgram. */
export function isConfigure(message: Buffer): boolean {
  return message.length >= DGRAM.size && envService(message.readUInt32LE(DGRAM.env)) === SERVICE.Configure;
}
