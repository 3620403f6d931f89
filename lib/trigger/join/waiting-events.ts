/** Events that wait for their decisions, oldest first: a ring of numbers that grows. */

import type { Milliseconds, PulseId } from '../types.ts';
import type { RejectReason } from './counts.ts';

export class WaitingEvents {
  length = 0;
  private first = 0;
  private capacity = 64;
  private pids = new Float64Array(this.capacity);
  private envs = new Int32Array(this.capacity);
  private arrivals = new Float64Array(this.capacity);
  private flaws: (RejectReason | undefined)[] = Array(this.capacity).fill(undefined);

  push(pid: PulseId, env: number, flaw: RejectReason | undefined, now: Milliseconds): void {
    if (this.length === this.capacity) this.grow();
    const at = (this.first + this.length++) & (this.capacity - 1);
    this.pids[at] = pid;
    this.envs[at] = env;
    this.arrivals[at] = now;
    this.flaws[at] = flaw;
  }

  shift(): void {
    this.first = (this.first + 1) & (this.capacity - 1);
    this.length--;
  }

  /** Of the oldest; there must be one. */
  get pid(): PulseId {
    return this.pids[this.first]!;
  }
  get env(): number {
    return this.envs[this.first]!;
  }
  get arrived(): Milliseconds {
    return this.arrivals[this.first]!;
  }
  get flaw(): RejectReason | undefined {
    return this.flaws[this.first];
  }

  private grow(): void {
    const { first, capacity } = this;
    const order = <T extends Float64Array | Int32Array>(old: T, grown: T): T => {
      grown.set(old.subarray(first));
      grown.set(old.subarray(0, first), capacity - first);
      return grown;
    };
    this.capacity = 2 * capacity;
    this.pids = order(this.pids, new Float64Array(this.capacity));
    this.envs = order(this.envs, new Int32Array(this.capacity));
    this.arrivals = order(this.arrivals, new Float64Array(this.capacity));
    const flaws = [...this.flaws.slice(first), ...this.flaws.slice(0, first)];
    this.flaws = flaws.concat(Array(capacity).fill(undefined));
    this.first = 0;
  }
}
