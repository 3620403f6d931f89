/** What travels upwards at a heartbeat (spec graph.md 2.1, 2.2). */

export type Closed = 'complete' | 'deadline' | 'depth' | 'overtaken' | 'end';

/** The state of one split node since the last answer. */
export interface Part {
  /** Events the operation used, and on which the node failed. */
  used: number;
  failed: number;
  state: unknown;
  /** Of the node it belongs to: states of a replaced node are not merged. */
  fingerprint: string;
}

/** The answer of one contributor: a worker, or a local collector. Nothing in it changes any more. */
export interface Answer {
  readonly heartbeat: number;
  /** Configures seen before these events: states of an earlier run do not mix with a later one. */
  readonly run: number;
  /** Events of this and of earlier heartbeats it stands for, by worker. */
  readonly included: ReadonlyMap<number, number>;
  /** How many of them belong to earlier heartbeats. */
  readonly late: number;
  /** Workers whose answer for this heartbeat is not in it, ascending. */
  readonly missing: readonly number[];
  readonly closed: Closed;
  readonly parts: ReadonlyMap<string, Part>;
  /** Failures of nodes by name, of the events included. */
  readonly errors: ReadonlyMap<string, number>;
}

export function addCounts<K>(to: Map<K, number>, from: ReadonlyMap<K, number>): void {
  for (const [key, count] of from) to.set(key, (to.get(key) ?? 0) + count);
}

export function total(counts: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
