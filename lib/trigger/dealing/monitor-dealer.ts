/**
 * Deals the buffers of the monitors to events (spec teb.md, sections 8.2 and 8.3). Pure.
 *
 * A buffer is free here, or it is out: with an event, a client, or not announced yet. Both together are always all of them (I18).
 */

import type { PulseId, TriggerConfig } from '../types.ts';
import { bufferOf, bufferWord, isBufferWord, mebOf } from '../wire/buffer-word.ts';
import { LIMIT } from '../wire/layout.ts';

/** What became of a word of the free-buffer stream. */
export type FreeVerdict =
  | 'free'
  /** It was free already; nothing changed. */
  | 'double'
  /** No such monitor or buffer, or not a buffer word, or one of another decider. */
  | 'foreign';

export interface MonitorDealerOptions {
  /** Buffers come by `free` (a free-buffer stream); otherwise all are free at Configure, and none comes back. Default false. */
  announced?: boolean;
  /** A slow group leaves what is reserved for other slow groups. Default false. */
  fairGroups?: boolean;
  /** Buffer b belongs to decider b mod count (section 2.5). Default 0 of 1. */
  decider?: { index: number; count: number };
}

export interface DealerCounts {
  /** Events that got a buffer, by position of the monitor in the configuration. */
  monitored: number[];
  /** Events that wished one and got none. */
  denied: number;
  /** Words of the free-buffer stream that were not taken. */
  doubleFree: number;
  foreign: number;
}

type MonitorParts = Pick<TriggerConfig, 'common' | 'drps' | 'mebs' | 'reserved' | 'monThrottle'>;

export class MonitorDealer {
  counts: DealerCounts;
  private readonly monitors: Monitor[];
  private readonly all: number;
  private readonly common: number;
  private readonly slowGroups: number;
  private readonly reserved: readonly number[];
  private readonly throttle: number;
  private readonly announced: boolean;
  private readonly fairGroups: boolean;
  private turn = 0;
  private lastMonitored: PulseId = 0;

  constructor({ common, drps, mebs, reserved, monThrottle }: MonitorParts, options: MonitorDealerOptions = {}) {
    const { announced = false, fairGroups = false, decider = { index: 0, count: 1 } } = options;
    this.monitors = mebs.map(({ id, buffers }) => new Monitor(id, buffers, decider));
    this.all = mebs.reduce((mask, { id }) => mask | (1 << id), 0);
    this.common = 1 << common;
    this.slowGroups = drps.reduce((groups, drp) => groups | (1 << drp.rog), 0) & ~this.common;
    this.reserved = reserved;
    this.throttle = monThrottle;
    this.announced = announced;
    this.fairGroups = fairGroups;
    this.counts = this.zeroCounts();
    for (const monitor of this.monitors) monitor.reserved = this.reservedIn(monitor, this.slowGroups);
    if (!announced) this.fill();
  }

  zeroCounts(): DealerCounts {
    return { monitored: this.monitors.map(() => 0), denied: 0, doubleFree: 0, foreign: 0 };
  }

  /** A new run (I11). Announced buffers stay as they are: their owner knows where they are. */
  configure(): void {
    this.turn = 0;
    this.lastMonitored = 0;
    if (!this.announced) this.fill();
  }

  /**
   * A buffer for an event.
   * @param wish bits of the monitors asked for
   * @returns the word of the buffer; 0 if nothing was asked for or there is none
   */
  deal(pid: PulseId, rogs: number, wish: number): number {
    if (wish === 0) return 0;
    const word = pid - this.lastMonitored <= this.throttle ? 0 : this.find(rogs, wish & this.all);
    if (word === 0) this.counts.denied++;
    else this.lastMonitored = pid;
    return word;
  }

  /** A word of the free-buffer stream. */
  free(word: number): FreeVerdict {
    const monitor = this.monitors.find(({ id }) => id === mebOf(word));
    const verdict = monitor && isBufferWord(word) ? monitor.put(bufferOf(word)) : 'foreign';
    if (verdict === 'double') this.counts.doubleFree++;
    if (verdict === 'foreign') this.counts.foreign++;
    return verdict;
  }

  /** Free buffers of a monitor; 0 if there is no such monitor. */
  freeBuffers(meb: number): number {
    return this.monitors.find(({ id }) => id === meb)?.freeCount ?? 0;
  }

  /** Buffers of a monitor that are out: with events and clients, or not announced yet. */
  outBuffers(meb: number): number {
    const monitor = this.monitors.find(({ id }) => id === meb);
    return monitor === undefined ? 0 : monitor.owned - monitor.freeCount;
  }

  private fill(): void {
    for (const monitor of this.monitors) monitor.fill();
  }

  /** Steps 2 and 3 of section 8.2. The turn moves on for every monitor tried, also in vain. */
  private find(rogs: number, wish: number): number {
    const { monitors } = this;
    const rotate = wish === this.all;
    let asked = wish;
    while (asked !== 0) {
      const position = rotate ? this.turn : monitors.findIndex(({ id }) => (asked >>> id) & 1);
      if (rotate) this.turn = (this.turn + 1) % monitors.length;
      const monitor = monitors[position]!;
      asked &= ~(1 << monitor.id);
      if (monitor.freeCount > this.need(monitor, rogs)) {
        this.counts.monitored[position]!++;
        return bufferWord(monitor.id, monitor.take(rogs & this.slowGroups));
      }
    }
    return 0;
  }

  /** Buffers that this event must leave (section 8.3). */
  private need(monitor: Monitor, rogs: number): number {
    const groups = rogs & this.slowGroups;
    if (groups === 0) return monitor.reserved;
    return this.fairGroups ? this.reservedIn(monitor, this.slowGroups & ~groups) : 0;
  }

  /** Reserved for some groups; with fair groups less those that their events have already. */
  private reservedIn(monitor: Monitor, groups: number): number {
    let sum = 0;
    for (let group = 0; group < LIMIT.groups; group++) {
      if (!((groups >>> group) & 1)) continue;
      sum += Math.max(0, Math.min(this.reserved[group]!, monitor.owned) - monitor.used[group]!);
    }
    return sum;
  }
}

/** The buffers of one monitor that belong to this decider. */
class Monitor {
  readonly id: number;
  /** Number of buffers: of ours, not of other deciders. */
  readonly owned: number;
  freeCount = 0;
  /** Reserved for slow groups, when none is used. */
  reserved = 0;
  /** Buffers that events of each group have. */
  readonly used = new Int32Array(LIMIT.groups);
  private readonly decider: { index: number; count: number };
  private readonly buffers: number;
  /** Ring of free buffers, oldest first. */
  private readonly ring: Int32Array;
  private first = 0;
  private readonly isFree: Uint8Array;
  /** Groups of the event that has the buffer. */
  private readonly groups: Uint8Array;

  constructor(id: number, buffers: number, decider: { index: number; count: number }) {
    this.id = id;
    this.buffers = buffers;
    this.decider = decider;
    this.owned = Math.max(0, Math.ceil((buffers - decider.index) / decider.count));
    this.ring = new Int32Array(this.owned);
    this.isFree = new Uint8Array(buffers);
    this.groups = new Uint8Array(buffers);
  }

  /** All buffers are free. */
  fill(): void {
    this.first = 0;
    this.freeCount = 0;
    this.isFree.fill(0);
    this.groups.fill(0);
    this.used.fill(0);
    for (let buffer = this.decider.index; buffer < this.buffers; buffer += this.decider.count) this.put(buffer);
  }

  put(buffer: number): FreeVerdict {
    if (buffer >= this.buffers || buffer % this.decider.count !== this.decider.index) return 'foreign';
    if (this.isFree[buffer] === 1) return 'double';
    this.isFree[buffer] = 1;
    this.count(this.groups[buffer]!, -1);
    this.groups[buffer] = 0;
    this.ring[(this.first + this.freeCount++) % this.owned] = buffer;
    return 'free';
  }

  /** The buffer that has been free for longest; there is one. */
  take(groups: number): number {
    const buffer = this.ring[this.first]!;
    this.first = (this.first + 1) % this.owned;
    this.freeCount--;
    this.isFree[buffer] = 0;
    this.groups[buffer] = groups;
    this.count(groups, 1);
    return buffer;
  }

  private count(groups: number, step: number): void {
    for (let group = 0; group < LIMIT.groups; group++) if ((groups >>> group) & 1) this.used[group]! += step;
  }
}
