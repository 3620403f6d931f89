/** What a local collector does with a closed heartbeat: merge, and pass on. Pure. */

import type { CompiledGraph } from '../compile/compiled.ts';
import { type Answer, addCounts, type Part } from './answer.ts';
import type { Closing } from './collector.ts';
import { Merging } from './merging.ts';
import { Side } from './side.ts';
import type { FailureReport } from './worker.ts';

export class LocalSide extends Side {
  protected readonly merging: Merging;

  /** @param run runs that have begun before */
  constructor(graph: CompiledGraph, run = 0, onFailure?: (report: FailureReport) => void) {
    super();
    this.merging = new Merging(graph, 'localCollector', run, onFailure);
  }

  /** The answer of this collector. */
  close({ heartbeat, answers, included, late, missing, closed, errors: below }: Closing): Answer {
    this.merging.begin(heartbeat);
    for (const answer of answers) this.merging.merge(answer);
    const parts = new Map<string, Part>();
    for (const { node, station, used, failed } of this.merging.nodes) {
      parts.set(node.spec.id, { used, failed, state: station.take(), fingerprint: node.fingerprint });
    }
    const run = this.merging.run;
    const errors = new Map(below);
    addCounts(errors, this.merging.errors);
    this.merging.end(heartbeat);
    return { heartbeat, run, included, late, missing, closed, parts, errors };
  }
}
