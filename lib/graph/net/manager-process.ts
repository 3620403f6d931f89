/** The manager as a process: one socket, a source of events, a clock (docs/graph.md). */

import { Router, type Socket } from 'zeromq';
import { DaqError } from '../../errors.ts';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { Refused } from '../compile/refused.ts';
import { CLOSING, type Period } from '../run/dealer.ts';
import type { Problem } from '../types.ts';
import type { EventData } from './batch.ts';
import { bind } from './endpoints.ts';
import type { Feed, FeedTaker } from './feed.ts';
import { type LoadOptions, loadGraph } from './load-graph.ts';
import { Manager, type ManagerOptions, type Wait } from './manager.ts';
import { type GraphText, type Message, readMessage, writeMessage } from './messages.ts';
import { Outbox } from './outbox.ts';
import { Replacement } from './replacement.ts';
import { nameOf } from './sessions.ts';

/** Graph texts and hellos are small; whoever sends more is somebody else. */
const MAX_MESSAGE = 64 << 20;
const LINGER_MS = 1000;
/** How often the clock looks whether a heartbeat is due that no event brings. */
const CLOCK_MS = 50;
/** Processes that make a new graph ready may take so long, milliseconds. */
const PREPARE_MS = 10_000;
const PATIENCE_MS = 5000;

export interface ManagerProcessOptions extends Omit<ManagerOptions, 'post' | 'now' | 'fields'> {
  readonly at: string;
  /** Milliseconds until it begins with those that are there. */
  readonly wait: number;
  readonly period: Period;
  readonly feed: Feed;
  readonly load: LoadOptions;
}

export class ManagerProcess implements FeedTaker {
  readonly manager: Manager;
  readonly #options: ManagerProcessOptions;
  readonly #socket = new Router({
    mandatory: true,
    // Without it a message for somebody who has gone waits until anybody is connected.
    sendTimeout: 0,
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    linger: LINGER_MS,
    maxMessageSize: MAX_MESSAGE,
    ...KEEP_ALIVE,
  });
  readonly #outbox = new Outbox<{ route: string; frame: Buffer }>(async ({ route, frame }) => {
    await this.#socket.send([Buffer.from(route, 'latin1'), frame]).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EHOSTUNREACH') this.#lost(route);
      else if (!this.#socket.closed) throw error;
    });
  });
  #replacement: Replacement | undefined;
  #loading = false;
  #replacementTimer: NodeJS.Timeout | undefined;
  #graph: GraphText;
  #version: number;
  #wakers: (() => void)[] = [];
  #stop: AbortSignal | undefined;
  garbage = 0;
  /** Milliseconds that events have waited, by reason. */
  readonly waited: Record<Wait, number> = { heartbeats: 0, queues: 0, workers: 0 };

  constructor(options: ManagerProcessOptions) {
    this.#options = options;
    this.#graph = options.graph;
    this.#version = options.graph.version;
    this.manager = new Manager({
      ...options,
      fields: options.feed.fields,
      post: (route, message) => this.#outbox.post({ route, frame: writeMessage(message) }),
      now: () => performance.now(),
    });
  }

  /** Messages that wait to leave. */
  get unsent(): number {
    return this.#outbox.length;
  }

  /** Deals everything the source has, and waits until it has been collected. @throws whatever the source throws */
  async run(stop: AbortSignal): Promise<void> {
    this.#stop = stop;
    const { url, remove } = await bind(this.#socket as Socket, this.#options.at);
    this.#options.say(`at ${url}`);
    const onStop = () => this.#wake();
    stop.addEventListener('abort', onStop, { once: true });
    const receiving = this.#receive();
    let clock: NodeJS.Timeout | undefined;
    try {
      if (await this.#gather()) {
        this.manager.begin();
        clock = setInterval(() => this.#tick(), CLOCK_MS);
        await this.#options.feed.run(this);
        await this.#drain();
        clearInterval(clock);
        this.manager.finish();
        const { deadline } = this.manager.terms;
        await this.#until(
          () => this.manager.finished || !this.manager.sessions.get('global', 0),
          4 * deadline + LINGER_MS,
        );
      } else this.manager.finish();
    } finally {
      clearInterval(clock);
      clearTimeout(this.#replacementTimer);
      stop.removeEventListener('abort', onStop);
      await this.#outbox.drained();
      this.#socket.close();
      remove();
    }
    await receiving;
  }

  /** Waits for the cluster. @returns false if it is told to stop before */
  async #gather(): Promise<boolean> {
    const { say, wait } = this.#options;
    const { manager } = this;
    const hint = setTimeout(() => {
      const { absent } = manager.members;
      say(`waiting for ${[...absent, ...(manager.sessions.get('global', 0) ? [] : ['global'])].join(', ')}`);
    }, PATIENCE_MS);
    await this.#until(() => manager.ready === 'all', wait);
    await this.#until(() => manager.ready !== 'no', Number.POSITIVE_INFINITY);
    clearTimeout(hint);
    if (manager.ready === 'no') return false;
    if (manager.ready === 'enough') say(`beginning without ${manager.members.absent.join(', ')}`);
    return true;
  }

  /** Waits for a condition, at most for a time, and not when a signal has come. */
  async #until(condition: () => boolean, ms: number, despiteStop = false): Promise<void> {
    const end = performance.now() + ms;
    while (!condition() && performance.now() < end && (despiteStop || !this.#stop?.aborted)) {
      await this.#change(Math.min(end - performance.now(), CLOCK_MS * 20));
    }
  }

  /** Something has happened, or so many milliseconds have passed. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** What workers have waiting is worked through, and every heartbeat closes; unless nothing moves any more. */
  async #drain(): Promise<void> {
    const { manager } = this;
    manager.flush();
    await this.#whileMoving(() => manager.hasRoom);
    if (manager.gathering) manager.issue();
    await this.#whileMoving(() => manager.outstanding === 0 && manager.ledger?.openHeartbeats === 0);
  }

  /** Waits for a condition, also behind a signal, as long as there is progress. */
  async #whileMoving(condition: () => boolean): Promise<void> {
    const { manager } = this;
    let seen: number;
    do {
      seen = manager.progress;
      await this.#until(() => condition() || manager.progress > seen, 3 * manager.terms.deadline, true);
    } while (!condition() && manager.progress > seen);
  }

  #tick(): void {
    const { period } = this.#options;
    if (period.kind === 'seconds') this.manager.clock(period.seconds * 1000);
    this.#wake();
  }

  event(event: EventData, time: number): Promise<void> | undefined {
    const wait = this.manager.event(event, time);
    return wait === undefined ? undefined : this.#eventLater(event, time, wait);
  }

  /** Until somebody can take it. A signal leaves it out: it was never dealt. */
  async #eventLater(event: EventData, time: number, why: Wait): Promise<void> {
    let wait: Wait | undefined = why;
    this.manager.flush();
    while (wait !== undefined && !this.#stop?.aborted) {
      const since = performance.now();
      await this.#change(CLOCK_MS);
      this.waited[wait] += performance.now() - since;
      wait = this.manager.event(event, time);
    }
    // The reader would go on at once with what it has in memory; signals and messages want a turn.
    this.manager.flush();
  }

  transition(name: string, dgram: Buffer): Promise<void> | undefined {
    const { manager } = this;
    if (CLOSING.has(name) && manager.gathering && !manager.hasRoom)
      return this.#whileMoving(() => manager.hasRoom).then(() => manager.transition(name, dgram));
    manager.transition(name, dgram);
    return undefined;
  }

  turn(): void {
    this.manager.flush();
  }

  async #receive(): Promise<void> {
    for await (const [route, frame, ...rest] of this.#socket) {
      const from = (route as Buffer).toString('latin1');
      try {
        if (!frame || rest.length > 0) throw new DaqError('graph-frame', 'a message has one part');
        this.#message(from, readMessage(frame));
      } catch (error) {
        if (!(error instanceof DaqError)) throw error;
        if (this.garbage++ === 0) this.#options.say(`from a client: ${error.message}`);
      }
      this.#wake();
    }
  }

  #message(route: string, message: Message): void {
    const { manager } = this;
    switch (message.kind) {
      case 'hello':
        return manager.hello(route, message);
      case 'ack':
        return manager.ack(route, message.bytes);
      case 'leave':
        return manager.leave(route);
      case 'closed':
        return manager.sessions.at(route)?.role === 'global' ? manager.closed(message) : undefined;
      case 'finished':
        return manager.sessions.at(route)?.role === 'global' ? manager.end() : undefined;
      case 'prepared':
        this.#replacement?.prepared(route, message.version, message.problems);
        return this.#replaceIfSettled();
      case 'replace':
        void this.replace(message.text, message.file, route);
        return;
      default:
        throw new DaqError('graph-frame', `"${message.kind}" does not belong here`);
    }
  }

  #lost(route: string): void {
    this.#replacement?.gone(route);
    this.manager.lost(route);
    this.#replaceIfSettled();
    this.#wake();
  }

  /**
   * Puts another graph in force as soon as every process has made it ready; refused as a whole otherwise.
   * @param client who wants to know how it went; undefined: a person who reads the messages of this process
   */
  async replace(text: string, file: string, client?: string): Promise<void> {
    const asked = { version: ++this.#version, text, file, hashes: new Map() };
    const busy = { error: 'bad-parameter', node: null, message: 'another change is under way; try again' } as const;
    if (this.#replacement || this.#loading || !this.manager.ledger) return this.#answer(client, asked, 0, [busy]);
    this.#loading = true;
    const { graph, problems } = await this.#load(asked);
    this.#loading = false;
    if (problems.length > 0) return this.#answer(client, graph, 0, problems);
    const processes = new Map(this.manager.sessions.all.map((session) => [session.route, nameOf(session)]));
    const replacement = new Replacement(graph, client, processes);
    this.#replacement = replacement;
    for (const route of processes.keys()) this.#post(route, { kind: 'prepare', graph });
    this.#replacementTimer = setTimeout(() => {
      replacement.giveUp();
      this.#replaceIfSettled();
    }, PREPARE_MS);
  }

  /** What is wrong with a graph here, or the graph with the hashes of its code. */
  async #load(asked: GraphText): Promise<{ graph: GraphText; problems: readonly Problem[] }> {
    const { compiled, hashes } = await loadGraph(asked, this.manager.terms, this.#options.load);
    if ('problems' in compiled) return { graph: asked, problems: compiled.problems };
    const { fields } = this.#options.feed;
    const unknown = fields.length === 0 ? [] : compiled.graph.sources.filter(({ from }) => !fields.includes(from));
    const problems = unknown.map(({ name, from }): Problem => {
      return { error: 'unknown-input', node: null, message: `source ${name}: simulated events have no "${from}" now` };
    });
    return { graph: { ...asked, hashes }, problems };
  }

  #replaceIfSettled(): void {
    const replacement = this.#replacement;
    if (!replacement?.settled) return;
    clearTimeout(this.#replacementTimer);
    this.#replacement = undefined;
    const { graph, client, problems } = replacement;
    const from = problems.length === 0 ? this.manager.change(graph) : 0;
    if (problems.length === 0) this.#graph = graph;
    this.#answer(client, graph, from, problems);
  }

  #answer(client: string | undefined, { version, file }: GraphText, from: number, problems: readonly Problem[]): void {
    const { say } = this.#options;
    if (problems.length === 0) say(`graph ${file}, version ${version}, is in force from heartbeat ${from} on`);
    else say(`graph ${file} is refused: ${new Refused(problems).message}`);
    if (client !== undefined) this.#post(client, { kind: 'replaced', version, from, problems });
  }

  #post(route: string, message: Message): void {
    this.#outbox.post({ route, frame: writeMessage(message) });
  }

  /** Version of the graph in force, or about to be. */
  get version(): number {
    return this.#graph.version;
  }
}
