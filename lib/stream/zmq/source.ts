/** Dgrams from a PULL or SUB socket as a source of bytes. */

import { Pull, type Socket, Subscriber } from 'zeromq';
import { InputError } from '../../errors.ts';
import type { StreamOptions } from '../options.ts';
import { type ByteSource, explain, skipByReading } from '../source.ts';
import { parseZmqUrl, type ZmqAddress } from './address.ts';
import { attach, KEEP_ALIVE } from './binding.ts';
import { isConfigure } from './greeting.ts';
import { Peers } from './peers.ts';
import { watchPeers } from './watch.ts';

/** How often a quiet reader looks whether its writer is still there. */
const LOOK_MS = 200;

/** @throws UsageError, DaqError `already-served` or `output-failed` if the address cannot be used */
export async function openZmqSource(url: string, options: StreamOptions = {}): Promise<ByteSource> {
  const address = parseZmqUrl(url, 'source');
  const settings = {
    linger: 0,
    receiveHighWaterMark: address.highWaterMark,
    receiveTimeout: LOOK_MS,
    ipv6: address.ipv6,
    ...KEEP_ALIVE,
  };
  const socket = address.pattern === 'pub-sub' ? new Subscriber(settings) : new Pull(settings);
  const source = new ZmqSource(socket, address, options.greeting);
  try {
    if (socket instanceof Subscriber) socket.subscribe();
    source.onClose(await attach(socket, address, options.say));
  } catch (error) {
    source.close();
    throw error;
  }
  options.lifecycle?.onEmergency(() => source.close());
  return source;
}

class ZmqSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  /** Why the source ended before its stream did. */
  lost: string | undefined;
  private readonly socket: Pull | Subscriber;
  private readonly peers = new Peers();
  private readonly preview: boolean;
  private rest: Buffer = Buffer.alloc(0);
  private configure: Buffer = Buffer.alloc(0);
  private ended = false;
  private cleanUp = () => {};

  private readonly isGreeting: (message: Buffer) => boolean;

  constructor(socket: Pull | Subscriber, address: ZmqAddress, isGreeting = isConfigure) {
    this.isGreeting = isGreeting;
    this.name = address.url;
    this.socket = socket;
    this.preview = address.pattern === 'pub-sub';
    watchPeers(socket as Socket, (type) => this.peers.event(type));
  }

  onClose(cleanUp: () => void): void {
    this.cleanUp = cleanUp;
  }

  async read(into: Buffer): Promise<number> {
    while (this.rest.length === 0) {
      const message = await this.message();
      if (message === undefined) return 0;
      this.rest = message;
    }
    const bytes = this.rest.copy(into);
    this.rest = this.rest.subarray(bytes);
    return bytes;
  }

  async message(): Promise<Buffer | undefined> {
    let message = await this.receive();
    while (message !== undefined && this.isRepetition(message)) message = await this.receive();
    return message;
  }

  skip(bytes: number): Promise<number> {
    return skipByReading(this, bytes);
  }

  close(): void {
    if (!this.socket.closed) {
      this.socket.close();
      this.cleanUp();
    }
    this.ended = true;
  }

  /** The next message; undefined when the stream, or our interest in it, is over. */
  private async receive(): Promise<Buffer | undefined> {
    while (!this.ended) {
      try {
        const parts = await this.socket.receive();
        const message = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        if (message.length > 0) return message;
        // At once: the writer waits for it, and our owner may wait for somebody who waits for the writer.
        this.close();
      } catch (error) {
        if (this.ended) return undefined;
        // Nothing came for a while; the queue is empty then, so nothing that a late writer sent is missed.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          throw new InputError(explain(error), { place: { file: this.name }, cause: error });
        }
        if (!this.preview && this.peers.gone) {
          this.lost = 'the writer went away without ending the stream';
          this.ended = true;
        }
      }
    }
    return undefined;
  }

  /** A writer of previews repeats its Configure when another reader comes. */
  private isRepetition(message: Buffer): boolean {
    if (!this.preview || !this.isGreeting(message)) return false;
    if (message.equals(this.configure)) return true;
    this.configure = message;
    return false;
  }
}
