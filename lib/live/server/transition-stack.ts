/** The transitions that are in force: a begin pushes, its end pops (spec live.md, "Transitions"). Pure. */

import { beginLevel, endLevel } from '../levels.ts';

export interface KeptTransition {
  readonly service: number;
  /** Memory of its own: the shared buffer may be needed for another one meanwhile. */
  readonly dgram: Buffer;
  /** Where it lies in shared memory, or -1. */
  buffer: number;
  /** It is in force, so newcomers get it. */
  cached: boolean;
  /** Clients that have not returned it. */
  holders: number;
}

export class TransitionStack {
  private readonly kept: KeptTransition[] = [];

  /** In force, Configure first. */
  get inForce(): readonly KeptTransition[] {
    return this.kept;
  }

  get configured(): boolean {
    return this.kept.length > 0;
  }

  /** True if exactly this dgram is in force: in a loop it need not come again. */
  has(dgram: Buffer): boolean {
    return this.kept.some((transition) => transition.dgram.equals(dgram));
  }

  /** Applies a transition. A begin without the one before it ended, and the other way round, is taken as what it says. @returns what is no longer in force */
  apply(transition: KeptTransition): KeptTransition[] {
    const begin = beginLevel(transition.service);
    const level = begin ?? endLevel(transition.service);
    if (level === undefined) return [];
    const at = this.kept.findIndex(({ service }) => beginLevel(service)! >= level);
    const gone = at < 0 ? [] : this.kept.splice(at);
    for (const old of gone) old.cached = false;
    if (begin !== undefined) {
      transition.cached = true;
      this.kept.push(transition);
    }
    return gone;
  }
}
