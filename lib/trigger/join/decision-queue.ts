/** Results of one decider that wait for their events, oldest first. What a result says is copied: its block may be used again. */

import { SERVICE } from '../../xtc/service.ts';
import type { PulseId } from '../types.ts';
import { RESULT } from '../wire/layout.ts';
import { ResultRecord } from '../wire/result.ts';
import type { Fate } from './fate.ts';

const SLOT = RESULT.extendedSize;
const FIRST_SLOTS = 64;

export class DecisionQueue {
  length = 0;
  /** Largest pid of the run. */
  last: PulseId = -1;
  lastService = -1;
  /** Runs that began in this stream. */
  run = 0;
  ended = false;
  /** Results of Configures that wait. */
  configures = 0;
  private first = 0;
  private capacity = FIRST_SLOTS;
  private bytes = Buffer.alloc(SLOT * FIRST_SLOTS);
  private lengths = new Uint8Array(FIRST_SLOTS);
  private runs = new Int32Array(FIRST_SLOTS);
  private readonly record = new ResultRecord();

  push(record: ResultRecord): void {
    if (this.length === this.capacity) this.grow();
    const at = (this.first + this.length++) & (this.capacity - 1);
    const size = Math.min(record.length, SLOT);
    record.block.copy(this.bytes, at * SLOT, record.at, record.at + size);
    this.lengths[at] = size;
    this.runs[at] = this.run;
    this.last = record.pid;
    this.lastService = record.service;
    if (record.service === SERVICE.Configure) this.configures++;
    if (this.length === 1) this.showFirst();
  }

  shift(): void {
    if (this.firstService === SERVICE.Configure) this.configures--;
    this.first = (this.first + 1) & (this.capacity - 1);
    this.length--;
    if (this.length > 0) this.showFirst();
  }

  /** Of the oldest; there must be one. */
  get firstPid(): PulseId {
    return this.record.pid;
  }
  get firstService(): number {
    return this.record.service;
  }
  get firstRun(): number {
    return this.runs[this.first]!;
  }

  /** Writes what the oldest says into a fate. */
  tell(fate: Fate): void {
    const { record } = this;
    fate.data = record.data;
    fate.monBufNo = record.monBufNo;
    fate.damage = record.damage;
    fate.flags = record.flags;
    fate.meb = record.meb;
    fate.missingLow = record.missingLow;
    fate.missingHigh = record.missingHigh;
  }

  private showFirst(): void {
    this.record.move(this.bytes, this.first * SLOT, this.lengths[this.first]!);
  }

  private grow(): void {
    const { first, capacity, bytes, lengths, runs } = this;
    this.capacity = 2 * capacity;
    this.bytes = Buffer.alloc(SLOT * this.capacity);
    bytes.copy(this.bytes, 0, first * SLOT);
    bytes.copy(this.bytes, (capacity - first) * SLOT, 0, first * SLOT);
    this.lengths = new Uint8Array(this.capacity);
    this.lengths.set(lengths.subarray(first));
    this.lengths.set(lengths.subarray(0, first), capacity - first);
    this.runs = new Int32Array(this.capacity);
    this.runs.set(runs.subarray(first));
    this.runs.set(runs.subarray(0, first), capacity - first);
    this.first = 0;
    this.showFirst();
  }
}
