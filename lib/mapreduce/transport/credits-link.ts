/**
 * A service's end of the credits over ZeroMQ (spec mapreduce.md 18): one DEALER to the controller's ROUTER. Messages are JSON.
 *
 *     to the controller    {"hello": {role, name, service_uuid, map, next, connection}}, {"reports": [...]}
 *     from the controller  {"map": uuid, "work": [...]} or {"map": uuid, "feed": [...]}; "reports": n, the last one taken;
 *                          "again": true when the whole that is open is said once more, after a hello; "number" counts from 1 since then
 *
 * When the controller is another one, the link says hello again with the reports that nobody has confirmed, and leaves out of the answer
 * what it has already.
 */

import { Dealer } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { connectTo } from '../address/socket.ts';
import { type Fields, number, parseFields } from '../redis/fields.ts';
import type { Role } from '../redis/keys.ts';
import type { Registry } from '../redis/registry.ts';
import type { Report } from '../redis/reports.ts';
import { Mailbox } from './mailbox.ts';
import { type NumberedReport, ReportNumbers } from './reports.ts';
import type { LinkSetup } from './stream-links.ts';

export interface CreditsOptions extends Omit<LinkSetup, 'registry'> {
  readonly registry: Pick<Registry, 'serviceUuid'>;
  readonly role: Role;
  /** `tcp://host:port` of the controller, from its update. */
  readonly control: string;
  /** The update is of a map. Between maps nobody answers. */
  readonly ofMap: boolean;
  /** Lowest event that an ingester has not been told; asked at each hello. */
  readonly next: () => number;
}

/** Who is not answered says hello again, more and more rarely: between maps nobody answers. */
const HELLO_MS = 1000;
const RAREST_HELLO_MS = 8000;
/** Who hears nothing asks whether there is nothing: the last message may be the one that was lost. */
const QUIET_MS = 4000;
/** A controller that dies is replaced in less time. */
const ABSENT_MS = 10_000;

/** Of this process: one that is given up may still speak after the next one, so no two may have the same name. */
let connections = 0;

export class CreditsLink {
  readonly #options: CreditsOptions;
  #socket: Dealer;
  #control: string;
  #unconfirmed: NumberedReport[] = [];
  readonly #numbers: ReportNumbers;
  #connection = 0;
  /** Nothing is sent before the controller has answered. */
  #answered = false;
  #flushing = false;
  #sending: Promise<void> = Promise.resolve();
  #closed = false;
  #finished = false;
  #hello: NodeJS.Timeout | undefined;
  /** Number of the last message since the controller has said everything. */
  #number = 0;
  #heard = performance.now();
  /** It was said that nobody answers. */
  #complained = false;
  /** Messages of the controller, in order. */
  readonly messages = new Mailbox<Fields>();

  constructor(options: CreditsOptions) {
    this.#options = options;
    this.#numbers = new ReportNumbers(options.registry.serviceUuid);
    this.#control = options.control;
    this.#socket = this.#connect();
  }

  #connect(): Dealer {
    const { role, name, registry } = this.#options;
    this.#connection = ++connections;
    const socket = new Dealer({
      routingId: `${role} ${name} ${registry.serviceUuid} ${this.#connection}`,
      ...KEEP_ALIVE,
      linger: 1000,
      sendHighWaterMark: 0,
      receiveHighWaterMark: 0,
      reconnectInterval: 20,
    });
    connectTo(socket, this.#control);
    this.#socket = socket;
    this.#answered = false;
    void this.#receive(socket);
    this.#sayHello();
    this.#helloAgain(HELLO_MS);
    return socket;
  }

  /** The controller is another one, or has moved: an update said so. */
  moved(control: string): void {
    if (this.#closed || control === this.#control) return;
    this.#control = control;
    this.#socket.linger = 0;
    this.#socket.close();
    this.#connect();
  }

  #helloAgain(milliseconds: number): void {
    clearTimeout(this.#hello);
    this.#hello = setTimeout(() => {
      if (this.#closed || (this.#answered && this.#finished)) return;
      const quiet = performance.now() - this.#heard;
      if (this.#answered && quiet < QUIET_MS) return this.#helloAgain(QUIET_MS - quiet);
      if (quiet > ABSENT_MS) this.#complain(quiet);
      this.#sayHello();
      this.#helloAgain(this.#answered ? QUIET_MS : Math.min(2 * milliseconds, RAREST_HELLO_MS));
    }, milliseconds);
  }

  #complain(quiet: number): void {
    if (this.#complained || !this.#options.ofMap) return;
    this.#complained = true;
    const seconds = Math.round(quiet / 1000);
    this.#options.say(
      `nobody has answered at ${this.#control} for ${seconds} s: the controller is gone, or listens elsewhere`,
    );
  }

  #sayHello(): void {
    const { role, name, map, registry, next } = this.#options;
    const hello = { role, name, map, service_uuid: registry.serviceUuid, next: next(), connection: this.#connection };
    this.#queue({ hello, reports: this.#unconfirmed });
  }

  /** Puts a report on its way; it is kept until the controller has confirmed it. @returns its number */
  send(report: Report): number {
    const numbered = this.#numbers.put(report);
    this.#unconfirmed.push(numbered);
    if (this.#flushing) return numbered.report;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (this.#answered && this.#unconfirmed.length > 0) this.#flush();
    });
    return numbered.report;
  }

  #sent = 0;

  #flush(): void {
    const reports = this.#unconfirmed.filter(({ report }) => report > this.#sent);
    if (reports.length === 0) return;
    this.#sent = reports.at(-1)!.report;
    this.#queue({ reports });
  }

  #queue(message: object): void {
    const socket = this.#socket;
    const text = JSON.stringify(message);
    // A socket that was closed meanwhile loses the message; the next hello repeats it.
    this.#sending = this.#sending.then(() => socket.send(text)).catch(() => {});
  }

  async #receive(socket: Dealer): Promise<void> {
    try {
      for await (const [frame] of socket) this.#take(parseFields(String(frame), 'a message of the controller'));
    } catch (error) {
      if (!socket.closed) this.#options.say(`the controller cannot be understood: ${(error as Error).message}`);
    }
  }

  #take(message: Fields): void {
    if (message.map !== this.#options.map) return;
    const confirmed = number(message, 'reports', 0);
    this.#unconfirmed = this.#unconfirmed.filter(({ report }) => report > confirmed);
    this.#heard = performance.now();
    this.#complained = false;
    if (message.again === true) {
      this.#answered = true;
      this.#number = 0;
      this.#sent = Math.max(this.#sent, confirmed);
      this.#flush();
    } else if (!this.#isNext(message)) return;
    this.messages.put(message);
  }

  /** One was lost on its way: what follows would be misunderstood, and everything is asked for. */
  #isNext(message: Fields): boolean {
    if (!this.#answered) return false;
    if (number(message, 'number', 0) === ++this.#number) return true;
    this.#answered = false;
    this.#sayHello();
    this.#helloAgain(HELLO_MS);
    return false;
  }

  /** The last report; once. Nobody waits for its confirmation: a controller that has heard it from all may have ended the map. */
  finish(report: Report): void {
    if (this.#finished) return;
    this.#finished = true;
    this.send(report);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#hello);
    if (this.#answered) this.#flush();
    this.messages.end();
    await this.#sending;
    this.#socket.close();
  }
}
