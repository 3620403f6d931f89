/** How long the event builder waits, and for how much. */

import type { Milliseconds } from '../types.ts';

export interface EventBuilderOptions {
  /** Open events before contributions are refused with `full`; default 65536. */
  maxOpen?: number;
  /** Age of the oldest event at which it is closed; 0 never, default 12 000. */
  timeoutMs?: Milliseconds;
  /** Close an event when a contribution is newer by more than this; undefined: never. */
  skewTicks?: number | undefined;
  /** A source silent this long while others speak is left out; 0 (default): never. */
  deadAfterMs?: Milliseconds;
  /** Build L1Accepts without the common bit too, instead of rejecting them with `no_common`. Default false. */
  bypass?: boolean;
}
