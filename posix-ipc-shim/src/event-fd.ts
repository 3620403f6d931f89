/** A counter with a descriptor: the cheapest pollable wake-up between processes. */
import { closeSync } from 'node:fs';
import { dispose } from './dispose.ts';
import { check, checkInteger, checkLimit, IpcError } from './errors.ts';
import { native } from './native.ts';
import { failWatch, Watch, type WatchOptions } from './watch.ts';

const EAGAIN = 11;
const ETIMEDOUT = 110;
const READABLE = 1;

export class EventFd {
  #fd: number;
  readonly #watches = new Set<Watch>();

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** A new counter. Give `fd` to a child as an entry of `stdio`. @throws IpcError EMFILE */
  static create(initial = 0): EventFd {
    return new EventFd(
      check(native().eventOpen(checkInteger('initial', initial, 0, 0xffffffff)), 'eventfd', 'a new counter'),
    );
  }

  /** Takes over a descriptor that was inherited; `close()` closes it. */
  static adopt(fd: number): EventFd {
    return new EventFd(checkInteger('fd', fd, 0));
  }

  /** -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Adds to the counter. False if the counter is full, that is, if a signal is pending anyway. @throws IpcError EBADF */
  signal(count = 1): boolean {
    const result = native().eventSignal(this.#fd, checkInteger('count', count, 1));
    if (result === -EAGAIN) return false;
    check(result, 'eventfd', this.#target);
    return true;
  }

  /** The sum of the signals since the last take, 0 if there was none; waits for one at most `timeoutMs`, blocking the thread. @throws IpcError EBADF */
  take(timeoutMs = 0): number {
    const result = native().eventTake(this.#fd, checkLimit(timeoutMs));
    if (result === -EAGAIN || result === -ETIMEDOUT) return 0;
    return check(result, 'eventfd', this.#target);
  }

  /** Calls back with the sum of the signals whenever there are some. @throws IpcError EBADF */
  watch(onSignal: (count: number) => void, options: Pick<WatchOptions, 'onError'> = {}): Watch {
    const target = this.#target;
    const onReadable = (status: number) => {
      const count = status < 0 ? status : native().eventTake(this.#fd, 0);
      if (count > 0) onSignal(count);
      else if (count < 0 && count !== -EAGAIN)
        failWatch(watch, options.onError, new IpcError(-count, 'eventfd', target));
    };
    const id = check(native().watchFd(this.#fd, READABLE, onReadable), 'watch', target);
    const watch = new Watch(id, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  /** Ends the watches and closes the descriptor. A second call does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    for (const watch of [...this.#watches]) watch.close();
    closeSync(this.#fd);
    this.#fd = -1;
  }

  [dispose](): void {
    this.close();
  }

  get #target(): string {
    return `eventfd ${this.#fd}`;
  }
}
