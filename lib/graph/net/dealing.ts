/** Events on their way from the source to workers: numbered, put together, and never more than a worker may have waiting. Pure. */

import type { Dealer } from '../run/dealer.ts';
import { Batch, type EventData, sizeOf } from './batch.ts';
import type { Ledger } from './ledger.ts';
import type { Message } from './messages.ts';
import type { Session } from './sessions.ts';

const BATCH_BYTES = 256 * 1024;
const BATCH_EVENTS = 4096;

export class Dealing {
  readonly #dealer: Dealer;
  readonly #ledger: Ledger;
  readonly #queue: number;
  readonly #session: (worker: number) => Session | undefined;
  readonly #post: (session: Session, message: Message) => void;
  readonly #batches = new Map<number, Batch>();

  /** @param queue bytes of events that may wait for one worker; one event always may */
  constructor(
    dealer: Dealer,
    ledger: Ledger,
    queue: number,
    session: (worker: number) => Session | undefined,
    post: (session: Session, message: Message) => void,
  ) {
    this.#dealer = dealer;
    this.#ledger = ledger;
    this.#queue = queue;
    this.#session = session;
    this.#post = post;
  }

  /** @returns false if no worker can take it now */
  deal(event: EventData, time: number): boolean {
    const size = sizeOf(event);
    const dealt = this.#dealer.deal(time, (worker) => this.#canTake(worker, size));
    if (!dealt) return false;
    const { worker, number } = dealt;
    this.#ledger.dealtTo(worker);
    let batch = this.#batches.get(worker);
    if (!batch) {
      batch = new Batch();
      this.#batches.set(worker, batch);
    }
    batch.add(number, event, size);
    if (batch.bytes >= BATCH_BYTES || batch.length >= BATCH_EVENTS) this.#send(worker, batch);
    return true;
  }

  #canTake(worker: number, size: number): boolean {
    const waiting = (this.#session(worker)?.outstanding ?? 0) + (this.#batches.get(worker)?.bytes ?? 0);
    return waiting === 0 || waiting + size <= this.#queue;
  }

  /** Sends what is ready. Before a marker, and before the memory of events is used again. */
  flush(): void {
    for (const [worker, batch] of this.#batches) if (batch.length > 0) this.#send(worker, batch);
  }

  #send(worker: number, batch: Batch): void {
    const session = this.#session(worker);
    const { bytes } = batch;
    const message = batch.take();
    if (!session) return;
    session.outstanding += bytes;
    this.#post(session, message);
  }
}
