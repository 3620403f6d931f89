/**
 * Builds events from the contributions of many sources (spec teb.md, sections 4.1 to 4.3). Pure: records and time come in, closed events
 * come out.
 *
 * Open events are a list in increasing pid, and only the oldest may leave. Every source walks along that list with a cursor of its own,
 * since its pids increase; so finding the event of a contribution takes one step. The oldest event waits for ONE source at a time,
 * `awaited`: the first member that has not contributed, and has shown nothing newer. Only what that source does can let the event
 * leave, so nothing else is looked at per contribution.
 *
 * Events are closed as soon as they may be, inside `contribute`: what is rejected, and by which name, then depends on the order of
 * arrival alone and not on when somebody asked for events.
 */

import { SERVICE } from '../../xtc/service.ts';
import type { Milliseconds, PulseId, Rejection, SourceMask, Verdict } from '../types.ts';
import type { EbDgram } from '../wire/eb-dgram.ts';
import { DAMAGE, ENV, LIMIT } from '../wire/layout.ts';
import { countSources, hasSource, lowestBit, NO_SOURCES, sourcesOf } from '../wire/masks.ts';
import type { BuiltEvent } from './built-event.ts';
import { ClosedEvents } from './closed-events.ts';
import { type Contracts, FOREIGN } from './contracts.ts';
import { type BuilderCounts, zeroCounts } from './counts.ts';
import { EventTable, NONE, WHY } from './event-table.ts';
import type { EventBuilderOptions } from './options.ts';
import { SlotQueue } from './slot-queue.ts';

/** Before any pid. */
const NEVER = -1;
/** Why nothing waits for a source. */
const ENDED = 1;
const DEAD = 2;
const NEVER_COMES = Number.POSITIVE_INFINITY;

export class EventBuilder {
  readonly contracts: Contracts;
  counts: BuilderCounts = zeroCounts();
  /** Missing sources of the last event that was fixed up. */
  lastMissing: SourceMask = NO_SOURCES;
  private readonly maxOpen: number;
  private readonly timeoutMs: Milliseconds;
  private readonly skewTicks: number;
  private readonly deadAfterMs: Milliseconds;
  /** An L1Accept must have one of these bits. */
  private readonly required: number;

  private readonly table: EventTable;
  private readonly closed: ClosedEvents;
  /** Closed events, oldest first: those that were taken, then those that wait. */
  private readonly ready = new SlotQueue();
  private open = 0;

  /** By index of the source: largest pid shown, by contribution or marker (it is `last` and `wm` of the specification). */
  private readonly shown: Float64Array;
  /** Bits ENDED and DEAD: nothing waits for it. */
  private readonly silent: Uint8Array;
  private readonly heard: Float64Array;
  private readonly cursor: Int32Array;
  private readonly cursorPid: Float64Array;

  /** Index of the source the oldest event waits for, NONE if there is no event. */
  private awaitedIndex = NONE;
  /** When the oldest event is too old. */
  private oldestDeadline = NEVER_COMES;
  private lastHeard = Number.NEGATIVE_INFINITY;
  /** Pid of the newest contribution, of the event that left last, and whether that was a Configure. */
  private newest = NEVER;
  private left = NEVER;
  private leftConfigure = false;

  constructor(contracts: Contracts, options: EventBuilderOptions = {}) {
    const { maxOpen = 65_536, timeoutMs = LIMIT.timeoutMs, skewTicks, deadAfterMs = 0, bypass = false } = options;
    this.contracts = contracts;
    this.maxOpen = maxOpen;
    this.timeoutMs = timeoutMs === 0 ? NEVER_COMES : timeoutMs;
    this.skewTicks = skewTicks ?? NEVER_COMES;
    this.deadAfterMs = deadAfterMs === 0 ? NEVER_COMES : deadAfterMs;
    this.required = bypass ? ENV.groups : contracts.commonBit;
    this.table = new EventTable(contracts);
    this.closed = new ClosedEvents(timeoutMs);
    const sources = contracts.sources.length;
    this.shown = new Float64Array(sources).fill(NEVER);
    this.silent = new Uint8Array(sources);
    this.heard = new Float64Array(sources);
    this.cursor = new Int32Array(sources).fill(NONE);
    this.cursorPid = new Float64Array(sources);
  }

  /**
   * Offers a contribution or a marker. The record's block must stay as it is until the event is released.
   * @returns what became of it; with `full` nothing happened and the same record must be offered again later
   */
  contribute(record: EbDgram, now: Milliseconds): Verdict {
    const verdict = this.judge(record, now);
    if (now >= this.oldestDeadline) this.examine(now);
    return verdict;
  }

  /** The rules of section 4.1 in their order. */
  private judge(record: EbDgram, now: Milliseconds): Verdict {
    const index = this.contracts.indexOf(record.source);
    const kind = (record.env >>> ENV.kindShift) & 3;
    if (index === FOREIGN) return kind === ENV.marker ? 'marker' : this.reject('foreign');
    this.hear(index, now);
    if (kind === ENV.marker) {
      this.counts.markers++;
      this.advance(index, record.pid, now);
      return 'marker';
    }
    const { pid, env } = record;
    const service = (env >>> ENV.serviceShift) & 0xf;
    if (service === SERVICE.L1Accept || service === SERVICE.SlowUpdate) {
      if (service === SERVICE.L1Accept && !(env & this.required)) return this.pass(index, pid, 'no_common', now);
      if (!(env & this.contracts.groupBit[index]!)) return this.reject('foreign');
    } else if (service === SERVICE.Configure && this.isRestart(index, pid)) {
      if (this.table.used >= this.maxOpen) return 'full';
      this.restart(pid);
    }

    if (pid <= this.left) return this.tooLate(index, record.source, pid, now);
    const { table } = this;
    const found = table.tail === NONE || pid > table.pid[table.tail]! ? NONE : this.seek(index, pid);
    if (found === NONE || table.pid[found] !== pid) return this.create(index, record, found, now);
    if (table.has(found, record.source)) return this.reject('duplicate');
    if (pid <= this.shown[index]!) return this.reject('back');
    if (service !== ((table.env[found]! >>> ENV.serviceShift) & 0xf)) return this.reject('svc_mismatch');
    return this.accept(index, record, found, now);
  }

  /** The end of a source's input: it will not contribute any more, so nothing waits for it (until it speaks again). */
  end(source: number, now: Milliseconds): void {
    this.silence(source, ENDED, now);
  }

  /** The end of all inputs; every open event leaves. */
  endAll(now: Milliseconds): void {
    for (let index = 0; index < this.silent.length; index++) this.silent[index]! |= ENDED;
    this.examine(now);
  }

  /** A source's connection broke: it is dead until it speaks again. */
  lost(source: number, now: Milliseconds): void {
    this.silence(source, DEAD, now);
  }

  /** Lets time pass: timeouts, and sources that are silent for too long. */
  tick(now: Milliseconds): void {
    for (let index = 0; index < this.heard.length; index++) {
      if (this.lastHeard - this.heard[index]! >= this.deadAfterMs) this.silent[index]! |= DEAD;
    }
    this.examine(now);
  }

  /** When the oldest event will be too old: call `tick` then; undefined if never. */
  get deadline(): Milliseconds | undefined {
    return this.oldestDeadline === NEVER_COMES ? undefined : this.oldestDeadline;
  }

  /** The next closed event, undefined if there is none. It is valid until it is released. */
  next(): BuiltEvent | undefined {
    const slot = this.ready.take();
    return slot === NONE ? undefined : this.table.view(slot);
  }

  /** Gives back the oldest `count` events that were taken. */
  release(count = 1): void {
    for (let i = 0; i < count; i++) this.table.free(this.ready.shift());
  }

  /** Closed events that nobody has taken yet. */
  get waiting(): number {
    return this.ready.waiting;
  }

  /** Events that are not complete, or wait for older ones. */
  get openEvents(): number {
    return this.open;
  }

  /** The source that the oldest open event waits for. */
  get awaited(): number | undefined {
    return this.awaitedIndex === NONE ? undefined : this.contracts.sources[this.awaitedIndex];
  }

  /** Largest pid that a source has shown; -1 if none in this run. */
  watermark(source: number): PulseId {
    return this.shown[this.contracts.indexOf(source)] ?? NEVER;
  }

  /** Whether nothing waits for a source because of its silence or a broken connection. */
  isDead(source: number): boolean {
    return ((this.silent[this.contracts.indexOf(source)] ?? 0) & DEAD) !== 0;
  }

  private silence(source: number, why: number, now: Milliseconds): void {
    const index = this.contracts.indexOf(source);
    if (index === FOREIGN) return;
    this.silent[index]! |= why;
    this.examine(now);
  }

  /** The source speaks: it is alive. */
  private hear(index: number, now: Milliseconds): void {
    if (this.deadAfterMs !== NEVER_COMES) {
      if (this.lastHeard === Number.NEGATIVE_INFINITY) this.heard.fill(now);
      this.lastHeard = now;
      this.heard[index] = now;
    }
    if (this.silent[index] === 0) return;
    this.silent[index] = 0;
    if (index < this.awaitedIndex && this.blocksOldest(index)) this.awaitedIndex = index;
  }

  private blocksOldest(index: number): boolean {
    const { table } = this;
    const { head } = table;
    const source = this.contracts.sources[index]!;
    if (!hasSource(table.expectedLow[head]!, table.expectedHigh[head]!, source)) return false;
    return !table.has(head, source) && this.shown[index]! < table.pid[head]!;
  }

  private reject(reason: Rejection): Rejection {
    this.counts.contributions++;
    this.counts.rejected[reason]++;
    return reason;
  }

  /** Rejects a contribution that shows how far its source is all the same. */
  private pass(index: number, pid: PulseId, reason: Rejection, now: Milliseconds): Rejection {
    if (pid > this.newest && pid > this.shown[index]!) this.newest = pid;
    this.advance(index, pid, now);
    return this.reject(reason);
  }

  private advance(index: number, pid: PulseId, now: Milliseconds): void {
    if (pid > this.shown[index]!) this.shown[index] = pid;
    this.examineIfDue(index, now);
  }

  /** A contribution for an event that has left, or that is older than one that has (rules 4 to 6). */
  private tooLate(index: number, source: number, pid: PulseId, now: Milliseconds): Rejection {
    const entry = this.closed.find(pid);
    if (entry !== NONE && this.closed.wasPresent(entry, source)) return this.reject('duplicate');
    const missed = entry !== NONE && this.closed.wasMissing(entry, source);
    if (!missed && pid <= this.shown[index]!) return this.reject('back');
    return this.pass(index, pid, 'late', now);
  }

  /** The oldest open event with this pid or a newer one; there is one. */
  private seek(index: number, pid: PulseId): number {
    const { pid: pids, next, previous } = this.table;
    let slot = this.cursor[index]!;
    if (slot === NONE || pids[slot] !== this.cursorPid[index] || this.cursorPid[index]! <= this.left)
      slot = this.table.head;
    if (pids[slot]! < pid) {
      do slot = next[slot]!;
      while (pids[slot]! < pid);
      return slot;
    }
    for (let older = previous[slot]!; older !== NONE && pids[older]! >= pid; older = previous[slot]!) slot = older;
    return slot;
  }

  /** Begins an event before `found`. */
  private create(index: number, record: EbDgram, found: number, now: Milliseconds): Verdict {
    if (record.pid <= this.shown[index]!) return this.reject('back');
    // The awaited source must always get through, or nothing would ever leave; everybody else waits for room.
    if (this.table.used >= this.maxOpen && (index !== this.awaitedIndex || this.ready.length > 0)) return 'full';
    const slot = this.table.open(record.pid, record.env, index, found, now);
    this.open++;
    const verdict = this.accept(index, record, slot, now);
    if (this.table.head === slot) this.examine(now);
    return verdict;
  }

  private accept(index: number, record: EbDgram, slot: number, now: Milliseconds): Verdict {
    const { table, counts } = this;
    const { pid } = record;
    table.add(slot, index, record.source, record);
    const agrees = ((table.env[slot]! ^ record.env) & ENV.groups) === 0;
    if (!agrees) {
      table.damage[slot]! |= DAMAGE.outOfSynch;
      counts.rejected.rogs_mismatch++;
    }
    counts.contributions++;
    counts.accepted++;
    this.shown[index] = pid;
    this.cursor[index] = slot;
    this.cursorPid[index] = pid;
    if (pid > this.newest) this.newest = pid;
    this.examineIfDue(index, now);
    return agrees ? 'accepted' : 'rogs_mismatch';
  }

  private examineIfDue(index: number, now: Milliseconds): void {
    const { head, pid } = this.table;
    if (head === NONE) return;
    if (index === this.awaitedIndex || this.newest - pid[head]! > this.skewTicks) this.examine(now);
  }

  /** Lets events leave, oldest first, as long as they may (section 4.2); then knows the awaited source. */
  private examine(now: Milliseconds): void {
    const { table } = this;
    this.awaitedIndex = NONE;
    this.oldestDeadline = NEVER_COMES;
    while (table.head !== NONE) {
      const why = this.reasonToClose(table.head, now);
      if (why === NONE) {
        this.oldestDeadline = table.firstSeen[table.head]! + this.timeoutMs;
        return;
      }
      this.leave(table.head, why, now);
    }
  }

  /** Why the oldest event may leave; NONE if it may not, and then `awaitedIndex` is set. */
  private reasonToClose(slot: number, now: Milliseconds): number {
    const { table } = this;
    const missingLow = table.expectedLow[slot]! & ~table.presentLow[slot]!;
    const missingHigh = table.expectedHigh[slot]! & ~table.presentHigh[slot]!;
    if ((missingLow | missingHigh) === 0) return WHY.complete;
    const pid = table.pid[slot]!;
    let why: number = WHY.watermark;
    let blocked = false;
    for (let low = missingLow, high = missingHigh; (low | high) !== 0; ) {
      const source = low !== 0 ? lowestBit(low) : 32 + lowestBit(high);
      if (low !== 0) low &= low - 1;
      else high &= high - 1;
      const index = this.contracts.indexOf(source);
      if (this.shown[index]! >= pid) continue;
      const silent = this.silent[index]!;
      if (silent & ENDED) why = WHY.eof;
      else {
        blocked = true;
        if (silent === 0 && this.awaitedIndex === NONE) this.awaitedIndex = index;
      }
    }
    if (!blocked) return why;
    const late =
      this.newest - pid > this.skewTicks
        ? WHY.skew
        : now - table.firstSeen[slot]! >= this.timeoutMs
          ? WHY.timeout
          : NONE;
    if (late === NONE && this.awaitedIndex !== NONE) return NONE;
    this.awaitedIndex = NONE;
    return late === NONE ? why : late;
  }

  private leave(slot: number, why: number, now: Milliseconds): void {
    const { table, counts } = this;
    const presentLow = table.presentLow[slot]!;
    const presentHigh = table.presentHigh[slot]!;
    const missingLow = table.expectedLow[slot]! & ~presentLow;
    const missingHigh = table.expectedHigh[slot]! & ~presentHigh;
    if (why === WHY.skew || why === WHY.timeout) table.damage[slot]! |= DAMAGE.timedOut;
    if ((missingLow | missingHigh) !== 0) this.fixUp(slot, missingLow, missingHigh);
    table.why[slot] = why;
    const service = (table.env[slot]! >>> ENV.serviceShift) & 0xf;
    if (service === SERVICE.L1Accept) counts.events++;
    else counts.transitions++;
    counts.built += countSources(presentLow, presentHigh);
    this.left = table.pid[slot]!;
    this.leftConfigure = service === SERVICE.Configure;
    if (this.leftConfigure) this.closed.clear();
    this.closed.add(this.left, presentLow, presentHigh, missingLow, missingHigh, now);
    table.unlinkHead();
    this.open--;
    this.ready.push(slot);
  }

  private fixUp(slot: number, missingLow: number, missingHigh: number): void {
    const { counts } = this;
    this.table.damage[slot]! |= DAMAGE.droppedContribution;
    counts.fixedUp++;
    for (const source of sourcesOf(missingLow, missingHigh)) counts.missing[source] = (counts.missing[source] ?? 0) + 1;
    this.lastMissing = { low: missingLow, high: missingHigh };
  }

  /** A Configure that goes back while nothing is open begins a new run; the one that left last, once more, is only a duplicate. */
  private isRestart(index: number, pid: PulseId): boolean {
    if (this.open > 0 || pid > this.shown[index]!) return false;
    return !(this.leftConfigure && pid === this.left);
  }

  /**
   * Everything anew (I11). Events that have left stay what they are; what is older than the Configure belongs to the run before, so it is
   * as late as if the Configure had left.
   */
  private restart(configure: PulseId): void {
    this.shown.fill(NEVER);
    this.cursor.fill(NONE);
    this.closed.clear();
    this.newest = NEVER;
    this.left = configure - 1;
    this.leftConfigure = false;
  }
}
