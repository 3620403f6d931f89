/** A lane: one output of the partition, and the bytes of its dgrams. */

import { SERVICE } from '../xtc/service.ts';
import { type DgramHeader, DgramWriter } from '../xtc/writer.ts';
import type { RunDescription } from './description.ts';
import type { Injector } from './injection.ts';
import type { Moment } from './moment.ts';
import type { OutBlock } from './out-block.ts';
import { type Arrangement, LEVEL_EVENT, Plan } from './plan.ts';
import { TransitionWriter } from './transitions.ts';
import type { Unit } from './units.ts';

const ALL_GROUPS = 0xff;

export class Lane {
  readonly arrangement: Arrangement;
  /** Dgrams and bytes so far. */
  dgrams = 0;
  bytes = 0;
  /** Events in which contributions of this lane were lost altogether. */
  missed = 0;
  private readonly groups: number;
  private readonly plans: (Plan | undefined)[] = new Array<Plan | undefined>(ALL_GROUPS + 1).fill(undefined);
  private readonly writer = new DgramWriter();
  private readonly transitions: TransitionWriter[];

  /** @param first true for the lane of the first stream, which has scan and EPICS data */
  constructor(run: RunDescription, arrangement: Arrangement, first: boolean) {
    this.arrangement = arrangement;
    this.groups = arrangement.contributors.reduce((mask, { groups }) => mask | groups, 0);
    this.transitions = arrangement.contributors.map(
      (contributor, index) => new TransitionWriter(run, contributor, first && index === 0),
    );
  }

  /** Node id of a flat lane, or of the first contributor. */
  get node(): number {
    return this.arrangement.contributors[0]!.node;
  }

  /**
   * Writes what this lane has at a moment; nothing if its groups did not fire or its contributions are lost.
   * @param injected what goes wrong in this event, if anything does
   * @returns bytes of the dgram, 0 if there is none
   */
  write(moment: Moment, out: OutBlock, injected: Injector | undefined): number {
    const size = moment.service === SERVICE.L1Accept ? this.event(moment, out, injected) : this.transition(moment, out);
    if (size > 0) {
      this.dgrams++;
      this.bytes += size;
    }
    return size;
  }

  /** True if this lane has data at this moment. */
  takesPart(moment: Moment): boolean {
    return (moment.groups & this.groups) !== 0;
  }

  private event(moment: Moment, out: OutBlock, injected: Injector | undefined): number {
    const fired = moment.groups & this.groups;
    if (fired === 0) return 0;
    let plan: Plan;
    if (injected && injected.lost.size > 0) {
      plan = new Plan(this.arrangement, (unit) => (unit.groupBit & fired) !== 0 && !injected.lost.has(unit));
      if (plan.units.length === 0) {
        this.missed++;
        return 0;
      }
    } else {
      plan = this.plans[fired] ??= new Plan(this.arrangement, (unit: Unit) => (unit.groupBit & fired) !== 0);
    }
    plan.write(moment, out, injected);
    return plan.size;
  }

  private transition(moment: Moment, out: OutBlock): number {
    const { writer, arrangement, transitions } = this;
    const header: DgramHeader = { sec: moment.sec, nsec: moment.nsec, env: moment.env };
    if (arrangement.nested) {
      writer.begin({ ...header, src: LEVEL_EVENT });
      for (const transition of transitions) {
        writer.beginParent(transition.node);
        transition.children(moment, writer);
        writer.endParent();
      }
    } else {
      writer.begin({ ...header, src: this.node });
      for (const transition of transitions) transition.children(moment, writer);
    }
    const bytes = writer.finish();
    out.append(bytes);
    return bytes.length;
  }
}
