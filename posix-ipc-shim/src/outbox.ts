/** Messages that wait, in order, for room in a queue. */
import { IpcError } from './errors.ts';

const ETIMEDOUT = 110;
const ECANCELED = 125;

export interface SendSoonOptions {
  /** Give up (ETIMEDOUT) after this time. Default: wait as long as the queue is open. */
  timeoutMs?: number;
  /** Give up with the signal's reason. */
  signal?: AbortSignal;
}

interface Waiting {
  attempt: () => boolean;
  settle: (error?: unknown) => void;
}

/**
 * Holds what could not be sent at once. The owner says when there may be room (`flush`) and learns when to look for it (`onWaiting`).
 */
export class Outbox {
  readonly #waiting: Waiting[] = [];
  readonly #target: string;
  readonly #onWaiting: (waiting: boolean) => void;

  constructor(target: string, onWaiting: (waiting: boolean) => void) {
    this.#target = target;
    this.#onWaiting = onWaiting;
  }

  /** While this is so, nothing else may be sent: it would overtake. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when `attempt` has succeeded; it runs after all that wait already. */
  add(attempt: () => boolean, options: SendSoonOptions): Promise<void> {
    const { timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (error?: unknown) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const entry: Waiting = { attempt, settle };
      const onAbort = () => this.#drop(entry, signal?.reason);
      if (signal?.aborted) return settle(signal.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined) {
        timer = setTimeout(() => this.#drop(entry, new IpcError(ETIMEDOUT, 'send', this.#target)), timeoutMs);
      }
      this.#waiting.push(entry);
      if (this.#waiting.length === 1) this.#onWaiting(true);
    });
  }

  /** Sends what it can. */
  flush(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        if (!first.attempt()) return;
        this.#drop(first, undefined);
      } catch (error) {
        this.#drop(first, error);
      }
    }
  }

  /** Everything that waits fails with ECANCELED. */
  cancel(): void {
    for (const entry of [...this.#waiting]) {
      this.#drop(entry, new IpcError(ECANCELED, 'send', this.#target, { advice: 'the queue was closed' }));
    }
  }

  #drop(entry: Waiting, error: unknown): void {
    const at = this.#waiting.indexOf(entry);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    if (this.#waiting.length === 0) this.#onWaiting(false);
    entry.settle(error);
  }
}
