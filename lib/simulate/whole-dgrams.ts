/** Puts the pieces of a dgram together, for takers that want whole dgrams (sockets, programs). */

import type { Taker } from './out-block.ts';

export class WholeDgrams implements Taker {
  private pieces: Buffer[] = [];

  bytes(view: Buffer): void {
    this.pieces.push(view);
  }

  /** The pieces since the last call as one; a view if there is only one. Undefined if there are none. */
  take(): Buffer | undefined {
    const { pieces } = this;
    this.pieces = [];
    return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0];
  }
}
