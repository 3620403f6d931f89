/**
 * One event-built dgram from the contributions of several streams (spec xtc2.md, section 12): a root of level Event with one nested
 * Parent per contributor. Contributions belong together if time and transition are equal.
 */

import type { Dgram } from '../xtc/dgram.ts';
import { DgramWriter } from '../xtc/writer.ts';

const LEVEL_EVENT = 1 << 28;
/** User values of damage are not passed on to the root (section 6). */
const FLAGS = 0x0fff;

interface Contribution {
  src: number;
  damage: number;
  env: number;
  payload: Buffer;
}

export class EventAssembler {
  private readonly writer = new DgramWriter();
  private parts: Contribution[] = [];
  private sec = 0;
  private nsec = 0;
  private service = -1;

  /** True if a dgram belongs to the event under way (or none is). */
  fits(dgram: Dgram): boolean {
    if (this.parts.length === 0) return true;
    return dgram.sec === this.sec && dgram.nsec === this.nsec && dgram.service === this.service;
  }

  /** Takes a copy of a contribution; or, if its memory stays as it is until `take`, none. */
  add(dgram: Dgram, stays = false): void {
    this.sec = dgram.sec;
    this.nsec = dgram.nsec;
    this.service = dgram.service;
    const view = dgram.bytes.subarray(dgram.payloadStart, dgram.end);
    this.parts.push({
      src: dgram.src,
      damage: dgram.damage,
      env: dgram.env,
      payload: stays ? view : Buffer.from(view),
    });
  }

  /** The event under way, or undefined if there is none. The bytes are new. */
  take(): Buffer | undefined {
    const first = this.parts[0];
    if (!first) return undefined;
    const groups = this.parts.reduce((mask, part) => mask | (part.env & 0xffff), 0);
    const damage = this.parts.reduce((bits, part) => bits | (part.damage & FLAGS), 0);
    this.writer.begin({ sec: this.sec, nsec: this.nsec, env: (first.env | groups) >>> 0, src: LEVEL_EVENT, damage });
    for (const part of this.parts) {
      this.writer.beginParent(part.src, part.damage);
      this.writer.raw(part.payload);
      this.writer.endParent();
    }
    this.parts = [];
    return Buffer.from(this.writer.finish());
  }
}
