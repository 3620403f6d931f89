/** The way from a worker, a collector or a client to the manager, which may come later, go away, and come again. */

import { Dealer, type Socket } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { watchPeers } from '../../stream/zmq/watch.ts';
import { connectable } from './endpoints.ts';
import { type Message, readMessage, writeMessage } from './messages.ts';
import { Outbox } from './outbox.ts';

/** Time for last words after `close`, milliseconds. */
const LINGER_MS = 1000;
const RECONNECT_MS = 100;

export interface LinkOptions {
  /** Said whenever the manager is there, or there again. */
  readonly greeting: () => Message;
  /** Called for every message, in order. */
  readonly onMessage: (message: Message) => void;
  readonly onLost?: () => unknown;
  readonly say: (text: string) => void;
}

export class ManagerLink {
  readonly #socket = new Dealer({
    linger: LINGER_MS,
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    reconnectInterval: RECONNECT_MS,
    ...KEEP_ALIVE,
  });
  readonly #outbox = new Outbox<Buffer>(async (frame) => {
    await this.#socket.send(frame).catch((error: unknown) => {
      if (!this.#socket.closed) throw error;
    });
  });
  readonly #options: LinkOptions;
  readonly #endpoint: string;
  #garbage = 0;

  /** @throws UsageError if the URL makes no sense */
  constructor(url: string, options: LinkOptions) {
    this.#options = options;
    this.#endpoint = connectable(url);
  }

  /** Messages that made no sense. */
  get garbage(): number {
    return this.#garbage;
  }

  post(message: Message): void {
    this.#outbox.post(writeMessage(message));
  }

  /** Connects, and receives until `close`. @throws whatever `onMessage` throws */
  async run(): Promise<void> {
    const { greeting, onLost } = this.#options;
    watchPeers(this.#socket as Socket, (type) => {
      if (type === 'handshake') this.post(greeting());
      else if (type === 'disconnect') onLost?.();
    });
    this.#socket.connect(this.#endpoint);
    for await (const parts of this.#socket) {
      const message = this.#read(parts);
      if (message) this.#options.onMessage(message);
    }
  }

  #read(parts: readonly Buffer[]): Message | undefined {
    try {
      return readMessage(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    } catch (error) {
      if (this.#garbage++ === 0) this.#options.say(`from the manager: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** After everything posted has been handed over. Works any number of times. */
  async close(): Promise<void> {
    await this.#outbox.drained();
    this.#socket.close();
  }
}
