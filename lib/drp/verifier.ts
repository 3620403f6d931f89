/** All checks of results in one place: those of events, one by one, and those of transitions, across workers (spec drp-python.md, section 2.7). */

import { DataError } from '../errors.ts';
import { SERVICE } from '../xtc/service.ts';
import type { Batch } from './batch.ts';
import { checkConfigure, checkHeader, checkStructure, sameConfigure } from './check-result.ts';
import type { Counters } from './counters.ts';
import { describe } from './emitter.ts';
import type { Outcome } from './outcome.ts';
import { type DrpOptions, resultLimit } from './types.ts';

export class Verifier {
  private readonly options: DrpOptions;
  private readonly counters: Counters;
  private verified = 0;

  constructor(options: DrpOptions, counters: Counters) {
    this.options = options;
    this.counters = counters;
  }

  /**
   * Results of events. A stale one of the existing protocol becomes an outcome of that kind; everything else that is wrong fails the worker.
   * @returns what is wrong, or undefined
   */
  events(batch: Batch, outcomes: Outcome[]): string | undefined {
    const asked = batch.underWay;
    if (outcomes.length > asked.length) return this.bad(`${outcomes.length} results for ${asked.length} dgrams`);
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[i]!;
      if ('trigger' in outcome && (outcome.trigger?.length ?? 0) > this.options.triggerBytes)
        return this.bad('trigger data above --trigger-size');
      if (outcome.kind !== 'changed') continue;
      const { offset, size } = asked[i]!;
      const wrong = this.result(batch.memory.subarray(offset, offset + size), outcome.bytes, this.options.pebble);
      if (wrong === 'stale' && this.options.transport === 'posix') outcomes[i] = { kind: 'stale' };
      else if (wrong !== undefined) return this.bad(wrong === 'stale' ? 'the result belongs to another dgram' : wrong);
    }
    return undefined;
  }

  private bad(why: string): string {
    this.counters.badResults++;
    return why;
  }

  private result(input: Buffer, result: Buffer, limit: number): string | undefined {
    const wrong = checkHeader(input, result, limit);
    if (wrong !== undefined) return wrong;
    const { verifyEvery } = this.options;
    return verifyEvery > 0 && this.verified++ % verifyEvery === 0 ? checkStructure(result) : undefined;
  }

  /**
   * Results of one transition, by worker. A stale one of the existing protocol becomes an outcome of that kind (check 3), but not at
   * Configure: the input lacks the descriptions of what the script is going to add.
   * @throws DataError `oversize`, `bad-result`, `bad-configure`, `unequal-configure`
   */
  transition(bytes: Buffer, service: number, outcomes: Outcome[]): void {
    const staleAllowed = this.options.transport === 'posix' && service !== SERVICE.Configure;
    outcomes.forEach((outcome, i) => {
      if (outcome.kind === 'oversize') {
        throw new DataError(
          'oversize',
          `the result of ${describe(bytes)} needs ${outcome.needed} bytes; a transition cannot be left out (--max-transition)`,
        );
      }
      if (outcome.kind !== 'changed') return;
      const wrong = checkHeader(bytes, outcome.bytes, resultLimit(this.options, service));
      if (wrong === 'stale' && staleAllowed) outcomes[i] = { kind: 'stale' };
      else if (wrong !== undefined) {
        const why = wrong === 'stale' ? 'the result belongs to another dgram' : wrong;
        throw new DataError('bad-result', `worker ${i}, ${describe(bytes)}: ${why}`);
      }
    });
    if (service !== SERVICE.Configure) return;
    const results = outcomes.map((outcome) => (outcome.kind === 'changed' ? outcome.bytes : bytes));
    const wrong = results[0]!.equals(bytes) ? undefined : checkConfigure(bytes, results[0]!);
    if (wrong !== undefined) throw new DataError('bad-configure', `the script's Configure is wrong: ${wrong}`);
    results.forEach((result, i) => {
      if (sameConfigure(result, results[0]!)) return;
      throw new DataError(
        'unequal-configure',
        `workers 0 and ${i} describe their data differently: the script must not depend on the worker there`,
      );
    });
  }
}
