/** What happens to an event when its fate is known (spec teb.md, section 7.4): damage, triginfo, then monitors, recording and small data. */

import type { DgramSink } from '../../stream/sink.ts';
import { DAMAGE } from '../../xtc/damage.ts';
import { Dgram } from '../../xtc/dgram.ts';
import { DGRAM } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import { SmdConverter } from '../../xtc/smd.ts';
import type { Fate } from '../join/fate.ts';
import { mebOf } from '../wire/buffer-word.ts';
import { joinedLine } from '../wire/json-lines.ts';
import type { ReceiverCounts } from './counts.ts';
import type { HeldEvents } from './held-events.ts';
import type { MonitorOutput } from './monitor-output.ts';
import type { Pebble } from './pebble.ts';
import type { Recording } from './recording.ts';
import type { TrigInfoWriter } from './triginfo.ts';

/** Where lines of text go; `Output` takes them. */
export interface LineTaker {
  put(text: string): void;
}

export interface DeliveryParts {
  receiver: number;
  pebble: Pebble;
  counts: ReceiverCounts;
  recording: Recording | undefined;
  smd: DgramSink | undefined;
  monitors: MonitorOutput | undefined;
  lines: LineTaker | undefined;
  triginfo: TrigInfoWriter | undefined;
  dropEmpty: boolean;
  /** Largest dgram in bytes. */
  maxEvent: number;
}

export class Delivery {
  private readonly parts: DeliveryParts;
  private readonly converter = new SmdConverter();
  private readonly dgram = new Dgram();

  constructor(parts: DeliveryParts) {
    this.parts = parts;
  }

  /** The fate of the oldest of the events, which leaves. */
  take(fate: Fate, events: HeldEvents): void {
    const { lines, pebble, receiver } = this.parts;
    lines?.put(joinedLine(fate.line(receiver)));
    const { slab, start, size } = events;
    events.shift();
    if (fate.act === 'reject' || (fate.act === 'discard' && !fate.monitored)) return pebble.release(slab);
    const dgram = this.place(slab.bytes, slab.view, start, size);
    const isEmpty = fate.isL1 && size === DGRAM.size;
    if (fate.service === SERVICE.Configure && this.parts.triginfo) {
      const described = this.parts.triginfo.configure(dgram);
      pebble.release(slab);
      const whole = this.place(described, new Dgram(described).view, 0, described.length);
      this.mark(whole, fate.damage);
      this.monitor(fate, whole, undefined);
      this.parts.recording?.transition(fate.service, whole.size);
      this.small(whole, whole.size);
      this.parts.recording?.whole(described);
      return;
    }
    const tail = fate.isL1 ? this.trigInfo(fate, dgram) : undefined;
    this.mark(dgram, fate.damage);
    this.monitor(fate, dgram, tail);
    if (fate.act === 'discard') return pebble.release(slab);
    if (isEmpty && this.parts.dropEmpty) {
      this.parts.counts.droppedEmpty++;
      return pebble.release(slab);
    }
    if (!fate.isL1) this.parts.recording?.transition(fate.service, size);
    this.small(dgram, size + (tail?.length ?? 0));
    if (this.parts.recording) this.parts.recording.event(slab, start, size, tail);
    else pebble.release(slab);
  }

  private place(bytes: Buffer, view: DataView, start: number, size: number): Dgram {
    const { dgram } = this;
    dgram.attach(bytes, view);
    dgram.start = start;
    dgram.size = size;
    return dgram;
  }

  /** The damage of the decision is ORed into the event's, also where the event is complete. */
  private mark(dgram: Dgram, damage: number): void {
    const { counts } = this.parts;
    const all = dgram.damage | damage;
    if (damage !== 0) dgram.view.setUint16(dgram.start + DGRAM.damage, all, true);
    if (all === 0) return;
    counts.damaged++;
    for (let bit = 0; bit < counts.damage.length; bit++) if ((all >>> bit) & 1) counts.damage[bit]!++;
  }

  /** The children that say what was decided; the dgram's extent counts them from now on. */
  private trigInfo(fate: Fate, dgram: Dgram): Buffer | undefined {
    const { triginfo, maxEvent, counts } = this.parts;
    if (!triginfo || triginfo.size === 0) return undefined;
    if (dgram.size + triginfo.size > maxEvent) {
      counts.truncated++;
      fate.damage |= DAMAGE.Truncated;
      return undefined;
    }
    dgram.view.setUint32(dgram.start + DGRAM.extent, dgram.extent + triginfo.size, true);
    return triginfo.block(fate);
  }

  private monitor(fate: Fate, dgram: Dgram, tail: Buffer | undefined): void {
    const { monitors, counts } = this.parts;
    if (!monitors || !fate.monitored) return;
    const word = fate.isL1 ? fate.monBufNo : 0;
    monitors.give(word, fate.pid, dgram.bytes, dgram.start, dgram.size, tail);
    if (!fate.isL1) return;
    const meb = mebOf(word);
    counts.monitored[meb] = (counts.monitored[meb] ?? 0) + 1;
  }

  /** @param size with triginfo */
  private small(dgram: Dgram, size: number): void {
    const { smd, recording } = this.parts;
    if (!smd || !recording) return;
    dgram.size = size;
    const small = this.converter.convert(dgram, recording.position);
    smd.bytes(Buffer.from(small));
  }
}
