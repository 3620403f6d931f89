/** Dgrams into a PUSH or PUB socket. */

import { Push, type Socket, XPublisher } from 'zeromq';
import { DaqError } from '../../errors.ts';
import type { StreamOptions } from '../options.ts';
import type { DgramSink } from '../sink.ts';
import { explain } from '../source.ts';
import { parseZmqUrl, type ZmqAddress } from './address.ts';
import { attach, KEEP_ALIVE } from './binding.ts';
import { isConfigure } from './greeting.ts';
import { Peers } from './peers.ts';
import { watchPeers } from './watch.ts';

/** Dgrams are put together up to this size; a larger one is a message of its own. */
const MESSAGE_SIZE = 256 * 1024;
/** Time for a reader to take the rest after a signal; process managers kill after 5 s. */
const GRACE_MS = 2000;
/** A writer that waits at the end of its stream says so. */
const PATIENCE_MS = 10_000;
const PREVIEW_LINGER_MS = 1000;

/** @throws UsageError, DaqError `already-served` or `output-failed` if the address cannot be used */
export async function openZmqSink(url: string, options: StreamOptions = {}): Promise<DgramSink> {
  const address = parseZmqUrl(url, 'sink');
  const settings = { linger: 0, sendHighWaterMark: address.highWaterMark, ipv6: address.ipv6, ...KEEP_ALIVE };
  const sink =
    address.pattern === 'pub-sub'
      ? new PreviewSink(new XPublisher({ ...settings, verbosity: 'allSubs' }), address, options)
      : new PushSink(new Push(settings), address, options);
  try {
    await sink.attach(options);
  } catch (error) {
    sink.abandon();
    throw error;
  }
  return sink;
}

/** What PUSH and PUB have in common: whole dgrams are put together to messages. */
abstract class ZmqSink implements DgramSink {
  readonly name: string;
  protected readonly address: ZmqAddress;
  private dgrams: Buffer[] = [];
  private waiting = 0;
  private cleanUp = () => {};

  /** Which messages stand alone and are repeated to late readers. */
  protected readonly isGreeting: (message: Buffer) => boolean;

  constructor(address: ZmqAddress, { greeting = isConfigure }: StreamOptions) {
    this.name = address.url;
    this.address = address;
    this.isGreeting = greeting;
  }

  protected abstract readonly socket: Push | XPublisher;
  protected abstract send(message: Buffer): Promise<void>;
  abstract close(): Promise<void>;

  async attach({ say, lifecycle }: StreamOptions): Promise<void> {
    this.cleanUp = await attach(this.socket as Socket, this.address, say);
    lifecycle?.onEmergency(() => this.abandon());
  }

  get full(): boolean {
    return this.waiting >= MESSAGE_SIZE;
  }

  bytes(dgram: Buffer): void {
    this.dgrams.push(dgram);
    this.waiting += dgram.length;
  }

  async drain(): Promise<void> {
    const { dgrams } = this;
    this.dgrams = [];
    this.waiting = 0;
    for (let from = 0; from < dgrams.length; ) {
      const to = endOfMessage(dgrams, from, this.isGreeting);
      // The library sends from another thread and later, so the message gets memory of its own: the only copy.
      await this.send(Buffer.concat(dgrams.slice(from, to)));
      from = to;
    }
  }

  abandon(): void {
    if (this.socket.closed) return;
    this.socket.close();
    this.cleanUp();
  }
}

/** Number behind the last dgram of the message that starts with dgram `from`. */
function endOfMessage(dgrams: readonly Buffer[], from: number, alone: (dgram: Buffer) => boolean): number {
  let size = 0;
  let to = from;
  while (to < dgrams.length && (to === from || size + dgrams[to]!.length <= MESSAGE_SIZE)) {
    if (alone(dgrams[to]!)) return to === from ? to + 1 : to;
    size += dgrams[to++]!.length;
  }
  return to;
}

/** A whole stream for one reader, who confirms its end by closing. */
class PushSink extends ZmqSink {
  protected readonly socket: Push;
  private readonly peers = new Peers();
  private readonly options: StreamOptions;
  private failure: DaqError | undefined;
  private ending = false;
  private confirmed: () => void = () => {};
  private grace: NodeJS.Timeout | undefined;
  private readonly onStop = () => {
    this.grace = setTimeout(() => this.fail('nobody took the rest of the stream'), GRACE_MS);
  };

  constructor(socket: Push, address: ZmqAddress, options: StreamOptions) {
    super(address, options);
    this.socket = socket;
    this.options = options;
    watchPeers(socket as Socket, (type) => this.peerEvent(type));
    options.lifecycle?.stop.addEventListener('abort', this.onStop, { once: true });
  }

  private peerEvent(type: string): void {
    this.peers.event(type);
    if (!this.peers.gone) return;
    if (this.ending) this.confirmed();
    else this.fail('the reader went away before the end of the stream; what was under way is lost');
  }

  /** Remembers why, and ends a `send` that waits. */
  private fail(why: string): void {
    this.failure ??= new DaqError('reader-gone', why, { place: { file: this.name } });
    this.confirmed();
    this.abandon();
  }

  protected async send(message: Buffer): Promise<void> {
    if (this.failure) throw this.failure;
    try {
      await this.socket.send(message);
    } catch (error) {
      throw this.failure ?? sendFailed(this.name, error);
    }
  }

  async close(): Promise<void> {
    if (this.socket.closed) return this.afterClose();
    await this.drain();
    await this.send(Buffer.alloc(0));
    this.ending = true;
    const patience = setTimeout(
      () => this.options.say?.(`${this.name}: waiting for the reader to take the end of the stream`),
      PATIENCE_MS,
    );
    if (!this.peers.gone) await new Promise<void>((resolve) => (this.confirmed = resolve));
    clearTimeout(patience);
    this.abandon();
    this.afterClose();
  }

  private afterClose(): void {
    if (this.failure) throw this.failure;
  }

  override abandon(): void {
    clearTimeout(this.grace);
    this.options.lifecycle?.stop.removeEventListener('abort', this.onStop);
    super.abandon();
  }
}

/** Previews: whoever is there and fast enough gets them. */
class PreviewSink extends ZmqSink {
  protected readonly socket: XPublisher;
  private configure: Buffer | undefined;

  constructor(socket: XPublisher, address: ZmqAddress, options: StreamOptions) {
    super(address, options);
    this.socket = socket;
    this.greet().catch((error: unknown) => {
      if (!socket.closed) throw error;
    });
  }

  /** Everybody who subscribes gets the last Configure; those who have it recognise the repetition. */
  private async greet(): Promise<void> {
    for (;;) {
      const [subscription] = await this.socket.receive();
      if (subscription?.[0] === 1 && this.configure) await this.socket.send(this.configure);
    }
  }

  protected async send(message: Buffer): Promise<void> {
    if (this.isGreeting(message)) this.configure = message;
    try {
      await this.socket.send(message);
    } catch (error) {
      throw sendFailed(this.name, error);
    }
  }

  async close(): Promise<void> {
    if (this.socket.closed) return;
    await this.drain();
    await this.send(Buffer.alloc(0));
    this.socket.linger = PREVIEW_LINGER_MS;
    this.abandon();
  }
}

function sendFailed(url: string, error: unknown): DaqError {
  return new DaqError('output-failed', `cannot send: ${explain(error)}`, { place: { file: url }, cause: error });
}
