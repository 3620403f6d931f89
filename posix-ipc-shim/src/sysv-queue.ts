/** System V message queues. They have no descriptor: docs/design.md says how the event loop waits for them. */
import { readFileSync } from 'node:fs';
import { dispose } from './dispose.ts';
import { check, checkInteger, checkLimit, IpcError } from './errors.ts';
import { native } from './native.ts';
import { Outbox, type SendSoonOptions } from './outbox.ts';
import { existingKey, IPC_CREAT, IPC_EXCL, kernelKey, showKey } from './sysv-key.ts';
import { deliver, failWatch, type OnMessage, Watch, type WatchOptions } from './watch.ts';

const ENOENT = 2;
const EBADF = 9;
const EAGAIN = 11;
const EINVAL = 22;
const ENOMSG = 42;
const EIDRM = 43;
const ETIMEDOUT = 110;
const EBUSY = 16;

/** What the kernel knows about a queue; times in seconds since 1970, 0 for never. */
export interface SysvQueueStatus {
  id: number;
  key: number;
  mode: number;
  messages: number;
  bytes: number;
  lastSender: number;
  lastReceiver: number;
  uid: number;
  gid: number;
  sendTime: number;
  receiveTime: number;
  changeTime: number;
}

export interface CreateSysvQueueOptions {
  /** Permission bits, not subject to the umask. Default 0600. */
  mode?: number;
  /** Bytes of all messages together; above kernel.msgmnb only with CAP_SYS_RESOURCE. Default: what the kernel gives. */
  maxBytes?: number;
  /** What to do with a queue under this key: fail (EEXIST), or open it as it is. Default fail. */
  ifExists?: 'fail' | 'open';
}

export interface SysvSendOptions extends SendSoonOptions {
  /** A positive number. Default 1. */
  type?: number;
}

export interface SysvWatchOptions extends WatchOptions {
  /** As `wantedType` of `tryReceive`. Default 0. */
  wantedType?: number;
  /** The largest message in bytes. Default kernel.msgmax. */
  messageSize?: number;
  /** How long the loop itself may look for the next message before it sleeps, while messages come quickly. Default 50, 0 for never. */
  spinMicroseconds?: number;
}

const showId = (id: number) => `queue ${id}`;

function largestMessage(): number {
  return Number(readFileSync('/proc/sys/kernel/msgmax', 'latin1'));
}

export class SysvQueue {
  readonly id: number;
  /** Key or id, as errors show it. */
  readonly target: string;
  #closed = false;
  readonly #watches = new Set<Watch>();
  #retry: NodeJS.Timeout | undefined;
  readonly #outbox: Outbox;

  private constructor(id: number, target: string) {
    this.id = id;
    this.target = target;
    this.#outbox = new Outbox(target, (waiting) => this.#awaitRoom(waiting));
  }

  /** Creates a queue (`key` may be IPC_PRIVATE). @throws IpcError EEXIST, ENOSPC, EACCES, EPERM (maxBytes), ... */
  static create(key: number, options: CreateSysvQueueOptions = {}): SysvQueue {
    const mode = checkInteger('mode', options.mode ?? 0o600, 0, 0o777);
    const exclusive = options.ifExists === 'open' ? 0 : IPC_EXCL;
    const id = check(native().msgGet(kernelKey(key), IPC_CREAT | exclusive | mode), 'msgget', showKey(key));
    try {
      if (options.maxBytes !== undefined) check(native().msgSet(id, -1, options.maxBytes), 'msgctl', showKey(key));
    } catch (error) {
      if (exclusive !== 0) native().msgRemove(id);
      throw error;
    }
    return new SysvQueue(id, showKey(key));
  }

  /** The queue under a key. @throws IpcError ENOENT */
  static open(key: number): SysvQueue {
    return new SysvQueue(check(native().msgGet(existingKey(key), 0), 'msgget', showKey(key)), showKey(key));
  }

  /** The queue with an id. Whether it exists shows at the first use. */
  static fromId(id: number): SysvQueue {
    return new SysvQueue(checkInteger('id', id, 0), showId(id));
  }

  /** The id of the queue under a key, or undefined. No permission is needed. @throws IpcError */
  static find(key: number): number | undefined {
    const id = native().msgGet(existingKey(key), 0);
    return id === -ENOENT ? undefined : check(id, 'msgget', showKey(key));
  }

  /** @throws IpcError EINVAL (no such queue), EACCES */
  static stat(id: number): SysvQueueStatus & { maxBytes: number } {
    const fields = native().msgStat(id);
    if (typeof fields === 'number') throw new IpcError(-fields, 'msgctl', showId(id));
    return statusOf(id, fields);
  }

  /** Removes a queue and its messages; who waits for it gets EIDRM. False when it is gone already. @throws IpcError EPERM */
  static remove(id: number): boolean {
    const result = native().msgRemove(id);
    if (result === -EINVAL || result === -EIDRM) return false;
    check(result, 'msgctl', showId(id));
    return true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The type of the message that was received last, by any queue of this thread. */
  get lastType(): number {
    return native().lastType[0] as number;
  }

  stat(): SysvQueueStatus & { maxBytes: number } {
    return SysvQueue.stat(this.id);
  }

  /** @throws IpcError EPERM, EINVAL */
  setMode(mode: number): void {
    check(native().msgSet(this.id, checkInteger('mode', mode, 0, 0o777), -1), 'msgctl', this.target);
  }

  /** Sends if there is room, and says whether. @throws IpcError EINVAL (too long, type not positive), EIDRM, EACCES */
  trySend(data: Uint8Array, type = 1): boolean {
    if (this.#outbox.busy) return false;
    return this.#sent(this.#send(data, 0, type), EAGAIN);
  }

  /** Sends, blocking the thread for at most `timeoutMs`; false when that was not enough. @throws IpcError */
  send(data: Uint8Array, timeoutMs: number, type = 1): boolean {
    if (this.#outbox.busy) throw new IpcError(EBUSY, 'msgsnd', this.target, { advice: 'messages of sendSoon wait' });
    return this.#sent(this.#send(data, checkLimit(timeoutMs), type), timeoutMs === 0 ? EAGAIN : ETIMEDOUT);
  }

  /** Sends when there is room, in the order of the calls, without blocking. The data must not change meanwhile. @throws IpcError */
  async sendSoon(data: Uint8Array, options: SysvSendOptions = {}): Promise<void> {
    const type = options.type ?? 1;
    if (this.trySend(data, type)) return;
    await this.#outbox.add(() => this.#sent(this.#send(data, 0, type), EAGAIN), options);
  }

  /**
   * The length of the message that is now at the start of `into`, or -1 when there is none. `wantedType`: 0 the first message, n > 0 the first
   * of that type, n < 0 the first of the lowest type up to -n. @throws IpcError E2BIG (longer than `into`; it stays in the queue), EIDRM, EACCES
   */
  tryReceive(into: Uint8Array, wantedType = 0): number {
    return this.#received(this.#receive(into, 0, wantedType), ENOMSG);
  }

  /** As `tryReceive`, blocking the thread for at most `timeoutMs`. @throws IpcError */
  receive(into: Uint8Array, timeoutMs: number, wantedType = 0): number {
    const result = this.#receive(into, checkLimit(timeoutMs), wantedType);
    return this.#received(result, timeoutMs === 0 ? ENOMSG : ETIMEDOUT);
  }

  /** Calls back for every message from now on. Each watch has a thread of its own. @throws IpcError EBADF, EAGAIN (no more threads) */
  watch(onMessage: OnMessage, options: SysvWatchOptions = {}): Watch {
    this.#checkOpen();
    const { wantedType = 0, maxBatch = 64, spinMicroseconds = 50 } = options;
    const buffer = Buffer.allocUnsafeSlow(options.messageSize ?? largestMessage());
    const receive = (into: Buffer) => native().msgReceive(this.id, wantedType, into, 0);
    const onReady = (_: number, emptyType: number) => {
      if (emptyType > 0) onMessage(buffer, 0, emptyType);
      const failure = deliver(watch, receive, -ENOMSG, buffer, onMessage, maxBatch);
      if (failure < 0) failWatch(watch, options.onError, new IpcError(-failure, 'msgrcv', this.target));
    };
    const id = check(native().watchQueue(this.id, wantedType, spinMicroseconds, onReady), 'watch', this.target);
    const watch = new Watch(id, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  /** See {@link SysvQueue.remove}; closes this object too. */
  remove(): boolean {
    this.close();
    return SysvQueue.remove(this.id);
  }

  /** Ends the watches and fails what `sendSoon` still holds (ECANCELED). The queue stays in the kernel. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    for (const watch of [...this.#watches]) watch.close();
    this.#outbox.cancel();
    this.#closed = true;
  }

  [dispose](): void {
    this.close();
  }

  /** The kernel does not say when there is room: try again every millisecond. */
  #awaitRoom(waiting: boolean): void {
    clearInterval(this.#retry);
    this.#retry = waiting ? setInterval(() => this.#outbox.flush(), 1) : undefined;
  }

  #checkOpen(): void {
    if (this.#closed) throw new IpcError(EBADF, 'use', this.target, { advice: 'the queue is closed' });
  }

  #send(data: Uint8Array, timeoutMs: number, type: number): number {
    this.#checkOpen();
    return native().msgSend(this.id, type, data, timeoutMs);
  }

  #receive(into: Uint8Array, timeoutMs: number, wantedType: number): number {
    this.#checkOpen();
    return native().msgReceive(this.id, wantedType, into, timeoutMs);
  }

  #sent(result: number, full: number): boolean {
    if (result === -full) return false;
    check(result, 'msgsnd', this.target);
    return true;
  }

  #received(result: number, empty: number): number {
    return result === -empty ? -1 : check(result, 'msgrcv', this.target);
  }
}

/** The fields in the order of the binding's msgStat. */
function statusOf(id: number, fields: number[]): SysvQueueStatus & { maxBytes: number } {
  const field = (index: number) => fields[index] ?? 0;
  return {
    id,
    key: field(0),
    mode: field(1) & 0o777,
    messages: field(2),
    bytes: field(3),
    maxBytes: field(4),
    lastSender: field(5),
    lastReceiver: field(6),
    uid: field(7),
    gid: field(8),
    sendTime: field(9),
    receiveTime: field(10),
    changeTime: field(11),
  };
}
