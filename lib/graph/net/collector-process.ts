/** A collector as a process: markers and changes from the manager, answers from below (docs/graph.md). */

import { randomUUID } from 'node:crypto';
import { Pull, type Socket } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import type { CompiledGraph } from '../compile/compiled.ts';
import type { Contributor } from '../run/collector.ts';
import { bind } from './endpoints.ts';
import { Gathering, type Side } from './gathering.ts';
import { GraphStore } from './graph-store.ts';
import { Inbox } from './inbox.ts';
import { ManagerLink } from './link.ts';
import type { LoadOptions } from './load-graph.ts';
import {
  type ClusterTerms,
  type Control,
  type Hello,
  type MembersMessage,
  type Message,
  type MessageOf,
  readMessage,
  type Welcome,
} from './messages.ts';

/** Answers of each contributor that may wait in the socket. */
const ANSWERS_WAITING = 8;
/** A collector that is asked to stop waits so long for the manager to end the stream, milliseconds. */
const GRACE_MS = 2000;

export interface CollectorProcessOptions {
  readonly role: 'local' | 'global';
  readonly id: number;
  readonly manager: string;
  readonly bind: string;
  readonly load: LoadOptions;
  readonly say: (text: string) => void;
}

/** Where a collector begins. */
export interface Beginning {
  readonly graph: CompiledGraph;
  readonly terms: ClusterTerms;
  readonly closed: number;
  readonly run: number;
}

type Item =
  | { readonly from: 'manager' | 'below'; readonly message: Message }
  | { readonly from: 'clock'; readonly end: boolean };

/** What is the same for local collectors and the global one. */
export abstract class CollectorProcess {
  protected readonly options: CollectorProcessOptions;
  protected readonly link: ManagerLink;
  protected readonly graphs: GraphStore;
  protected gathering: Gathering | undefined;
  protected before = 0;
  protected terms: ClusterTerms | undefined;
  readonly #uid = randomUUID();
  readonly #pull = new Pull({ receiveHighWaterMark: ANSWERS_WAITING, ...KEEP_ALIVE });
  readonly #inbox = new Inbox<Item>();
  /** Answers that came before the manager did. */
  readonly #early: MessageOf<'answer'>[] = [];
  #endpoint = '';
  #session = '';
  #seq = 0;
  #clock: NodeJS.Timeout | undefined;
  /** Those below whose end is waited for. */
  #ending: Set<number> | undefined;
  readonly #ended = new Set<number>();
  /** Milliseconds that the end waits when nothing comes any more. */
  #endPatience = GRACE_MS;
  #over = false;
  #garbage = 0;
  refused: string | undefined;

  constructor(options: CollectorProcessOptions) {
    this.options = options;
    this.graphs = new GraphStore(options.load);
    const { manager, say } = options;
    this.link = new ManagerLink(manager, {
      greeting: () => this.#hello(),
      onMessage: (message) => this.#inbox.put({ from: 'manager', message }),
      onLost: () => this.#ending || say('the manager is away; waiting for it'),
      say,
    });
  }

  /** Messages that made no sense. */
  get garbage(): number {
    return this.#garbage + this.link.garbage;
  }

  get openHeartbeats(): number {
    return this.gathering?.openHeartbeats ?? 0;
  }

  /** Answers that wait for the next heartbeat to close. */
  get waiting(): number {
    return this.gathering?.waiting ?? 0;
  }

  /** Heartbeats of the state this collector begins with. */
  protected get closed(): number {
    return this.gathering?.closedThrough ?? 0;
  }

  protected abstract begin(beginning: Beginning, known: GatheringFactory): Gathering;
  /** Contributors of this collector, given the table of the whole cluster. */
  protected abstract contributors(locals: MembersMessage['locals']): readonly Contributor[];
  /** Contributors that there can be. */
  protected abstract isContributor(id: number): boolean;
  /** Sends on, or writes out, what has closed. */
  protected abstract flush(): Promise<void>;
  /** Everything has closed; last words. */
  protected abstract finish(): Promise<void>;
  /** For what else a collector does with what it is told. */
  protected follow(_entry: Control): void {}
  /** The place of the parent is another now. */
  protected moved(_endpoint: string): void {}
  /** Deadlines of a parent are later than those of its children. */
  protected abstract readonly patience: number;

  /** Collects until the manager says the end, or a signal came and nobody says anything any more. */
  async run(stop: AbortSignal): Promise<void> {
    const { url, remove } = await bind(this.#pull as Socket, this.options.bind);
    this.#endpoint = url;
    let grace: NodeJS.Timeout | undefined;
    const onStop = () => {
      grace = setTimeout(() => this.#inbox.close(), GRACE_MS);
    };
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    const receiving = Promise.all([this.link.run(), this.#receive()]);
    try {
      while (!this.#over) {
        const item = await this.#inbox.next();
        if (!item) break;
        await this.#perform(item);
        await this.flush();
        this.#setClock();
      }
      this.gathering?.end();
      await this.flush();
      if (this.refused === undefined) await this.finish();
    } finally {
      stop.removeEventListener('abort', onStop);
      clearTimeout(grace);
      clearTimeout(this.#clock);
      await this.link.close();
      this.#pull.close();
      remove();
    }
    await receiving;
  }

  #hello(): Hello {
    return {
      kind: 'hello',
      role: this.options.role,
      id: this.options.id,
      uid: this.#uid,
      endpoint: this.#endpoint,
      heartbeat: this.gathering?.issuedThrough ?? this.knownIssued,
      before: this.before,
      run: this.gathering?.run ?? this.knownRun,
      closed: this.closed,
    };
  }

  /** What was issued and begun, before anything has come from a manager. */
  protected get knownIssued(): number {
    return 0;
  }

  protected get knownRun(): number {
    return 0;
  }

  async #receive(): Promise<void> {
    for await (const parts of this.#pull) {
      try {
        const message = readMessage(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
        const meant = message.kind === 'answer' || message.kind === 'last';
        if (meant && this.isContributor(message.sender)) this.#inbox.put({ from: 'below', message });
        else this.#complain(`"${message.kind}" does not belong here`);
      } catch (error) {
        this.#complain((error as Error).message);
      }
    }
  }

  #complain(why: string): void {
    if (this.#garbage++ === 0) this.options.say(`from below: ${why}`);
  }

  async #perform(item: Item): Promise<void> {
    const now = performance.now();
    if (item.from === 'clock') {
      this.gathering?.tick(now);
      if (item.end) this.#over = true;
    } else if (item.from === 'manager') await this.#manage(item.message, now);
    else if (item.message.kind === 'last') {
      this.#ended.add(item.message.sender);
      this.#endIfAll();
    } else if (item.message.kind === 'answer') {
      if (this.gathering) this.gathering.answer(item.message.sender, item.message.answer);
      else this.#early.push(item.message);
    }
  }

  async #manage(message: Message, now: number): Promise<void> {
    switch (message.kind) {
      case 'welcome':
        return this.#welcomed(message, now);
      case 'refused':
        this.refused = message.why;
        this.#over = true;
        return;
      case 'endpoint':
        return this.moved(message.endpoint);
      case 'prepare':
        this.link.post(await this.graphs.prepare(message.graph));
        return;
      case 'end':
        this.#ending = new Set(message.below);
        this.#endIfAll();
        return;
      case 'marker':
      case 'members':
      case 'passed':
      case 'change':
        return this.#control(message, now);
    }
  }

  #endIfAll(): void {
    if (this.#ending && [...this.#ending].every((id) => this.#ended.has(id))) this.#over = true;
  }

  async #welcomed(welcome: Welcome, now: number): Promise<void> {
    const { terms, heartbeat, run } = welcome;
    const compiled = await this.graphs.begin(welcome);
    this.before = Math.max(this.before, welcome.before);
    this.moved(welcome.endpoint);
    // What follows is told again then, and known by its numbers.
    if (terms.session === this.#session) return;
    this.#session = terms.session;
    this.#seq = 0;
    this.terms = terms;
    this.#endPatience = terms.deadline * this.patience;
    if (!this.gathering) {
      const beginning = { graph: compiled, terms, closed: heartbeat - 1, run };
      this.gathering = this.begin(beginning, (side, closed, known) => {
        const deadline = this.#endPatience;
        const contributors = (locals: MembersMessage['locals']) => this.contributors(locals);
        return new Gathering(side, { depth: terms.depth, deadline, closed, run: known, contributors });
      });
    }
    this.gathering.change(compiled, heartbeat);
    this.gathering.transition('Configure', heartbeat - 1, run);
    this.gathering.issuedBefore(heartbeat - 1, now);
    this.gathering.members({ from: heartbeat, locals: welcome.members });
    for (const { sender, answer } of this.#early.splice(0)) this.gathering.answer(sender, answer);
  }

  async #control(entry: Control, now: number): Promise<void> {
    const { gathering } = this;
    // Told again, because one of us was away.
    if (!gathering || entry.seq <= this.#seq) return;
    this.#seq = entry.seq;
    this.follow(entry);
    switch (entry.kind) {
      case 'marker':
        this.before = Math.max(this.before, entry.before);
        return gathering.marker(entry, now);
      case 'members':
        return gathering.members(entry);
      case 'passed':
        return gathering.transition(entry.name, entry.after, entry.run);
      case 'change':
        return gathering.change(await this.graphs.get(entry.graph), entry.from);
    }
  }

  #setClock(): void {
    clearTimeout(this.#clock);
    const end = this.#ending !== undefined;
    const now = performance.now();
    const due = end ? now + this.#endPatience : this.gathering?.nextDeadline;
    if (due === undefined) return;
    this.#clock = setTimeout(() => this.#inbox.put({ from: 'clock', end }), Math.max(0, due - now));
  }
}

export type GatheringFactory = (side: Side, closed: number, run: number) => Gathering;
