/** From the parts of a monitored event to one dgram with a Parent per detector process (spec xtc2.md, section 12). */

import { EventAssembler } from '../../stream/event-built.ts';
import { Dgram, viewOf } from '../../xtc/dgram.ts';
import { DGRAM } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { BuiltEvent } from '../building/built-event.ts';
import { EbDgram } from '../wire/eb-dgram.ts';
import { EBDGRAM } from '../wire/layout.ts';
import { sourcesOf } from '../wire/masks.ts';
import { NodeNumbers } from './node-numbers.ts';

/** A user's number of damage stays with its part. */
const DAMAGE_FLAGS = 0x0fff;

export class EventParts {
  private readonly assembler = new EventAssembler();
  private readonly nodes = new NodeNumbers();
  private readonly cursor = new EbDgram();
  private readonly say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.say = say;
  }

  /** The whole event; its bytes are new. Parts whose descriptions have a node number of another part get another one, in place. */
  assemble(event: BuiltEvent): Buffer {
    if (event.service === SERVICE.Configure) this.nodes.clear();
    for (const source of sourcesOf(event.presentLow, event.presentHigh)) {
      event.record(source, this.cursor);
      const { block, at, length } = this.cursor;
      const dgram = new Dgram();
      dgram.attach(block, viewOf(block));
      dgram.start = at + EBDGRAM.nanoseconds;
      dgram.size = length - EBDGRAM.nanoseconds;
      if (event.service === SERVICE.Configure) this.describe(source, dgram);
      this.nodes.apply(source, block, dgram.payloadStart, dgram.end);
      this.assembler.add(dgram, true);
    }
    const whole = this.assembler.take()!;
    // The root has what its parts have, and what the builder found: parts that did not come.
    whole.writeUInt16LE(whole.readUInt16LE(DGRAM.damage) | (event.damage & DAMAGE_FLAGS), DGRAM.damage);
    return whole;
  }

  private describe(source: number, dgram: Dgram): void {
    for (const [node, other] of this.nodes.describe(source, dgram)) {
      this.say(`detector process ${source}: its node number ${node} is that of another one; ${other} for monitors`);
    }
  }
}
