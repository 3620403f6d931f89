/** Bytes into a unix or tcp socket, with back-pressure: the writer waits for its reader to come, and while it is slow. */

import type { Socket } from 'node:net';
import { DaqError } from '../../errors.ts';
import type { StreamOptions } from '../options.ts';
import type { DgramSink } from '../sink.ts';
import { explain } from '../source.ts';
import { parseSocketUrl } from './address.ts';
import { beginConnection, type Pending } from './connection.ts';

const PRESSURE = 256 * 1024;

/** @throws UsageError, DaqError `already-served` or `output-failed` if a listening address cannot be used */
export async function openSocketSink(url: string, options: StreamOptions = {}): Promise<DgramSink> {
  return new SocketSink(url, await beginConnection(parseSocketUrl(url), options));
}

/** Also of a named pipe, whose reader may stay away or stop reading: unlike a write of the system, one here can be given up. */
export class SocketSink implements DgramSink {
  readonly name: string;
  readonly reader: Promise<boolean>;
  private readonly pending: Pending;
  private socket: Socket | undefined;
  private pieces: Buffer[] = [];
  private waiting = 0;
  private failure: DaqError | undefined;
  private over = false;
  /** Ends a write that waits. */
  private broken: (error: DaqError) => void = () => {};

  constructor(name: string, pending: Pending) {
    this.name = name;
    this.pending = pending;
    this.reader = pending.connected.then(
      (socket) => {
        if (socket) this.attach(socket);
        return socket !== undefined;
      },
      () => false,
    );
  }

  get full(): boolean {
    return this.waiting >= PRESSURE;
  }

  bytes(view: Buffer): void {
    this.pieces.push(view);
    this.waiting += view.length;
  }

  async drain(): Promise<void> {
    if (this.pieces.length === 0) return;
    const socket = await this.connected();
    const { pieces } = this;
    this.pieces = [];
    this.waiting = 0;
    await new Promise<void>((resolve, reject) => {
      this.broken = reject;
      socket.cork();
      for (let i = 0; i < pieces.length - 1; i++) socket.write(pieces[i]!);
      socket.write(pieces.at(-1)!, (error) => (error ? reject(this.failure ?? this.gone(error)) : resolve()));
      socket.uncork();
    });
  }

  async close(): Promise<void> {
    if (this.over) return;
    await this.drain();
    const socket = await this.connected();
    this.over = true;
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.end(resolve);
    });
    socket.destroy();
  }

  abandon(): void {
    this.over = true;
    this.pending.abandon();
    this.socket?.destroy();
  }

  private async connected(): Promise<Socket> {
    if (this.failure) throw this.failure;
    const socket = this.socket ?? (await this.pending.connected);
    if (this.failure) throw this.failure;
    if (!socket) throw (this.failure = this.gone(undefined));
    return socket;
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    if (this.over) socket.destroy();
    const fail = (error: Error | undefined) => {
      if (this.over) return;
      this.failure ??= this.gone(error);
      this.broken(this.failure);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(undefined));
    // Nothing is expected from a reader; only reading shows that it has gone.
    if (socket.readable) socket.resume();
  }

  private gone(error: Error | undefined): DaqError {
    const why = error ? `the connection broke: ${explain(error)}` : 'there is no reader, or it went away';
    return new DaqError('reader-gone', why, { place: { file: this.name }, cause: error });
  }
}
