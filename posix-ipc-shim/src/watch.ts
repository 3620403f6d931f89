/** Being called by the event loop when something arrives. */
import { dispose } from './dispose.ts';
import type { IpcError } from './errors.ts';
import { native } from './native.ts';

/** An open watch. It keeps the program alive, like a server, unless `unref()` was called. */
export class Watch {
  #id: number | undefined;
  readonly #onClose: (() => void) | undefined;

  /** @param id of the binding */
  constructor(id: number, onClose?: () => void) {
    this.#id = id;
    this.#onClose = onClose;
  }

  get closed(): boolean {
    return this.#id === undefined;
  }

  /** No callback comes after this. What has not been delivered stays in the kernel. A second call does nothing. */
  close(): void {
    if (this.#id === undefined) return;
    native().closeWatch(this.#id);
    this.#id = undefined;
    this.#onClose?.();
  }

  ref(): this {
    if (this.#id !== undefined) native().referenceWatch(this.#id, true);
    return this;
  }

  unref(): this {
    if (this.#id !== undefined) native().referenceWatch(this.#id, false);
    return this;
  }

  [dispose](): void {
    this.close();
  }
}

/**
 * Called once per message. The message is the first `length` bytes of `buffer`, which is used again for the next one;
 * `type` is the type (System V) or the priority (POSIX).
 */
export type OnMessage = (buffer: Buffer, length: number, type: number) => void;

export interface WatchOptions {
  /** At most this many messages per turn of the event loop, so that others have their turn. Default 64. */
  maxBatch?: number;
  /**
   * The queue failed (for example EIDRM: it was removed). The watch is closed already. Without this function it is an uncaught exception.
   * What `onMessage` throws is not passed here: it is an uncaught exception, and the next message comes nevertheless.
   */
  onError?: (error: IpcError) => void;
}

/** Closes the watch and tells of the error; throws it when nobody listens. */
export function failWatch(watch: Watch, onError: WatchOptions['onError'], error: IpcError): void {
  watch.close();
  if (onError === undefined) throw error;
  onError(error);
}

/** Hands out messages until there is none (`empty`), the batch is full or the watch is closed. False after an error. */
export function deliver(
  watch: Watch,
  receive: (buffer: Buffer) => number,
  empty: number,
  buffer: Buffer,
  onMessage: OnMessage,
  maxBatch: number,
): number {
  const { lastType } = native();
  for (let count = 0; count < maxBatch && !watch.closed; count++) {
    const length = receive(buffer);
    if (length === empty) return 0;
    if (length < 0) return length;
    onMessage(buffer, length, lastType[0] as number);
  }
  return 0;
}
