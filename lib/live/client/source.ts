/** `shm:TAG`: recent dgrams of a live server as a source of bytes. */

import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../errors.ts';
import type { StreamOptions } from '../../stream/options.ts';
import { type ByteSource, skipByReading } from '../../stream/source.ts';
import { type LiveAddress, parseLiveUrl } from './address.ts';
import { type Connection, connectLive } from './connect.ts';
import { Inbox } from './inbox.ts';
import { Session } from './session.ts';

/** Between two connections, so that a server that only refuses is not stormed. */
const PAUSE_MS = 100;

/** @throws UsageError for the URL, InputError if there is no server within the time */
export async function openLiveSource(url: string, { lifecycle, say }: StreamOptions = {}): Promise<ByteSource> {
  const address = parseLiveUrl(url);
  const stop = lifecycle?.stop ?? new AbortController().signal;
  const first = await connectLive({ tag: address.tag, wait: address.wait, stop });
  if (typeof first === 'string') {
    throw new InputError(`no server within ${address.wait} s: ${first}`, { place: { file: url } });
  }
  return new LiveSource(address, first, stop, say);
}

class LiveSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  private readonly inbox: Inbox;
  private readonly say: ((text: string) => void) | undefined;
  private readonly stop: AbortController;
  private session: Session | undefined;
  private ended = false;
  private failure: unknown;
  private wake: (() => void) | undefined;

  /** @param first undefined: stopped before there was a server */
  constructor(address: LiveAddress, first: Connection | undefined, stop: AbortSignal, say: StreamOptions['say']) {
    this.name = address.url;
    this.inbox = new Inbox(address.depth);
    this.say = say;
    this.stop = new AbortController();
    stop.addEventListener('abort', () => this.close(), { once: true });
    if (first === undefined) this.ended = true;
    else void this.run(address, first);
  }

  async read(into: Buffer): Promise<number> {
    for (;;) {
      const bytes = this.inbox.drainInto(into);
      if (bytes > 0) return bytes;
      if (this.failure !== undefined) throw this.failure;
      if (this.ended) return 0;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  skip(bytes: number): Promise<number> {
    return skipByReading(this, bytes);
  }

  close(): void {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    this.session?.close();
    this.ended = true;
    this.wakeUp();
    const { received, written, replaced, invalid } = this.inbox.counts;
    const inside = this.inbox.inside === 0 ? '' : ` + inside ${this.inbox.inside}`;
    this.say?.(
      `${this.name}: received ${received} = written ${written} + replaced ${replaced} + invalid ${invalid}${inside}`,
    );
  }

  /** One connection after the other. */
  private async run(address: LiveAddress, first: Connection): Promise<void> {
    const { signal } = this.stop;
    try {
      let next: Connection | string | undefined = first;
      while (next !== undefined && typeof next !== 'string' && !signal.aborted) {
        this.session = new Session(next, this.inbox, () => this.wakeUp());
        await this.session.run();
        if (!address.reconnect || signal.aborted) break;
        await sleep(PAUSE_MS);
        next = await connectLive({ tag: address.tag, wait: Number.POSITIVE_INFINITY, stop: signal });
      }
    } catch (error) {
      this.failure = error;
    }
    this.ended = true;
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}
