/** POSIX message queues, polled by the event loop. */
import { fchmodSync, constants as fs } from 'node:fs';
import { Descriptor } from './descriptor.ts';
import { dispose } from './dispose.ts';
import { check, checkFs, checkInteger, checkLimit, IpcError } from './errors.ts';
import { native } from './native.ts';
import { Outbox, type SendSoonOptions } from './outbox.ts';
import { deliver, failWatch, type OnMessage, Watch, type WatchOptions } from './watch.ts';

const ENOENT = 2;
const EAGAIN = 11;
const EEXIST = 17;
const EBUSY = 16;
const ETIMEDOUT = 110;
const READABLE = 1;
const WRITABLE = 2;

export type QueueAccess = 'read' | 'write' | 'both';
const accessFlags = { read: fs.O_RDONLY, write: fs.O_WRONLY, both: fs.O_RDWR };

export interface CreateQueueOptions {
  access?: QueueAccess;
  /** How many messages fit. Default 10, which is also the kernel's default limit. */
  maxMessages?: number;
  /** The largest message in bytes. Default 8192. */
  messageSize?: number;
  /** Exactly these permission bits, whatever the umask. Default 0600. */
  mode?: number;
  /** What to do with a queue of this name: fail (EEXIST), or open it with the sizes that it has. Default fail. */
  ifExists?: 'fail' | 'open';
}

export interface PosixSendOptions extends SendSoonOptions {
  /** 0 to 32767, higher ones are received first. Default 0. */
  priority?: number;
}

function obtain(
  name: string,
  flags: number,
  mode: number,
  options: CreateQueueOptions,
): { fd: number; created: boolean } {
  const messages = checkInteger('maxMessages', options.maxMessages ?? 10, 1);
  const size = checkInteger('messageSize', options.messageSize ?? 8192, 1);
  for (let tries = 0; ; tries++) {
    const fd = native().mqOpen(name, flags | fs.O_CREAT | fs.O_EXCL, mode, messages, size);
    if (fd !== -EEXIST || options.ifExists !== 'open') return { fd: check(fd, 'mq_open', name), created: true };
    const existing = native().mqOpen(name, flags, 0, 0, 0);
    if (existing !== -ENOENT || tries === 10) return { fd: check(existing, 'mq_open', name), created: false };
  }
}

/** Messages at most, message size, messages now. */
type Attributes = [number, number, number];

function attributesOf(name: string, fd: number): Attributes {
  const fields = native().mqAttributes(fd);
  if (typeof fields === 'number') throw new IpcError(-fields, 'mq_getattr', name);
  return fields as Attributes;
}

export class PosixQueue {
  readonly name: string;
  readonly maxMessages: number;
  readonly messageSize: number;
  readonly #descriptor: Descriptor;
  #watch: Watch | undefined;
  #roomWatch: Watch | undefined;
  readonly #outbox: Outbox;

  private constructor(name: string, fd: number, [maxMessages, messageSize]: Attributes) {
    this.name = name;
    this.maxMessages = maxMessages;
    this.messageSize = messageSize;
    this.#descriptor = new Descriptor(fd);
    this.#outbox = new Outbox(name, (waiting) => this.#awaitRoom(waiting));
  }

  /** Creates a queue. @throws IpcError EEXIST, EINVAL (sizes, name), EMFILE, ENOSPC, ... */
  static create(name: string, options: CreateQueueOptions = {}): PosixQueue {
    const mode = checkInteger('mode', options.mode ?? 0o600, 0, 0o777);
    const { fd, created } = obtain(name, accessFlags[options.access ?? 'both'], mode, options);
    try {
      if (created) checkFs('fchmod', name, () => fchmodSync(fd, mode));
      return new PosixQueue(name, fd, attributesOf(name, fd));
    } catch (error) {
      native().closeDescriptor(fd);
      if (created) native().mqUnlink(name);
      throw error;
    }
  }

  /** Opens a queue that exists. @throws IpcError ENOENT, EACCES, ... */
  static open(name: string, options: { access?: QueueAccess } = {}): PosixQueue {
    const fd = check(native().mqOpen(name, accessFlags[options.access ?? 'both'], 0, 0, 0), 'mq_open', name);
    return new PosixQueue(name, fd, attributesOf(name, fd));
  }

  /** Removes the name; open queues stay valid. False when there was none. @throws IpcError EACCES, ... */
  static unlink(name: string): boolean {
    const result = native().mqUnlink(name);
    if (result === -ENOENT) return false;
    check(result, 'mq_unlink', name);
    return true;
  }

  /** The descriptor, which can be polled; it belongs to this object. -1 when closed. */
  get fd(): number {
    return this.#descriptor.fd;
  }

  get closed(): boolean {
    return this.#descriptor.fd < 0;
  }

  /** How many messages are in the queue now. */
  get messages(): number {
    return attributesOf(this.name, this.#descriptor.fd)[2];
  }

  /** The priority of the message that was received last, by any queue of this thread. */
  get lastPriority(): number {
    return native().lastType[0] as number;
  }

  /** Sends if there is room, and says whether. @throws IpcError EMSGSIZE, EBADF, ... */
  trySend(data: Uint8Array, priority = 0): boolean {
    if (this.#outbox.busy) return false;
    return this.#sent(native().mqSend(this.#descriptor.fd, data, priority, 0), EAGAIN);
  }

  /** Sends, blocking the thread for at most `timeoutMs`; false when that was not enough. @throws IpcError EMSGSIZE, EBADF, ... */
  send(data: Uint8Array, timeoutMs: number, priority = 0): boolean {
    if (this.#outbox.busy) throw new IpcError(EBUSY, 'mq_send', this.name, { advice: 'messages of sendSoon wait' });
    const result = native().mqSend(this.#descriptor.fd, data, priority, checkLimit(timeoutMs));
    return this.#sent(result, timeoutMs === 0 ? EAGAIN : ETIMEDOUT);
  }

  /** Sends when there is room, in the order of the calls, without blocking. The data must not change meanwhile. @throws IpcError */
  async sendSoon(data: Uint8Array, options: PosixSendOptions = {}): Promise<void> {
    const priority = options.priority ?? 0;
    if (this.trySend(data, priority)) return;
    await this.#outbox.add(() => this.#sent(native().mqSend(this.#descriptor.fd, data, priority, 0), EAGAIN), options);
  }

  /** The length of the message that is now at the start of `into` (at least `messageSize` bytes), or -1 when there is none. @throws IpcError */
  tryReceive(into: Uint8Array): number {
    return this.#received(native().mqReceive(this.#descriptor.fd, into, 0), EAGAIN);
  }

  /** As `tryReceive`, blocking the thread for at most `timeoutMs`. @throws IpcError */
  receive(into: Uint8Array, timeoutMs: number): number {
    const result = native().mqReceive(this.#descriptor.fd, into, checkLimit(timeoutMs));
    return this.#received(result, timeoutMs === 0 ? EAGAIN : ETIMEDOUT);
  }

  /** Calls back for every message from now on. One watch at a time. @throws IpcError EBUSY, EBADF, ... */
  watch(onMessage: OnMessage, options: WatchOptions = {}): Watch {
    if (this.#watch !== undefined) throw new IpcError(EBUSY, 'watch', this.name, { advice: 'it has a watch already' });
    // Also a queue of one message gets a second look: a peer on the same core has answered already (measured: 1.2 times as fast).
    const { maxBatch = 64 } = options;
    const buffer = Buffer.allocUnsafeSlow(this.messageSize);
    const receive = (into: Buffer) => native().mqReceive(this.#descriptor.fd, into, 0);
    const onReadable = (status: number) => {
      const failure = status < 0 ? status : deliver(watch, receive, -EAGAIN, buffer, onMessage, maxBatch);
      if (failure < 0) failWatch(watch, options.onError, new IpcError(-failure, 'mq_receive', this.name));
    };
    const id = check(native().watchFd(this.#descriptor.fd, READABLE, onReadable), 'watch', this.name);
    const watch = new Watch(id, () => {
      this.#watch = undefined;
    });
    this.#watch = watch;
    return watch;
  }

  /** Ends the watch, fails what `sendSoon` still holds (ECANCELED), closes the descriptor. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    this.#watch?.close();
    this.#outbox.cancel();
    this.#descriptor.close();
  }

  [dispose](): void {
    this.close();
  }

  #awaitRoom(waiting: boolean): void {
    this.#roomWatch?.close();
    this.#roomWatch = undefined;
    if (!waiting) return;
    const id = check(
      native().watchFd(this.#descriptor.fd, WRITABLE, () => this.#outbox.flush()),
      'watch',
      this.name,
    );
    this.#roomWatch = new Watch(id);
  }

  #sent(result: number, full: number): boolean {
    if (result === -full) return false;
    check(result, 'mq_send', this.name);
    return true;
  }

  #received(result: number, empty: number): number {
    return result === -empty ? -1 : check(result, 'mq_receive', this.name);
  }
}
