/** Bytes from a unix or tcp socket. */

import type { Socket } from 'node:net';
import type { StreamOptions } from '../options.ts';
import { type ByteSource, explain, skipByReading } from '../source.ts';
import { parseSocketUrl } from './address.ts';
import { beginConnection, type Pending } from './connection.ts';

/** @throws UsageError, DaqError `already-served` or `output-failed` if a listening address cannot be used */
export async function openSocketSource(url: string, options: StreamOptions = {}): Promise<ByteSource> {
  return new SocketSource(url, await beginConnection(parseSocketUrl(url), options));
}

class SocketSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  lost: string | undefined;
  private readonly pending: Pending;
  private socket: Socket | undefined;
  private rest: Buffer | undefined;
  private ended = false;
  private wake = () => {};

  constructor(name: string, pending: Pending) {
    this.name = name;
    this.pending = pending;
    // A failure is told to whoever reads.
    pending.connected.then(
      (socket) => socket && this.attach(socket),
      () => {},
    );
  }

  async read(into: Buffer): Promise<number> {
    if (!this.socket && !this.ended && !(await this.pending.connected)) return 0;
    while (!this.rest) {
      this.rest = this.socket?.read() as Buffer | undefined;
      if (this.rest) break;
      if (this.ended) return 0;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const bytes = this.rest.copy(into);
    this.rest = bytes < this.rest.length ? this.rest.subarray(bytes) : undefined;
    return bytes;
  }

  skip(bytes: number): Promise<number> {
    return skipByReading(this, bytes);
  }

  close(): void {
    this.pending.abandon();
    this.socket?.destroy();
    this.finish();
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    if (this.ended) socket.destroy();
    socket.on('readable', () => this.wake());
    socket.on('end', () => this.finish());
    socket.on('close', () => this.finish());
    socket.on('error', (error) => {
      this.lost = `the connection broke: ${explain(error)}`;
      this.finish();
    });
  }

  private finish(): void {
    this.ended = true;
    this.wake();
  }
}
