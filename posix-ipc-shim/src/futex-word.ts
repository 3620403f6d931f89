/** A 32-bit word in shared memory on which processes wait for each other (futex). */
import { check, checkInteger, checkLimit, IpcError } from './errors.ts';
import { handleOf, type Mapping, onClose } from './mapping.ts';
import { native } from './native.ts';
import { Watch } from './watch.ts';

const EINVAL = 22;
const ETIMEDOUT = 110;

export interface WatchWordOptions {
  /** The value that was seen last: the first call comes when the word differs from it. Default: the value now. */
  seen?: number;
  /** How long the loop itself may look at the word before it sleeps, while changes come quickly. Default 50, 0 for never. */
  spinMicroseconds?: number;
}

/**
 * Values are unsigned. A change alone wakes nobody: who changes the word calls `wake()`.
 * After the mapping is closed every method throws.
 */
export class FutexWord {
  readonly mapping: Mapping;
  readonly byteOffset: number;
  readonly #word: Uint32Array;

  /** @throws IpcError EINVAL unless the offset is a multiple of 4 inside of the mapping */
  constructor(mapping: Mapping, byteOffset: number) {
    if (!Number.isInteger(byteOffset) || byteOffset % 4 !== 0 || byteOffset < 0 || byteOffset + 4 > mapping.size) {
      throw new IpcError(EINVAL, 'futex', mapping.target);
    }
    this.mapping = mapping;
    this.byteOffset = byteOffset;
    this.#word = new Uint32Array(mapping.buffer, byteOffset, 1);
  }

  load(): number {
    return Atomics.load(this.#word, 0);
  }

  store(value: number): void {
    Atomics.store(this.#word, 0, value);
  }

  /** Adds, and returns the value before. */
  add(difference: number): number {
    return Atomics.add(this.#word, 0, difference);
  }

  /** Stores `value` if the word is `expected`; returns what it was. */
  compareExchange(expected: number, value: number): number {
    return Atomics.compareExchange(this.#word, 0, expected, value);
  }

  /** Wakes up to `count` waiters, returns how many. @throws IpcError EBADF, EACCES (read-only mapping) */
  wake(count = 1): number {
    const result = native().wordWake(
      handleOf(this.mapping),
      this.byteOffset,
      checkInteger('count', count, 0, 0x7fffffff),
    );
    return check(result, 'futex', this.mapping.target);
  }

  /**
   * Blocks the thread while the word is `expected`, at most `timeoutMs`, the first `spinMicroseconds` of it without sleeping. True when
   * the word differs or a wake came; look at the word, for a wake may be meant for somebody else. @throws IpcError EBADF, EACCES
   */
  wait(expected: number, timeoutMs: number, spinMicroseconds = 0): boolean {
    const limit = checkLimit(timeoutMs);
    const result = native().wordWait(handleOf(this.mapping), this.byteOffset, expected, limit, spinMicroseconds);
    if (result === -ETIMEDOUT) return false;
    check(result, 'futex', this.mapping.target);
    return true;
  }

  /** Calls back with the new value when the word has changed (several changes may become one call). @throws IpcError EBADF, EACCES */
  watch(onChange: (value: number) => void, options: WatchWordOptions = {}): Watch {
    const { seen = this.load(), spinMicroseconds = 50 } = options;
    const { target } = this.mapping;
    const callback = (_: number, value: number) => onChange(value);
    const handle = handleOf(this.mapping);
    const id = check(native().watchWord(handle, this.byteOffset, seen, spinMicroseconds, callback), 'futex', target);
    const watch = new Watch(id, () => forget());
    const forget = onClose(this.mapping, () => watch.close());
    return watch;
  }
}
