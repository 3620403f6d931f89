/**
 * The manager of a cluster (docs/graph.md, separate processes): it takes processes in, deals events, issues heartbeats, says who is
 * expected and which graph is in force from when. No sockets and no clocks of its own.
 */

import { randomUUID } from 'node:crypto';
import { CLOSING, Dealer, type Period } from '../run/dealer.ts';
import type { EventData } from './batch.ts';
import { ControlLog } from './control-log.ts';
import { Dealing } from './dealing.ts';
import { Ledger } from './ledger.ts';
import { Members } from './members.ts';
import type { ClosedReport, ClusterTerms, Control, GraphText, Hello, Message } from './messages.ts';
import { nameOf, type Session, Sessions } from './sessions.ts';

export interface ManagerOptions {
  readonly terms: Omit<ClusterTerms, 'session'>;
  readonly graph: GraphText;
  readonly period: Period;
  readonly deadAfter: number;
  /** Heartbeats that may be issued and not closed. */
  readonly ahead: number;
  /** Bytes of events that may wait for one worker. */
  readonly queue: number;
  /** What simulated events consist of; empty for dgrams. */
  readonly fields: readonly string[];
  readonly post: (route: string, message: Message) => void;
  readonly say: (text: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Why events wait. */
export type Wait = 'heartbeats' | 'queues' | 'workers';

type Unnumbered<T> = T extends Control ? Omit<T, 'seq'> : never;

export class Manager {
  readonly terms: ClusterTerms;
  readonly members: Members;
  readonly sessions = new Sessions();
  readonly #options: ManagerOptions;
  /** What is to be done when a heartbeat has become the open one. */
  readonly #planned: { heartbeat: number; act: () => void }[] = [];
  #begun: { dealer: Dealer; dealing: Dealing; log: ControlLog; ledger: Ledger } | undefined;
  #configure = Buffer.alloc(0);
  #run = 0;
  #seq = 0;
  #lastMove: number;
  #first = 1;
  #finished = false;
  /** Events, acknowledgements and closed heartbeats so far: whoever waits looks whether it grows. */
  progress = 0;

  constructor(options: ManagerOptions) {
    const { terms, deadAfter, now } = options;
    this.#options = options;
    this.terms = { ...terms, session: randomUUID() };
    this.members = new Members({ ...terms, deadAfter });
    this.#lastMove = now();
  }

  get ledger(): Ledger | undefined {
    return this.#begun?.ledger;
  }

  /** Heartbeat that gathers. */
  get open(): number {
    return this.#begun?.dealer.open ?? 1;
  }

  /** Another heartbeat may be issued. More would close some early at collectors, for want of depth. */
  get hasRoom(): boolean {
    return (this.#begun?.ledger.openHeartbeats ?? 0) < this.#options.ahead;
  }

  /** The global collector has said its last word. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Bytes of events that wait for expected workers. */
  get outstanding(): number {
    const dealtTo = this.#begun?.dealer.workers ?? [];
    return dealtTo.reduce((sum, worker) => sum + (this.sessions.get('worker', worker)?.outstanding ?? 0), 0);
  }

  /** Everybody is there, or enough to begin with: the global collector and a worker with its local collector. */
  get ready(): 'all' | 'enough' | 'no' {
    if (!this.sessions.get('global', 0) || !this.members.any) return 'no';
    return this.members.absent.length === 0 ? 'all' : 'enough';
  }

  /** Begins to deal, behind whatever the processes that are there have seen of an earlier manager. */
  begin(): void {
    const hellos = this.sessions.all.map(({ hello }) => hello);
    const last = (of: (hello: Hello) => number) => Math.max(0, ...hellos.map(of));
    const closed = last(({ heartbeat }) => heartbeat);
    const before = last((hello) => hello.before);
    this.#run = last(({ run }) => run);
    const { period, queue, graph, terms, say } = this.#options;
    const dealer = new Dealer([], period, { event: before, heartbeat: closed });
    const ledger = new Ledger(terms.workers, closed);
    const session = (worker: number) => this.sessions.get('worker', worker);
    const dealing = new Dealing(dealer, ledger, queue, session, (to, message) => this.#post(to, message));
    const log = new ControlLog({ closed, run: this.#run, before, graph, members: new Map() });
    this.#begun = { dealer, dealing, log, ledger };
    this.#first = closed + 1;
    if (closed > 0) say(`going on with heartbeat ${closed + 1}, event ${before}`);
    for (const one of [...this.sessions.of('global'), ...this.sessions.of('local')]) this.#welcomeCollector(one);
    this.settle();
  }

  hello(route: string, hello: Hello): void {
    const { role, id } = hello;
    const { workers, collectors } = this.#options.terms;
    if (id >= { worker: workers, local: collectors, global: 1 }[role]) {
      this.#options.post(route, { kind: 'refused', why: `there is no ${role} ${id} in this cluster` });
      return;
    }
    if (role === 'global' && this.#begun && hello.heartbeat >= this.open) {
      const why = `its state knows heartbeat ${hello.heartbeat}, and this manager is at ${this.open}`;
      this.#options.post(route, { kind: 'refused', why });
      return;
    }
    const replaced = this.sessions.enter(route, hello);
    if (replaced) this.#post(replaced, { kind: 'refused', why: 'another process has taken its place' });
    const session = this.sessions.at(route) as Session;
    if (role === 'worker') this.members.workerCame(id);
    if (role === 'local') this.members.localCame(id);
    if (!this.#begun) return;
    if (role !== 'worker') this.#welcomeCollector(session);
    this.settle();
  }

  /** The connection of a process is gone. */
  lost(route: string): void {
    const session = this.sessions.at(route);
    if (!session) return;
    this.sessions.remove(session);
    this.#options.say(`${nameOf(session)} is gone`);
    if (session.role === 'worker') this.members.workerGone(session.id, 'it is gone');
    if (session.role === 'local') this.members.localGone(session.id);
    this.settle();
  }

  /** A worker wants to go. */
  leave(route: string): void {
    const session = this.sessions.at(route);
    if (session?.role !== 'worker') return;
    session.leaving = true;
    this.members.workerGone(session.id, 'it leaves');
    if (!this.#begun || session.from > this.open) this.#post(session, { kind: 'end', below: [] });
    const has = (this.#begun?.dealer.gathering.get(session.id) ?? 0) > 0;
    this.settle();
    // It is asked for what it has at once: the next heartbeat may be far.
    if (has && this.hasRoom) this.issue();
  }

  ack(route: string, bytes: number): void {
    const session = this.sessions.at(route);
    if (!session) return;
    session.outstanding = Math.max(0, session.outstanding - bytes);
    this.progress++;
  }

  closed(report: ClosedReport): void {
    const { now } = this.#options;
    if (!this.#begun) return;
    const { ledger, log } = this.#begun;
    const before = ledger.answered;
    ledger.closed(report, now());
    log.closed(report.heartbeat);
    this.members.closed(report.missing, report.locals);
    if (ledger.answered > before) this.progress++;
    this.settle();
  }

  /** The last word of the global collector. */
  end(): void {
    this.#finished = true;
  }

  /**
   * Deals one event.
   * @returns why it must wait, or undefined if it is on its way
   */
  event(event: EventData, time: number): Wait | undefined {
    if (!this.#begun) return 'workers';
    const { dealer, dealing } = this.#begun;
    if (dealer.due(time)) {
      if (!this.hasRoom) return 'heartbeats';
      this.issue();
    }
    // Who comes with the next heartbeat must not wait for events that nobody can take.
    if (dealer.workers.length === 0 && this.#planned.length > 0 && this.hasRoom) this.issue();
    if (dealer.workers.length === 0) return 'workers';
    if (!dealing.deal(event, time)) return 'queues';
    this.#lastMove = this.#options.now();
    this.progress++;
    return undefined;
  }

  /** Sends the events that are ready. */
  flush(): void {
    this.#begun?.dealing.flush();
  }

  /** A transition of the data. Work is closed before it. */
  transition(name: string, dgram: Buffer): void {
    if (!this.#begun) return;
    const { dealer, dealing } = this.#begun;
    if (CLOSING.has(name)) {
      if (dealer.gathering.size > 0) this.issue();
      if (name === 'Configure') {
        this.#run++;
        this.#configure = Buffer.from(dgram);
      }
      this.#tell({ kind: 'passed', name, after: dealer.open - 1, run: this.#run });
    } else dealing.flush();
    for (const session of this.sessions.of('worker'))
      if (session.from <= this.open && this.open < session.until)
        this.#post(session, { kind: 'transition', name, dgram });
  }

  /** Closes the open heartbeat, if it has events or nothing has moved for `idle` milliseconds and there is room. */
  clock(idle: number): void {
    if (!this.#begun || this.#options.now() - this.#lastMove < idle) return;
    if (this.hasRoom) this.issue();
  }

  /** Closes the open heartbeat. */
  issue(): void {
    if (!this.#begun) return;
    const { dealer, dealing, ledger } = this.#begun;
    dealing.flush();
    this.#lastMove = this.#options.now();
    const marker = dealer.issue();
    ledger.issued(marker, this.#lastMove);
    // Collectors first: an answer is of use when its marker is known.
    const told = this.#tell({ kind: 'marker', ...marker });
    for (const session of this.sessions.of('worker'))
      if (session.from <= marker.heartbeat && marker.heartbeat < session.until) this.#post(session, told);
    this.#actNow();
  }

  /** True if the open heartbeat has events. */
  get gathering(): boolean {
    return (this.#begun?.dealer.gathering.size ?? 0) > 0;
  }

  /** Puts a graph in force, which everybody has made ready. @returns the heartbeat it begins with */
  change(graph: GraphText): number {
    const from = this.gathering ? this.open + 1 : this.open;
    const told = this.#tell({ kind: 'change', graph, from });
    for (const session of this.sessions.of('worker')) if (session.from <= from) this.#post(session, told);
    return from;
  }

  /** The stream has ended: everybody may finish. */
  finish(): void {
    const expected = this.members.table();
    for (const session of this.sessions.of('worker')) this.#post(session, { kind: 'end', below: [] });
    for (const session of this.sessions.of('local'))
      this.#post(session, { kind: 'end', below: (expected.get(session.id) ?? []).filter((id) => this.#isThere(id)) });
    const locals = this.sessions.of('local').map(({ id }) => id);
    for (const session of this.sessions.of('global')) this.#post(session, { kind: 'end', below: locals });
  }

  #isThere(worker: number): boolean {
    return this.sessions.get('worker', worker) !== undefined;
  }

  /** Takes workers in and gives them up, as they come, go and answer. */
  settle(): void {
    if (!this.#begun) return;
    const { dealer } = this.#begun;
    const decisions = this.members.decide(dealer.open, dealer.gathering);
    for (const { worker, from, expected, why } of decisions) {
      dealer.giveUp(worker);
      if (expected) this.#plan(from, () => this.#take(worker, from));
      else {
        const session = this.sessions.get('worker', worker);
        if (session) session.until = from;
        this.#options.say(`worker ${worker} is given up from heartbeat ${from} on: ${why}`);
        this.#plan(from, () => session && this.#release(session, from));
      }
    }
    const [first] = decisions;
    if (first) this.#tell({ kind: 'members', from: first.from, locals: this.members.table() });
    this.#actNow();
  }

  #release(session: Session, from: number): void {
    if (session.leaving) this.#post(session, { kind: 'end', below: [] });
    else this.#post(session, { kind: 'givenUp', from });
  }

  /** A worker has its part from now on, if it is still wanted. */
  #take(worker: number, from: number): void {
    const session = this.sessions.get('worker', worker);
    const local = this.members.localOf(worker);
    if (!session || !this.#begun || local === undefined || !this.members.isExpected(worker)) return;
    if (from > this.#first) this.#options.say(`worker ${worker} has its part from heartbeat ${from} on`);
    session.from = from;
    session.until = Number.POSITIVE_INFINITY;
    this.#welcome(session, from - 1, this.sessions.get('local', local)?.endpoint ?? '');
    for (const entry of this.#begun.log.after(from - 1).entries)
      if (entry.kind === 'change') this.#post(session, entry);
    this.#begun.dealer.join(worker);
    this.#lastMove = this.#options.now();
    this.progress++;
  }

  #welcomeCollector(session: Session): void {
    if (!this.#begun) return;
    const { hello, role, id, endpoint } = session;
    const fresh = role === 'local' && hello.heartbeat === 0;
    // What a lost local collector had is lost; of what it had not, the new one knows no more than that it is late.
    const closed = fresh ? this.open - 1 : hello.closed;
    this.#welcome(session, closed, role === 'local' ? (this.sessions.get('global', 0)?.endpoint ?? '') : '');
    for (const entry of this.#begun.log.after(closed).entries) this.#post(session, entry);
    const below =
      role === 'global'
        ? this.sessions.of('local')
        : this.sessions.of('worker').filter((worker) => this.members.localOf(worker.id) === id);
    for (const child of below) this.#post(child, { kind: 'endpoint', endpoint });
  }

  #welcome(session: Session, closed: number, endpoint: string): void {
    if (!this.#begun) return;
    const { standing } = this.#begun.log.after(closed);
    const { fields } = this.#options;
    const { run, before, graph, members } = standing;
    const heartbeat = standing.closed + 1;
    const { terms } = this;
    const configure = session.role === 'worker' ? this.#configure : Buffer.alloc(0);
    const stand = { graph, heartbeat, run, before, members };
    this.#post(session, { kind: 'welcome', terms, ...stand, endpoint, fields, configure });
  }

  #plan(heartbeat: number, act: () => void): void {
    this.#planned.push({ heartbeat, act });
  }

  #actNow(): void {
    for (;;) {
      const at = this.#planned.findIndex(({ heartbeat }) => heartbeat <= this.open);
      if (at < 0) return;
      this.#planned.splice(at, 1)[0]!.act();
    }
  }

  #tell(entry: Unnumbered<Control>): Control {
    const told = { ...entry, seq: ++this.#seq } as Control;
    this.#begun?.log.add(told);
    for (const session of this.sessions.all) if (session.role !== 'worker') this.#post(session, told);
    return told;
  }

  #post({ route }: Session, message: Message): void {
    this.#options.post(route, message);
  }
}
