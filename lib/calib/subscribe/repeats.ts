/** Which messages say what was heard already (docs/calib.md, "exactly once"). Pure. */

import type { ReceivedSet } from './received.ts';

type Told = Pick<ReceivedSet, 'origin' | 'seq' | 'exp' | 'run' | 'hash'>;

export class Repeats {
  private last: Told | undefined;

  /** Whether a message repeats the last one; if not, it is the last one from now on. */
  has(message: Told): boolean {
    const { last } = this;
    if (last?.origin === message.origin && message.seq <= last.seq) return true;
    this.last = message;
    // A publisher that was started again inside a run says that run once more.
    return (
      last !== undefined &&
      last.origin !== message.origin &&
      message.exp !== undefined &&
      message.exp === last.exp &&
      message.run === last.run &&
      message.hash === last.hash
    );
  }
}
