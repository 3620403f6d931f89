/** Events in order on their way to their results: those that the decider is asked about, and between them those that need no asking. */

import type { BuiltEvent } from '../building/built-event.ts';
import { EventBatch } from '../decide/batch.ts';

/** What an event is answered by: the decider, nobody (SlowUpdates), our own bypass, or another process of several deciders. */
export const FATE = { asked: 0, unasked: 1, bypass: 2, others: 3 } as const;

/** Events that need no asking do not fill a batch, but something must end it. */
const UNASKED_PER_ASKED = 4;

export class PendingBatch {
  /** The events that are asked about. */
  readonly request: EventBatch;
  /** All of them; `count` are in use. */
  readonly events: BuiltEvent[];
  readonly fates: Uint8Array;
  count = 0;
  /** When the decider got it, ms. */
  sentAt = 0;

  constructor(most: number) {
    this.request = new EventBatch(most);
    this.events = new Array<BuiltEvent>(UNASKED_PER_ASKED * most);
    this.fates = new Uint8Array(UNASKED_PER_ASKED * most);
  }

  get full(): boolean {
    return this.request.full || this.count === this.events.length;
  }

  add(event: BuiltEvent, fate: number): void {
    this.events[this.count] = event;
    this.fates[this.count] = fate;
    this.count++;
    if (fate === FATE.asked) this.request.add(event);
  }

  reset(): void {
    this.count = 0;
    this.request.reset();
  }
}
