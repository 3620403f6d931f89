/** What both kinds of collectors hear besides answers: a new graph, a configuration, a transition. Pure. */

import type { CompiledGraph } from '../compile/compiled.ts';
import type { Merging } from './merging.ts';

export abstract class Side {
  protected abstract readonly merging: Merging;

  /** States that came too late for their node or run. */
  get outdated(): number {
    return this.merging.outdated;
  }

  change(graph: CompiledGraph, from: number): void {
    this.merging.change(graph, from);
  }

  configure(after: number): void {
    this.merging.configure(after);
  }

  transition(name: string, after: number): void {
    this.merging.transition(name, after);
  }
}
