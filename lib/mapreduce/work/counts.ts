/** What a worker counts: every event that it is given has one end. */

import type { Balance } from '../../cli/balance.ts';
import type { MessageCounts } from './assembly.ts';

export class WorkerCounts {
  given = 0;
  done = 0;
  failed = 0;
  incomplete = 0;
  /** Somebody else's, or nobody's, before the frames came. */
  withdrawn = 0;
  /** The map was stopped or replaced before. */
  unfinished = 0;
  results = 0;
  readonly messages: MessageCounts = { stale: 0, repeated: 0, unasked: 0 };

  /** Events that are being worked on. */
  get held(): number {
    return this.given - this.done - this.failed - this.incomplete - this.withdrawn - this.unfinished;
  }

  balance(info: Readonly<Record<string, number>>): Balance {
    const { given, done, failed, incomplete, withdrawn, unfinished, held, results, messages } = this;
    return {
      in: given,
      out: done,
      losses: { failed, incomplete, withdrawn, unfinished, held },
      info: {
        results,
        'stale-messages': messages.stale,
        'repeated-messages': messages.repeated,
        'unasked-messages': messages.unasked,
        ...info,
      },
    };
  }
}
