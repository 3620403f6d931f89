/**
 * What collectors were told since the last heartbeat that is closed, to tell it again to one that was away (docs/graph.md). Pure.
 * Bounded, because the manager issues no more than a few heartbeats ahead of what is closed.
 */

import type { Control, GraphText } from './messages.ts';

/** How things stood when a heartbeat had closed. */
export interface Standing {
  readonly closed: number;
  readonly run: number;
  readonly before: number;
  readonly graph: GraphText;
  readonly members: ReadonlyMap<number, readonly number[]>;
}

/** The heartbeat after which an entry has done its work. */
function actsUntil(entry: Control): number {
  if (entry.kind === 'marker') return entry.heartbeat;
  return entry.kind === 'passed' ? entry.after : entry.from - 1;
}

function apply(standing: Standing, entry: Control): Standing {
  switch (entry.kind) {
    case 'marker':
      return { ...standing, before: entry.before };
    case 'passed':
      return { ...standing, run: entry.run };
    case 'members':
      return { ...standing, members: entry.locals };
    case 'change':
      return { ...standing, graph: entry.graph };
  }
}

export class ControlLog {
  #base: Standing;
  #entries: Control[] = [];

  constructor(base: Standing) {
    this.#base = base;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(entry: Control): void {
    this.#entries.push(entry);
  }

  /** Everything up to heartbeat `k` is closed and is not told again. */
  closed(k: number): void {
    const { standing, entries } = this.after(k);
    this.#base = standing;
    this.#entries = entries;
  }

  /** For a collector that begins behind heartbeat `k`: how things stand then, and what follows, in order. */
  after(k: number): { standing: Standing; entries: Control[] } {
    let standing = this.#base;
    const entries: Control[] = [];
    for (const entry of this.#entries) {
      if (actsUntil(entry) <= k) standing = apply(standing, entry);
      else entries.push(entry);
    }
    return { standing: { ...standing, closed: Math.max(k, this.#base.closed) }, entries };
  }
}
