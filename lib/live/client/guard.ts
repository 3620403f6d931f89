/** What a client believes of a server: sizes, kinds and the order of transitions. Pure; one per connection. */

import { DGRAM, MAX_EXTENT } from '../../xtc/layout.ts';
import { envService, isEvent } from '../../xtc/service.ts';
import { beginLevel, ENABLED, endLevel } from '../levels.ts';

/** Why a dgram is not passed on. */
export type Fault = 'index' | 'size' | 'kind' | 'order' | 'overtaken';

/** Size of the dgram that begins at `at`, or 0 if no dgram of that size can lie in a buffer. */
export function sizeAt(memory: Buffer, at: number, bufferBytes: number): number {
  const extent = memory.readUInt32LE(at + DGRAM.extent);
  const size = DGRAM.xtc + extent;
  return extent <= MAX_EXTENT && size >= DGRAM.size && size <= bufferBytes ? size : 0;
}

export class Guard {
  /** Level of the innermost thing that has begun: -1 nothing, 0 configured, 3 enabled. */
  private level = -1;
  /** Enable has come since Configure: from then on events belong between Enable and Disable. */
  private enables = false;

  /** Checks a copy of a dgram and takes notice of it. @returns undefined if it may be passed on */
  fault(dgram: Buffer, asTransition: boolean): Fault | undefined {
    const service = envService(dgram.readUInt32LE(DGRAM.env));
    if (dgram.length !== DGRAM.xtc + dgram.readUInt32LE(DGRAM.extent)) return 'size';
    if (isEvent(service) === asTransition) return 'kind';
    if (!asTransition) {
      if (this.level < 0) return 'order';
      return this.enables && this.level < ENABLED ? 'overtaken' : undefined;
    }
    return this.inOrder(service) ? undefined : 'order';
  }

  /** Configure may always come; nothing else before it. A begin needs what it begins not to have begun, an end needs that it has. */
  private inOrder(service: number): boolean {
    const begin = beginLevel(service);
    const end = endLevel(service);
    if (begin === 0) this.enables = false;
    else if (
      this.level < 0 ||
      (begin !== undefined && this.level >= begin) ||
      (end !== undefined && this.level < end)
    ) {
      return false;
    }
    if (begin !== undefined) this.level = begin;
    if (begin === ENABLED) this.enables = true;
    if (end !== undefined) this.level = end - 1;
    return true;
  }
}
