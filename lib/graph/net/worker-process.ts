/** A worker as a process: events and markers from the manager, answers to its local collector (docs/graph.md). */

import { randomUUID } from 'node:crypto';
import { Push } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import type { CompiledGraph } from '../compile/compiled.ts';
import type { FailureReport } from '../run/worker.ts';
import { connectable } from './endpoints.ts';
import { EventRunner } from './event-runner.ts';
import { GraphStore } from './graph-store.ts';
import { Inbox } from './inbox.ts';
import { ManagerLink } from './link.ts';
import type { LoadOptions } from './load-graph.ts';
import { type Hello, type Message, type MessageOf, type Welcome, writeMessage } from './messages.ts';

/** Answers that may wait for the local collector before the worker stops to read events. */
const ANSWERS_WAITING = 4;
/** Time for the last answers when nobody takes them, milliseconds. */
const LINGER_MS = 2000;
/** A worker that wants to go waits so long for the word of the manager, milliseconds. */
const LEAVE_MS = 3000;

export interface WorkerProcessOptions {
  readonly id: number;
  readonly manager: string;
  readonly load: LoadOptions;
  readonly say: (text: string) => void;
  readonly onFailure: (report: FailureReport) => void;
}

export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly #uid = randomUUID();
  readonly #link: ManagerLink;
  readonly #inbox = new Inbox<Message>();
  readonly #push = new Push({ sendHighWaterMark: ANSWERS_WAITING, linger: LINGER_MS, ...KEEP_ALIVE });
  readonly #graphs: GraphStore;
  #connected = '';
  #runner: EventRunner | undefined;
  #welcome: Welcome | undefined;
  /** Last heartbeat issued, events dealt before, runs begun, as far as is known here. */
  #heartbeat = 0;
  #before = 0;
  #run = 0;
  #leaving: NodeJS.Timeout | undefined;
  #sending = false;
  #ending = false;
  #patience: NodeJS.Timeout | undefined;
  refused: string | undefined;
  events = 0;
  answered = 0;
  /** Events of heartbeats that a lost manager never issued. */
  abandoned = 0;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#graphs = new GraphStore(options.load);
    const { manager, say } = options;
    this.#link = new ManagerLink(manager, {
      greeting: () => this.#hello(),
      onMessage: (message) => this.#take(message),
      onLost: () => this.#ending || say('the manager is away; waiting for it'),
      say,
    });
  }

  /** Events that wait in an unanswered heartbeat. */
  get gathered(): number {
    return this.#runner?.gathered ?? 0;
  }

  get queued(): number {
    return this.#inbox.length;
  }

  /** Works until the manager says the end, or this worker may leave. @throws Refused if a graph cannot be used here */
  async run(stop: AbortSignal): Promise<void> {
    const leave = () => this.#leave();
    stop.addEventListener('abort', leave, { once: true });
    if (stop.aborted) leave();
    const receiving = this.#link.run();
    try {
      for (let message = await this.#inbox.next(); message; message = await this.#inbox.next()) {
        if (!(await this.#perform(message))) break;
      }
    } finally {
      stop.removeEventListener('abort', leave);
      clearTimeout(this.#leaving);
      await this.#link.close();
      this.#push.close();
    }
    await receiving;
  }

  #leave(): void {
    this.#link.post({ kind: 'leave' });
    this.#leaving = setTimeout(() => {
      this.#inbox.close();
      this.#push.close();
    }, LEAVE_MS);
  }

  #hello(): Hello {
    return {
      kind: 'hello',
      role: 'worker',
      id: this.#options.id,
      uid: this.#uid,
      endpoint: '',
      heartbeat: this.#heartbeat,
      before: this.#before,
      run: this.#run,
      closed: 0,
    };
  }

  /** A local collector that has moved must be known even while an answer waits for it. */
  #take(message: Message): void {
    if (message.kind === 'endpoint') return this.#connect(message.endpoint);
    this.#ending ||= message.kind === 'end' || message.kind === 'refused';
    if (this.#ending && this.#sending) this.#limit();
    this.#inbox.put(message);
  }

  /** At the end nobody waits for ever for a local collector that takes nothing. */
  #limit(): void {
    this.#patience ??= setTimeout(() => this.#push.close(), LINGER_MS);
  }

  #connect(endpoint: string): void {
    if (endpoint === this.#connected || endpoint === '' || this.#push.closed) return;
    if (this.#connected !== '') this.#push.disconnect(connectable(this.#connected));
    this.#push.connect(connectable(endpoint));
    this.#connected = endpoint;
  }

  /** @returns false at the end */
  async #perform(message: Message): Promise<boolean> {
    switch (message.kind) {
      case 'welcome':
        await this.#begin(message);
        return true;
      case 'refused':
        this.refused = message.why;
        return false;
      case 'givenUp':
        this.#options.say(`given up from heartbeat ${message.from} on; saying hello again`);
        this.#link.post(this.#hello());
        return true;
      case 'prepare':
        this.#link.post(await this.#graphs.prepare(message.graph));
        return true;
      case 'end':
        await this.#send({ kind: 'last', sender: this.#options.id });
        return false;
      default:
        if (this.#runner) await this.#work(this.#runner, message);
        return true;
    }
  }

  async #begin(welcome: Welcome): Promise<void> {
    if (this.gathered > 0) {
      this.abandoned += this.gathered;
      this.#options.say(`${this.gathered} events of a heartbeat that was never issued are left out`);
    }
    const graph: CompiledGraph = await this.#graphs.begin(welcome);
    this.#connect(welcome.endpoint);
    this.#runner = new EventRunner(this.#options.id, graph, welcome, this.#options.onFailure);
    this.#welcome = welcome;
    this.#heartbeat = welcome.heartbeat - 1;
    this.#before = welcome.before;
    this.#run = welcome.run;
  }

  async #work(runner: EventRunner, message: Message): Promise<void> {
    switch (message.kind) {
      case 'events':
        runner.events(message);
        return this.#ack(message.numbers, message.dgrams.length);
      case 'values':
        runner.values(message);
        return this.#ack(message.numbers, message.bytes);
      case 'transition':
        if (message.name === 'Configure') this.#run++;
        return runner.transition(message);
      case 'change':
        return runner.change(await this.#graphs.get(message.graph), message.from);
      case 'marker':
        return this.#answer(runner, message);
    }
  }

  #ack(numbers: Float64Array, bytes: number): void {
    this.events += numbers.length;
    this.#link.post({ kind: 'ack', bytes });
  }

  async #answer(runner: EventRunner, { heartbeat, before }: MessageOf<'marker'>): Promise<void> {
    if (heartbeat < (this.#welcome?.heartbeat ?? 0)) return;
    this.#heartbeat = heartbeat;
    this.#before = before;
    await this.#send({ kind: 'answer', sender: this.#options.id, answer: runner.issue(heartbeat) });
    this.answered++;
  }

  /** Waits while the local collector takes nothing: then this worker reads no events either, and the manager deals to others. */
  async #send(message: Message): Promise<void> {
    this.#sending = true;
    if (this.#ending) this.#limit();
    await this.#push.send(writeMessage(message)).catch((error: unknown) => {
      if (!this.#push.closed) throw error;
    });
    this.#sending = false;
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }
}
