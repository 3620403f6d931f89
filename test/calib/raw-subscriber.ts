/** A subscriber made by hand: it says and hears bytes, so that tests decide when it reads, what it says and when it leaves. */

import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../lib/calib/publish/endpoint.ts';

const GREETING = Buffer.concat([
  Buffer.from('ff00000000000000007f0300', 'hex'),
  Buffer.from('NULL'.padEnd(20, '\0')),
  Buffer.alloc(32),
]);
const READY = Buffer.concat([Buffer.from([4, 25, 5]), Buffer.from('READY\x0bSocket-Type\0\0\0\x03SUB', 'latin1')]);
export const SUBSCRIBE_ALL = Buffer.from([0, 1, 1]);
const GREETING_BYTES = 64;

export class RawSubscriber {
  readonly socket: Socket;
  /** Whole messages so far, as lists of frames. */
  readonly messages: Buffer[][] = [];
  readonly closed: Promise<void>;
  private rest: Buffer[] = [];
  private length = 0;
  private greeted = false;
  private frames: Buffer[] = [];
  private wake: (() => void) | undefined;

  /** @param say what it sends after the handshake */
  constructor(place: Pick<Endpoint & { transport: 'ipc' }, 'path'> | { port: number }, say: Buffer = SUBSCRIBE_ALL) {
    this.socket = 'path' in place ? connect(place.path) : connect(place.port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.write(Buffer.concat([GREETING, READY, say]));
    this.socket.on('data', (bytes) => this.take(bytes));
  }

  /** Waits until so many messages have come. */
  async received(count: number): Promise<Buffer[][]> {
    while (this.messages.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.messages;
  }

  /** Leaves, in the middle of whatever. */
  leave(): void {
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.rest.push(bytes);
    this.length += bytes.length;
    // Large messages come in many pieces; they are joined when they are whole.
    for (;;) {
      const need = this.needed();
      if (this.length < need) return;
      const all = Buffer.concat(this.rest);
      const used = this.use(all);
      if (used === 0) return void (this.rest = [all]);
      const left = all.subarray(used);
      this.rest = [left];
      this.length = left.length;
    }
  }

  /** Bytes before anything can be done; needs the head of the frame to be in the first piece. */
  private needed(): number {
    if (!this.greeted) return GREETING_BYTES;
    const [head] = this.rest;
    if (head === undefined || head.length < 9) return 2;
    return head[0]! & 2 ? 9 + Number(head.readBigUInt64BE(1)) : 2 + head[1]!;
  }

  private use(all: Buffer): number {
    if (!this.greeted) {
      if (all.length < GREETING_BYTES) return 0;
      this.greeted = true;
      return GREETING_BYTES;
    }
    if (all.length < 2 || (all[0]! & 2 && all.length < 9)) return 0;
    const head = all[0]! & 2 ? 9 : 2;
    const end = head + (all[0]! & 2 ? Number(all.readBigUInt64BE(1)) : all[1]!);
    if (all.length < end) return 0;
    if ((all[0]! & 4) === 0) {
      this.frames.push(all.subarray(head, end));
      if ((all[0]! & 1) === 0) {
        this.messages.push(this.frames);
        this.frames = [];
        this.wake?.();
      }
    }
    return end;
  }
}
