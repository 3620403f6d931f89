/**
 * Random clusters, events and schedules: messages between workers, local collectors and the global one are late, lost or doubled,
 * workers die, are given up, come back and join at named heartbeats, collectors are killed and restarted, runs begin, deadlines pass
 * (spec graph.md 2.2 to 2.6, 2.8, 2.9).
 */

import type { CompiledGraph } from '../../lib/graph/compile/compiled.ts';
import { ControlLog } from '../../lib/graph/net/control-log.ts';
import { Gathering, type Side } from '../../lib/graph/net/gathering.ts';
import { Members } from '../../lib/graph/net/members.ts';
import type { Answer } from '../../lib/graph/run/answer.ts';
import type { Closing, Contributor } from '../../lib/graph/run/collector.ts';
import { type Dealt, GlobalSide, type SavedSide } from '../../lib/graph/run/global-side.ts';
import { LocalSide } from '../../lib/graph/run/local-side.ts';
import { Worker } from '../../lib/graph/run/worker.ts';
import { decodeFrame, encodeFrame } from '../../lib/graph/wire/frame.ts';
import { Random } from '../random.ts';
import { Oracle, type SimulatedEvent } from './oracle.ts';
import { type Local, type Message, type Saved, sideOf, simulatedGraph } from './simulated-graph.ts';

export interface Outcome {
  /** What is wrong, in words. */
  readonly problems: readonly string[];
  readonly events: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Workers given up, workers that came (back), collectors restarted. */
  readonly moves: Readonly<Record<'gone' | 'came' | 'restarted', number>>;
}

class Simulation {
  readonly #random: Random;
  readonly #oracle = new Oracle();
  readonly #graph: CompiledGraph;
  readonly #depth: number;
  readonly #perLocal: number;
  readonly #workers: Worker[];
  /** First heartbeat of each worker's process; heartbeats from `until` on are not its own. */
  readonly #part: { from: number; until: number }[];
  readonly #locals: Local[];
  #global: Gathering;
  #globalSide: GlobalSide;
  #globalHolds = new Map<Answer, readonly number[]>();
  #saved: Saved;
  readonly #members: Members;
  readonly #log: ControlLog;
  #seq = 0;
  readonly #dealt = new Map<number, Dealt>();
  readonly #lost = new Set<number>();
  readonly #dead = new Set<number>();
  readonly #toLocal: Message[] = [];
  #seen: Message[] = [];
  readonly #since: number[][];
  readonly #moves = { gone: 0, came: 0, restarted: 0 };
  readonly problems: string[] = [];
  #number = 0;
  readonly #unheard = new Map<Gathering, ((gathering: Gathering) => void)[]>();
  #run = 0;
  #open = 1;
  #duplicates = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const collectors = 1 + this.#random.below(3);
    this.#perLocal = 1 + this.#random.below(3);
    const workers = collectors * this.#perLocal;
    this.#graph = simulatedGraph(workers, collectors);
    this.#depth = 1 + this.#random.below(3);
    this.#members = new Members({ workers, collectors, deadAfter: 0 });
    for (let local = 0; local < collectors; local++) this.#members.localCame(local);
    this.#workers = Array.from({ length: workers }, (_, id) => new Worker(id, this.#graph));
    this.#part = this.#workers.map(() => ({ from: Number.POSITIVE_INFINITY, until: Number.POSITIVE_INFINITY }));
    this.#since = this.#workers.map(() => []);
    const graph = { version: 1, text: '', file: '', hashes: new Map<string, string>() };
    this.#log = new ControlLog({ closed: 0, run: 0, before: 0, graph, members: new Map() });
    this.#locals = Array.from({ length: collectors }, (_, id) => {
      return { gathering: this.#newLocal(id, 0), toGlobal: [], holds: new Map() };
    });
    this.#globalSide = new GlobalSide(this.#graph);
    this.#global = this.#newGlobal(0, 0);
    this.#saved = { closed: 0, run: 0, bytes: encodeFrame(this.#globalSide.save()) };
    // Some come later.
    for (const { id } of this.#workers) if (this.#random.chance(0.9)) this.#members.workerCame(id);
    this.#decide();
  }

  #newLocal(id: number, closed: number): Gathering {
    const side = new LocalSide(this.#graph, this.#run);
    const close = (closing: Closing) => this.#passOn(id, closing, side);
    const contributors = (locals: ReadonlyMap<number, readonly number[]>) =>
      (locals.get(id) ?? []).map((worker) => ({ id: worker, workers: [worker] }));
    return this.#newGathering({ ...sideOf(side), close }, closed, this.#run, contributors);
  }

  #newGlobal(closed: number, run: number): Gathering {
    const close = (closing: Closing) => this.#record(closing);
    const contributors = (locals: ReadonlyMap<number, readonly number[]>) =>
      [...locals].filter(([, workers]) => workers.length > 0).map(([id, workers]) => ({ id, workers }));
    return this.#newGathering({ ...sideOf(this.#globalSide), close }, closed, run, contributors);
  }

  #newGathering(
    side: Side,
    closed: number,
    run: number,
    contributors: (locals: ReadonlyMap<number, readonly number[]>) => readonly Contributor[],
  ): Gathering {
    return new Gathering(side, { depth: this.#depth, deadline: DEADLINE, closed, run, contributors });
  }

  play(): Outcome {
    const random = this.#random;
    const heartbeats = 2 + random.below(8);
    for (let k = 1; k <= heartbeats; k++) {
      this.#open = k;
      this.#comeAndGo();
      this.#deal(k);
      this.#comeAndGo();
      this.#issue(k);
      if (random.chance(0.08)) this.#dead.add(random.below(this.#workers.length));
      for (let n = random.below(2 * this.#workers.length + 2); n > 0; n--) this.#moveOne();
      if (random.chance(0.15)) this.#deadline(k);
      if (random.chance(0.1)) this.#configure(k);
      if (random.chance(0.05)) this.#restartLocal(random.below(this.#locals.length));
      if (random.chance(0.05)) this.#restartGlobal();
    }
    while (this.#toLocal.length > 0 || this.#locals.some(({ toGlobal }) => toGlobal.length > 0)) this.#moveOne();
    for (const gathering of this.#gatherings) this.#hear(gathering);
    for (const { gathering } of this.#locals) gathering.end();
    while (this.#locals.some(({ toGlobal }) => toGlobal.length > 0)) this.#moveOne();
    this.#global.end();
    this.problems.push(...this.#oracle.finish(this.#lost));
    const { problems } = this;
    return { problems, events: this.#number, lost: this.#lost.size, duplicates: this.#duplicates, moves: this.#moves };
  }

  /** Workers die, come back as they were, or are started anew; who is expected follows from that. */
  #comeAndGo(): void {
    const random = this.#random;
    for (const { id } of this.#workers) {
      if (random.chance(0.04)) {
        this.#members.workerGone(id, 'gone');
        if (random.chance(0.5)) this.#kill(id);
        this.#moves.gone++;
      } else if (random.chance(this.#members.isExpected(id) ? 0.02 : 0.3)) {
        if (this.#members.isExpected(id)) this.#kill(id);
        this.#members.workerCame(id);
        this.#dead.delete(id);
        this.#moves.came++;
      }
    }
    this.#decide();
  }

  /** What it has gathered is lost, and it answers nothing any more. */
  #kill(id: number): void {
    for (const number of this.#since[id]!.splice(0)) this.#lost.add(number);
    this.#part[id]!.until = Math.min(this.#part[id]!.until, this.#open);
  }

  #decide(): void {
    const gathering = new Map(this.#since.map((list, id) => [id, Math.max(list.length, this.#dealtNow.get(id) ?? 0)]));
    const decisions = this.#members.decide(this.#open, gathering);
    for (const { worker, from, expected } of decisions) {
      const part = this.#part[worker]!;
      if (!expected) part.until = Math.min(part.until, from);
      else this.#joins.set(worker, from);
    }
    const [first] = decisions;
    if (!first) return;
    const locals = this.#members.table();
    this.#oracle.expect(first.from, new Set([...locals.values()].flat()));
    const entry = { kind: 'members', seq: ++this.#seq, from: first.from, locals } as const;
    this.#log.add(entry);
    this.#tell((gathering) => gathering.members(entry));
  }

  /** Collectors hear in order, but not at once: answers may come before the marker. */
  #tell(say: (gathering: Gathering) => void): void {
    for (const gathering of this.#gatherings) {
      const unheard = this.#unheard.get(gathering) ?? [];
      this.#unheard.set(gathering, unheard);
      unheard.push(say);
      if (this.#random.chance(0.7)) this.#hear(gathering);
    }
  }

  get #gatherings(): Gathering[] {
    return [...this.#locals.map(({ gathering }) => gathering), this.#global];
  }

  #hear(gathering: Gathering): void {
    for (const say of this.#unheard.get(gathering)?.splice(0) ?? []) say(gathering);
  }

  readonly #joins = new Map<number, number>();
  /** Events of the open heartbeat, with those that were lost with a worker. */
  readonly #dealtNow = new Map<number, number>();

  /** Workers begin with the heartbeat that was named for them. */
  #join(k: number): void {
    for (const [id, from] of this.#joins) {
      if (from > k || !this.#members.isExpected(id)) continue;
      this.#joins.delete(id);
      this.#workers[id] = new Worker(id, this.#graph, () => {}, { heartbeat: from, run: this.#run });
      this.#part[id] = { from, until: Number.POSITIVE_INFINITY };
    }
  }

  #hasPart(id: number, k: number): boolean {
    const { from, until } = this.#part[id]!;
    return from <= k && k < until;
  }

  #deal(heartbeat: number): void {
    this.#join(heartbeat);
    this.#dealtNow.clear();
    const able = this.#workers.filter(({ id }) => this.#hasPart(id, heartbeat) && this.#members.isExpected(id));
    for (let n = able.length === 0 ? 0 : this.#random.below(12); n > 0; n--) {
      const { id: worker } = able[this.#random.below(able.length)]!;
      const x = this.#random.chance(0.1) ? undefined : this.#random.below(100);
      const event: SimulatedEvent = {
        number: this.#number++,
        heartbeat,
        run: this.#run,
        x,
        key: this.#random.below(4),
      };
      this.#oracle.event(event);
      this.#workers[worker]!.event(event.number, [event.number, event.x, event.key]);
      this.#since[worker]!.push(event.number);
      this.#dealtNow.set(worker, (this.#dealtNow.get(worker) ?? 0) + 1);
    }
  }

  #issue(k: number): void {
    this.#join(k);
    const dealt = new Map(this.#dealtNow);
    const events = [...dealt.values()].reduce((sum, count) => sum + count, 0);
    this.#dealt.set(k, { events, before: this.#number });
    const marker = {
      kind: 'marker',
      seq: ++this.#seq,
      heartbeat: k,
      dealt,
      first: 0,
      before: this.#number,
      times: undefined,
    } as const;
    this.#log.add(marker);
    this.#tell((gathering) => gathering.marker(marker, k));
    for (const worker of this.#workers) {
      if (!this.#hasPart(worker.id, k)) continue;
      const answer = decodeFrame(encodeFrame(worker.issue(k))) as Answer;
      const message = { from: worker.id, answer, events: this.#since[worker.id]! };
      this.#since[worker.id] = [];
      if (this.#dead.has(worker.id)) this.#lose(message);
      else this.#toLocal.push(message);
    }
    this.#open = k + 1;
    this.#dealtNow.clear();
  }

  #lose({ events }: Pick<Message, 'events'>): void {
    for (const number of events) this.#lost.add(number);
  }

  /** Some message arrives, is lost, or arrives once more. */
  #moveOne(): void {
    const random = this.#random;
    const gatherings = this.#gatherings;
    if (random.chance(0.3)) this.#hear(gatherings[random.below(gatherings.length)]!);
    const local = random.below(this.#locals.length);
    const { toGlobal } = this.#locals[local]!;
    if (toGlobal.length > 0 && random.chance(0.6)) {
      const [message] = toGlobal.splice(random.below(toGlobal.length), 1);
      if (random.chance(0.03)) this.#lose(message!);
      else {
        this.#globalHolds.set(message!.answer, message!.events);
        this.#global.answer(local, message!.answer);
        if (random.chance(0.1)) this.#twice(this.#global, local, message!.answer);
      }
    } else if (this.#toLocal.length > 0) {
      const [message] = this.#toLocal.splice(random.below(this.#toLocal.length), 1);
      if (random.chance(0.03)) this.#lose(message!);
      else this.#arrive(message!);
    }
    if (this.#seen.length > 0 && random.chance(0.05)) {
      const again = this.#seen[random.below(this.#seen.length)]!;
      this.#twice(this.#locals[this.#localOf(again.from)]!.gathering, again.from, again.answer);
    }
  }

  #twice(gathering: Gathering, from: number, answer: Answer): void {
    this.#duplicates++;
    const closed = gathering.closedThrough;
    gathering.answer(from, answer);
    if (gathering.closedThrough !== closed) this.problems.push('a second copy of an answer closed a heartbeat');
  }

  #localOf(worker: number): number {
    return Math.floor(worker / this.#perLocal);
  }

  #arrive(message: Message): void {
    const id = this.#localOf(message.from);
    const local = this.#locals[id]!;
    local.holds.set(message.answer, message.events);
    this.#seen.push(message);
    local.gathering.answer(message.from, message.answer);
  }

  #passOn(id: number, closing: Closing, side: LocalSide): void {
    const { toGlobal, holds } = this.#locals[id]!;
    const events = closing.answers.flatMap((answer) => holds.get(answer) ?? []);
    for (const answer of closing.answers) holds.delete(answer);
    toGlobal.push({ from: id, answer: decodeFrame(encodeFrame(side.close(closing))) as Answer, events });
  }

  #record(closing: Closing): void {
    for (const answer of closing.answers) this.#globalHolds.delete(answer);
    const record = this.#globalSide.close(closing, this.#dealt.get(closing.heartbeat));
    this.problems.push(...this.#oracle.check(record));
    this.#log.closed(closing.heartbeat);
    const state = this.#globalSide.save();
    this.#saved = { closed: closing.heartbeat, run: state.run, bytes: encodeFrame(state) };
  }

  #deadline(k: number): void {
    for (const { gathering } of this.#locals) gathering.tick(k + DEADLINE);
    if (this.#random.chance(0.5)) this.#global.tick(k + DEADLINE);
  }

  #configure(after: number): void {
    this.#run++;
    this.#oracle.configure(after);
    this.#log.add({ kind: 'passed', seq: ++this.#seq, name: 'Configure', after, run: this.#run });
    for (const worker of this.#workers) worker.configure();
    const run = this.#run;
    this.#tell((gathering) => gathering.transition('Configure', after, run));
  }

  /** A local collector is killed; another begins, for which everything issued is past. */
  #restartLocal(id: number): void {
    const local = this.#locals[id]!;
    this.#moves.restarted++;
    for (const events of local.holds.values()) this.#lose({ events });
    local.holds = new Map();
    this.#seen = this.#seen.filter(({ from }) => this.#localOf(from) !== id);
    const closed = this.#open - 1;
    local.gathering = this.#newLocal(id, closed);
    this.#tellAgain(local.gathering, closed);
  }

  /** The global collector is killed; another goes on with the state after the last record. */
  #restartGlobal(): void {
    this.#moves.restarted++;
    for (const events of this.#globalHolds.values()) this.#lose({ events });
    this.#globalHolds = new Map();
    const { closed, run, bytes } = this.#saved;
    this.#globalSide = new GlobalSide(this.#graph, () => {}, run);
    this.#globalSide.restore(decodeFrame(bytes) as SavedSide);
    this.#global = this.#newGlobal(closed, run);
    this.#tellAgain(this.#global, closed);
  }

  /** What the manager tells a collector that begins behind a heartbeat. */
  #tellAgain(gathering: Gathering, closed: number): void {
    const { standing, entries } = this.#log.after(closed);
    gathering.transition('Configure', closed, standing.run);
    gathering.members({ from: closed + 1, locals: standing.members });
    for (const entry of entries) {
      if (entry.kind === 'members') gathering.members(entry);
      else if (entry.kind === 'passed') gathering.transition(entry.name, entry.after, entry.run);
      else if (entry.kind === 'marker') gathering.marker(entry, entry.heartbeat);
    }
  }
}

/** Time from marker to deadline; heartbeat k is issued at time k. */
const DEADLINE = 0.5;

/** Plays one random schedule. */
export function simulate(seed: number): Outcome {
  return new Simulation(seed).play();
}
