/** `shmem-serve` from its input to its end: who is waited for, how a replay is paced, when a loop begins again. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import { DataError, UsageError } from '../../errors.ts';
import { DgramReader } from '../../stream/dgram-reader.ts';
import { openStream } from '../../stream/open.ts';
import type { Dgram } from '../../xtc/dgram.ts';
import type { Finding } from '../../xtc/finding.ts';
import { isEvent, SERVICE, serviceName } from '../../xtc/service.ts';
import { Pacer } from './pacer.ts';
import { LiveServer, type ServerOptions } from './server.ts';

export interface ServeOptions extends ServerOptions {
  /** Any stream. */
  input: string;
  /** Events per second; 0 as they come. Undefined: a file at the usual rate, anything else as it comes. */
  rate: number | undefined;
  /** How often the input is read; 0 until stopped. */
  loop: number;
  /** Clients to wait for before the first dgram. Undefined: a file waits for one, anything else for none. */
  waitFor: number | undefined;
  /** Seconds after the input for clients that have not finished. */
  linger: number;
  /** Stay, with what is in force, until stopped. */
  stay: boolean;
}

export interface ServeContext {
  options: ServeOptions;
  lifecycle: Lifecycle;
  say: (text: string) => void;
  /** Told of the server when it runs. */
  onServer: (server: LiveServer) => void;
}

export interface ServeResult {
  findings: readonly Finding[];
  /** Why the input ended before its stream did. */
  lost: string | undefined;
}

/** Events per second of a file, as the existing server. */
export const FILE_RATE = 60;
/** A replay waits this long (ms) for clients at a transition: a file loses nothing by that. */
const SETTLE_MS = 100;
const STEP_MS = 2;
/** Between two looks at an input that had nothing. */
const EMPTY_PAUSE_MS = 200;
/** Dgrams between two turns of the event loop. */
const TURN = 32;

/** @throws DataError `oversize` (a transition), InputError, UsageError, DaqError of the kernel's limits */
export async function serveLive(context: ServeContext): Promise<ServeResult> {
  const { options, lifecycle, say } = context;
  if (options.input === '-' && options.loop !== 1) throw new UsageError('--loop: standard input comes once');
  const server = await LiveServer.open(options, say);
  const forget = lifecycle.onEmergency(() => server.objects.unlinkSync());
  try {
    if (server.objects.staleRemoved > 0) say(`removed ${server.objects.staleRemoved} objects of a dead server`);
    say(
      `tag ${options.tag}: ${options.buffers} buffers of ${options.bufferBytes} bytes, ${options.clients} clients, port ${server.port}`,
    );
    context.onServer(server);
    const result = await new Feed(server, context).run();
    await ending(server, context);
    return result;
  } finally {
    server.close();
    forget();
  }
}

/** Clients get what is under way; who does not take it in time does not get it. */
async function ending(server: LiveServer, { options, lifecycle }: ServeContext): Promise<void> {
  const { stop } = lifecycle;
  const until = performance.now() + options.linger * 1000;
  while (!stop.aborted && !server.core.settled(true) && performance.now() < until) await sleep(STEP_MS);
  if (options.stay && !stop.aborted) {
    // The timer of the server keeps the process going.
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  }
  server.endClients();
  const gone = performance.now() + SETTLE_MS;
  while (server.core.clients.length > 0 && performance.now() < gone) await sleep(STEP_MS);
}

class Feed {
  private readonly server: LiveServer;
  private readonly context: ServeContext;
  private readonly findings: Finding[] = [];
  private pacer: Pacer | undefined;
  private replay = false;
  private oversizeNamed = false;
  private untilTurn = TURN;

  constructor(server: LiveServer, context: ServeContext) {
    this.server = server;
    this.context = context;
  }

  async run(): Promise<ServeResult> {
    const { options, lifecycle } = this.context;
    let lost: string | undefined;
    for (let pass = 0; (options.loop === 0 || pass < options.loop) && !lifecycle.stop.aborted; pass++) {
      const source = await openStream(options.input, { lifecycle, say: this.context.say });
      const reader = new DgramReader(source, { stop: lifecycle.stop });
      if (pass === 0) await this.prepare(source.size !== undefined);
      try {
        await this.pass(reader, pass > 0);
      } finally {
        reader.close();
        this.findings.push(...reader.findings);
      }
      lost = source.lost ?? lost;
      if (reader.framed === 0) await sleep(EMPTY_PAUSE_MS);
    }
    return { findings: this.findings, lost };
  }

  private async prepare(isFile: boolean): Promise<void> {
    const { options, lifecycle, say } = this.context;
    this.replay = isFile;
    const rate = options.rate ?? (isFile ? FILE_RATE : 0);
    if (rate > 0) this.pacer = new Pacer(rate);
    const wanted = Math.min(options.waitFor ?? (isFile ? 1 : 0), options.clients);
    if (wanted > 0) say(`waits for ${wanted === 1 ? 'a client' : `${wanted} clients`}`);
    while (this.server.core.clients.length < wanted && !lifecycle.stop.aborted) await sleep(STEP_MS);
  }

  private async pass(reader: DgramReader, again: boolean): Promise<void> {
    const { stop } = this.context.lifecycle;
    do {
      while (!stop.aborted && reader.next()) {
        const { dgram } = reader;
        const { service } = dgram;
        const event = isEvent(service);
        if (event && this.pacer) await this.pacer.turn(stop);
        else if (--this.untilTurn === 0) {
          this.untilTurn = TURN;
          await new Promise((resolve) => setImmediate(resolve));
        }
        this.give(dgram, service, again && !event);
        if (!event && this.replay && service !== SERVICE.SlowUpdate) await this.settle();
      }
    } while (await reader.fill());
  }

  private give(dgram: Dgram, service: number, onlyIfNew: boolean): void {
    const bytes = dgram.slice();
    // What is in force already need not begin again with every pass.
    if (onlyIfNew && this.server.core.transitions.stack.has(bytes)) return;
    if (this.server.take(bytes, service, dgram.groups) === 'oversize') this.oversize(dgram, service);
  }

  private oversize(dgram: Dgram, service: number): void {
    const { options, say } = this.context;
    const what = `${serviceName(service)} of ${dgram.size} bytes does not fit into a buffer of ${options.bufferBytes} (--size)`;
    const place = { file: options.input, dgram: dgram.index };
    if (!isEvent(service)) throw new DataError('oversize', `${what}; clients would be lost without it`, { place });
    if (!this.oversizeNamed) say(`dgram ${dgram.index}: ${what}; it and others like it are dropped`);
    this.oversizeNamed = true;
  }

  /** A file can wait a little, so that clients are there before the events. Who did not come along is not waited for again until it has. */
  private async settle(): Promise<void> {
    const { core } = this.server;
    const { stop } = this.context.lifecycle;
    const until = performance.now() + SETTLE_MS;
    while (!stop.aborted && !core.settled(false) && performance.now() < until) await sleep(STEP_MS);
    for (const client of core.clients) if (!client.caughtUp) client.lagging = true;
  }
}
