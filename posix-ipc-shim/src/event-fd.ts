/** A counter with a descriptor: the cheapest pollable wake-up between processes. */
import { Descriptor } from './descriptor.ts';
import { dispose } from './dispose.ts';
import { check, checkInteger, checkLimit, IpcError } from './errors.ts';
import { native } from './native.ts';
import { failWatch, Watch, type WatchOptions } from './watch.ts';

const EAGAIN = 11;
const ETIMEDOUT = 110;
const READABLE = 1;

export class EventFd {
  readonly #descriptor: Descriptor;
  readonly #watches = new Set<Watch>();

  private constructor(fd: number) {
    this.#descriptor = new Descriptor(fd);
  }

  /** A new counter. Give `fd` to a child as an entry of `stdio`. @throws IpcError EMFILE */
  static create(initial = 0): EventFd {
    return new EventFd(
      check(native().eventOpen(checkInteger('initial', initial, 0, 0xffffffff)), 'eventfd', 'a new counter'),
    );
  }

  /** Takes over a descriptor that was inherited; `close()` closes it. @throws IpcError EBADF */
  static adopt(fd: number): EventFd {
    return new EventFd(check(native().eventAdopt(checkInteger('fd', fd, 0)), 'eventfd', `descriptor ${fd}`));
  }

  /** -1 when closed. */
  get fd(): number {
    return this.#descriptor.fd;
  }

  /** Adds to the counter. False if the counter is full, that is, if a signal is pending anyway. @throws IpcError EBADF */
  signal(count = 1): boolean {
    const result = native().eventSignal(this.#descriptor.fd, checkInteger('count', count, 1));
    if (result === -EAGAIN) return false;
    check(result, 'eventfd', this.#target);
    return true;
  }

  /** The sum of the signals since the last take, 0 if there was none; waits for one at most `timeoutMs`, blocking the thread. @throws IpcError EBADF */
  take(timeoutMs = 0): number {
    const result = native().eventTake(this.#descriptor.fd, checkLimit(timeoutMs));
    if (result === -EAGAIN || result === -ETIMEDOUT) return 0;
    return check(result, 'eventfd', this.#target);
  }

  /** Calls back with the sum of the signals whenever there are some. @throws IpcError EBADF */
  watch(onSignal: (count: number) => void, options: Pick<WatchOptions, 'onError'> = {}): Watch {
    const target = this.#target;
    const onReadable = (status: number) => {
      const count = status < 0 ? status : native().eventTake(this.#descriptor.fd, 0);
      if (count > 0) onSignal(count);
      else if (count < 0 && count !== -EAGAIN)
        failWatch(watch, options.onError, new IpcError(-count, 'eventfd', target));
    };
    const id = check(native().watchFd(this.#descriptor.fd, READABLE, onReadable), 'watch', target);
    const watch = new Watch(id, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  /** Ends the watches and closes the descriptor. A second call does nothing. */
  close(): void {
    if (this.#descriptor.fd < 0) return;
    for (const watch of [...this.#watches]) watch.close();
    this.#descriptor.close();
  }

  [dispose](): void {
    this.close();
  }

  get #target(): string {
    return `eventfd ${this.#descriptor.fd}`;
  }
}
