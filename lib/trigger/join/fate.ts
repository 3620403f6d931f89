import { SERVICE } from '../../xtc/service.ts';
import type { Act, JoinedLine, PulseId } from '../types.ts';
import { wordText } from '../wire/buffer-word.ts';
import { DATA, ENV, FLAG } from '../wire/layout.ts';
import { auxOf, monitorOf } from '../wire/result.ts';
import type { RejectReason } from './counts.ts';

/** What becomes of the oldest event. One object is used again for every event. */
export class Fate {
  act: Act = 'record';
  /** Only with `reject`. */
  reason: RejectReason | undefined = undefined;
  pid: PulseId = 0;
  env = 0;
  /** Data word of the result, with prescale. */
  data = 0;
  monBufNo = 0;
  /** To be ORed into the event's damage. */
  damage = 0;
  /** FLAG bits: bypass, and those of an extended result. */
  flags = 0;
  /** MEB of an extended result; 255 none or not told. */
  meb: number = 255;
  missingLow = 0;
  missingHigh = 0;

  get service(): number {
    return (this.env >>> ENV.serviceShift) & 0xf;
  }

  get isL1(): boolean {
    return this.service === SERVICE.L1Accept;
  }

  /** The event goes to the monitors as well; transitions go to all of them. */
  get monitored(): boolean {
    return this.act !== 'reject' && (!this.isL1 || (monitorOf(this.data) !== 0 && this.monBufNo !== 0));
  }

  /** The line of section 2.6. */
  line(receiver: number): JoinedLine {
    const monitor = monitorOf(this.data);
    return {
      rcv: receiver,
      pid: this.pid,
      svc: this.service,
      rogs: this.env & ENV.groups,
      prescale: this.data & DATA.prescale ? 1 : 0,
      persist: this.data & DATA.persist ? 1 : 0,
      monitor,
      monbuf: wordText(monitor === 0 ? 0 : this.monBufNo),
      damage: this.damage,
      aux: auxOf(this.data),
      bypass: this.flags & FLAG.bypass ? 1 : 0,
      act: this.act,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    };
  }
}
