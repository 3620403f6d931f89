/**
 * The sequence of transitions and events of a run (spec xtc2.md, section 5.2; timing.md, sections 1 and 10). Pure: no clock of the
 * machine, no bytes. `next` moves to the next pulse on which something happens and describes it in `moment`.
 */

import { makeEnv, SERVICE } from '../xtc/service.ts';
import { Clock, nextAfter, type Rate, type Ticks } from './clock.ts';
import { newMoment } from './moment.ts';

/** What to do with pulses on which a group fires without the common group. */
export const BYPASS = ['refuse', 'drop', 'keep'] as const;
export type Bypass = (typeof BYPASS)[number];

export interface ScheduleOptions {
  /** Rate by readout-group number. */
  groups: ReadonlyMap<number, Rate>;
  /** The common group. */
  partition: number;
  bypass: Bypass;
  /** L1Accepts per step; 0 means until `stop`. */
  events: number;
  steps: number;
  slowUpdates: Rate | undefined;
  /** The first event at or after each of these pulses asks for raw data to be kept. */
  keepRaw: Rate | undefined;
  start: { pulseId: Ticks; sec: number; nsec: number };
}

/** Pulses between two transitions: 1.4 ms. */
const GAP: Ticks = 1300;
const ACCEPT = 1 << 16;
const TAG_SHIFT = 17;
const TAG_MASK = 0x1f;
const KEEP_RAW = 1 << 22;

export class Schedule {
  readonly moment = newMoment();
  /** Pulses on which a group fired while triggers were enabled. */
  triggers = 0;
  /** Of these: written, taken by a SlowUpdate, dropped for want of the common group. */
  events = 0;
  overtaken = 0;
  bypassed = 0;

  private readonly options: ScheduleOptions;
  private readonly clock: Clock;
  private readonly bits: Int32Array;
  private readonly intervals: Float64Array;
  private readonly due: Float64Array;
  private readonly allGroups: number;
  private readonly commonBit: number;
  private state: 'start' | 'configured' | 'run' | 'begun' | 'enabled' | 'disabled' | 'stepped' | 'over' = 'start';
  private slowDue = Number.POSITIVE_INFINITY;
  private keepRawDue = Number.POSITIVE_INFINITY;
  private pulse: Ticks;
  private inStep = 0;
  private tag = 0;
  private stopping = false;

  constructor(options: ScheduleOptions) {
    this.options = options;
    this.clock = new Clock(options.start.pulseId, options.start);
    this.pulse = options.start.pulseId;
    const groups = [...options.groups];
    this.bits = Int32Array.from(groups, ([group]) => 1 << group);
    this.intervals = Float64Array.from(groups, ([, { interval }]) => interval);
    this.due = new Float64Array(groups.length);
    this.allGroups = this.bits.reduce((mask, bit) => mask | bit, 0);
    this.commonBit = 1 << options.partition;
    this.moment.step = -1;
  }

  /** Ends the run in order: what is open is closed (Disable, EndStep, EndRun), nothing new begins. */
  stop(): void {
    this.stopping = true;
  }

  /** Moves on; false when the run is over. */
  next(): boolean {
    switch (this.state) {
      case 'start':
        this.transition(SERVICE.Configure, 0);
        this.state = 'configured';
        return true;
      case 'configured':
        if (this.stopping) return this.end();
        this.transition(SERVICE.BeginRun, GAP);
        this.state = 'run';
        return true;
      case 'run':
      case 'stepped':
        if (this.stopping || this.moment.step + 1 >= this.options.steps) {
          this.transition(SERVICE.EndRun, GAP);
          this.state = 'over';
        } else {
          this.moment.step++;
          this.transition(SERVICE.BeginStep, GAP);
          this.state = 'begun';
        }
        return true;
      case 'begun':
        if (this.stopping) return this.endStep();
        this.enable();
        return true;
      case 'enabled':
        return this.nextEnabled();
      case 'disabled':
        return this.endStep();
      default:
        return false;
    }
  }

  private end(): false {
    this.state = 'over';
    return false;
  }

  private endStep(): true {
    this.transition(SERVICE.EndStep, GAP);
    this.state = 'stepped';
    return true;
  }

  private enable(): void {
    this.transition(SERVICE.Enable, GAP);
    this.state = 'enabled';
    this.inStep = 0;
    let index = 0;
    for (const rate of this.options.groups.values()) this.due[index++] = nextAfter(rate, this.pulse);
    const { slowUpdates, keepRaw } = this.options;
    if (slowUpdates) this.slowDue = nextAfter(slowUpdates, this.pulse);
    if (keepRaw) this.keepRawDue = nextAfter(keepRaw, this.pulse);
  }

  private nextEnabled(): true {
    const { due, options } = this;
    while (!this.stopping && (options.events === 0 || this.inStep < options.events)) {
      let pulse = due[0]!;
      for (let i = 1; i < due.length; i++) if (due[i]! < pulse) pulse = due[i]!;
      if (this.slowDue <= pulse) {
        this.slowUpdate(this.slowDue === pulse);
        return true;
      }
      const groups = this.take(pulse);
      this.triggers++;
      if ((groups & this.commonBit) === 0 && options.bypass !== 'keep') {
        this.bypassed++;
        continue;
      }
      this.event(pulse, groups);
      return true;
    }
    this.transition(SERVICE.Disable, GAP);
    this.state = 'disabled';
    return true;
  }

  /** Groups that fire on `pulse`; their next pulses are worked out. */
  private take(pulse: Ticks): number {
    const { due, bits, intervals } = this;
    let groups = 0;
    for (let i = 0; i < due.length; i++) {
      if (due[i] !== pulse) continue;
      groups |= bits[i]!;
      due[i] = pulse + intervals[i]!;
    }
    return groups;
  }

  private event(pulse: Ticks, groups: number): void {
    const { moment } = this;
    let low = ACCEPT | groups;
    if (pulse >= this.keepRawDue) {
      low |= KEEP_RAW;
      this.keepRawDue = nextAfter(this.options.keepRaw!, pulse);
    }
    moment.event = this.events++;
    this.inStep++;
    this.put(SERVICE.L1Accept, pulse, groups, low);
  }

  private slowUpdate(overtakes: boolean): void {
    const pulse = this.slowDue;
    if (overtakes) {
      this.take(pulse);
      this.triggers++;
      this.overtaken++;
    }
    this.slowDue = pulse + this.options.slowUpdates!.interval;
    this.put(SERVICE.SlowUpdate, pulse, this.allGroups, this.allGroups);
  }

  private transition(service: number, gap: Ticks): void {
    this.put(service, this.pulse + gap, this.allGroups, this.allGroups);
  }

  /** The tag is a 5-bit counter over all dgrams of the partition, as in recorded data. */
  private put(service: number, pulse: Ticks, groups: number, low: number): void {
    const { moment, clock } = this;
    this.pulse = pulse;
    clock.at(pulse);
    this.tag = (this.tag + 1) & TAG_MASK;
    moment.service = service;
    moment.pulseId = pulse;
    moment.sec = clock.sec;
    moment.nsec = clock.nsec;
    moment.groups = groups;
    moment.env = makeEnv(service, low | (this.tag << TAG_SHIFT));
  }
}
