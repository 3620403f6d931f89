/**
 * Random clusters, events and schedules: messages between workers, local collectors and the global one are late, lost or doubled,
 * workers die, runs begin, deadlines pass (spec graph.md 2.2 to 2.6, 2.9).
 */

import { compile } from '../../lib/graph/compile/compile.ts';
import { graphFrom } from '../../lib/graph/compile/graph-file.ts';
import type { Answer } from '../../lib/graph/run/answer.ts';
import { type Closing, Collector } from '../../lib/graph/run/collector.ts';
import { type Dealt, GlobalSide } from '../../lib/graph/run/global-side.ts';
import { LocalSide } from '../../lib/graph/run/local-side.ts';
import { Worker } from '../../lib/graph/run/worker.ts';
import { Random } from '../random.ts';
import { Oracle, type SimulatedEvent } from './oracle.ts';

const GRAPH = {
  graph: 1,
  name: 'simulated',
  sources: ['number', 'x', 'key'].map((name) => ({ name, type: 'int' })),
  nodes: [
    { id: 'all', op: 'RollingBuffer', in: { value: 'number' }, n: 100000, reset: 'never' },
    { id: 'odd', op: 'Filter', in: { value: 'x' }, when: 'value % 2 == 1' },
    { id: 'good', op: 'Map', in: { x: 'x' }, expr: 'x if x < 90 else [1][x]' },
    { id: 'acc', op: 'Accumulator', in: { value: 'x' }, with: 'sum' },
    { id: 'ever', op: 'Accumulator', in: { value: 'x' }, with: 'sum', reset: 'never' },
    { id: 'ok', op: 'Accumulator', in: { value: 'good' }, with: 'max' },
    { id: 'hist', op: 'Binning', in: { value: 'odd' }, bins: 7, range: [0, 100] },
    { id: 'scan', op: 'MeanVsScan', in: { key: 'key', value: 'x' } },
    { id: 'pick', op: 'PickN', in: { value: 'odd' }, n: 5 },
    { id: 'roll', op: 'RollingBuffer', in: { value: 'x' }, n: 7 },
    { id: 'last', op: 'Latest', in: { value: 'x' } },
  ],
};

export interface Outcome {
  /** What is wrong, in words. */
  readonly problems: readonly string[];
  readonly events: number;
  readonly lost: number;
  readonly duplicates: number;
}

interface Message {
  readonly from: number;
  readonly answer: Answer;
  /** Numbers of the events in it. */
  readonly events: readonly number[];
}

class Simulation {
  readonly #random: Random;
  readonly #oracle = new Oracle();
  readonly #workers: Worker[];
  readonly #locals: {
    collector: Collector;
    side: LocalSide;
    toGlobal: Message[];
    holds: Map<Answer, readonly number[]>;
  }[];
  readonly #global: Collector;
  readonly #globalSide: GlobalSide;
  readonly #dealt = new Map<number, Dealt>();
  readonly #lost = new Set<number>();
  readonly #dead = new Set<number>();
  readonly #toLocal: Message[] = [];
  readonly #seen: Message[] = [];
  readonly #since: number[][];
  readonly problems: string[] = [];
  #number = 0;
  #run = 0;
  #duplicates = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const collectors = 1 + this.#random.below(3);
    const perLocal = 1 + this.#random.below(3);
    const workers = collectors * perLocal;
    const compiled = compile(graphFrom(GRAPH, 'simulated'), {
      workers,
      collectors,
      amiCompat: false,
      windowLimit: 1 << 30,
    });
    if (!('graph' in compiled)) throw new Error(JSON.stringify(compiled.problems));
    const { graph } = compiled;
    const depth = 1 + this.#random.below(3);
    const below = (local: number) => Array.from({ length: perLocal }, (_, i) => local * perLocal + i);
    this.#workers = Array.from({ length: workers }, (_, id) => new Worker(id, graph));
    this.#since = this.#workers.map(() => []);
    this.#locals = Array.from({ length: collectors }, (_, id) => ({
      collector: new Collector(
        below(id).map((worker) => ({ id: worker, workers: [worker] })),
        depth,
      ),
      side: new LocalSide(graph),
      toGlobal: [],
      holds: new Map(),
    }));
    this.#global = new Collector(
      this.#locals.map((_, id) => ({ id, workers: below(id) })),
      depth,
    );
    this.#globalSide = new GlobalSide(graph);
  }

  play(): Outcome {
    const random = this.#random;
    const heartbeats = 2 + random.below(8);
    for (let k = 1; k <= heartbeats; k++) {
      this.#deal(k);
      this.#issue(k);
      if (random.chance(0.08)) this.#dead.add(random.below(this.#workers.length));
      for (let n = random.below(2 * this.#workers.length + 2); n > 0; n--) this.#moveOne();
      if (random.chance(0.15)) this.#deadline(k);
      if (random.chance(0.1)) this.#configure(k);
    }
    while (this.#toLocal.length > 0 || this.#locals.some(({ toGlobal }) => toGlobal.length > 0)) this.#moveOne();
    for (const [id, { collector }] of this.#locals.entries()) this.#passOn(id, collector.end());
    while (this.#locals.some(({ toGlobal }) => toGlobal.length > 0)) this.#moveOne();
    this.#record(this.#global.end());
    this.problems.push(...this.#oracle.finish(this.#lost));
    return { problems: this.problems, events: this.#number, lost: this.#lost.size, duplicates: this.#duplicates };
  }

  #deal(heartbeat: number): void {
    for (let n = this.#random.below(12); n > 0; n--) {
      const worker = this.#random.below(this.#workers.length);
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
    }
  }

  #issue(k: number): void {
    const events = this.#since.reduce((sum, list) => sum + list.length, 0);
    this.#dealt.set(k, { events, before: this.#number });
    for (const { collector } of this.#locals) collector.issued(k);
    this.#global.issued(k);
    for (const worker of this.#workers) {
      const message = { from: worker.id, answer: worker.issue(k), events: this.#since[worker.id]! };
      this.#since[worker.id] = [];
      if (this.#dead.has(worker.id)) this.#lose(message);
      else this.#toLocal.push(message);
    }
  }

  #lose({ events }: Message): void {
    for (const number of events) this.#lost.add(number);
  }

  /** Some message arrives, is lost, or arrives once more. */
  #moveOne(): void {
    const random = this.#random;
    const local = random.below(this.#locals.length);
    const { toGlobal } = this.#locals[local]!;
    if (toGlobal.length > 0 && random.chance(0.6)) {
      const [message] = toGlobal.splice(random.below(toGlobal.length), 1);
      if (random.chance(0.03)) this.#lose(message!);
      else {
        this.#record(this.#global.answer(local, message!.answer));
        if (random.chance(0.1)) this.#twice(() => this.#global.answer(local, message!.answer));
      }
    } else if (this.#toLocal.length > 0) {
      const [message] = this.#toLocal.splice(random.below(this.#toLocal.length), 1);
      if (random.chance(0.03)) this.#lose(message!);
      else this.#arrive(message!);
    }
    if (this.#seen.length > 0 && random.chance(0.05)) {
      const again = this.#seen[random.below(this.#seen.length)]!;
      const { collector } = this.#locals[this.#localOf(again.from)]!;
      this.#twice(() => collector.answer(again.from, again.answer));
    }
  }

  #twice(deliver: () => readonly Closing[]): void {
    this.#duplicates++;
    if (deliver().length > 0) this.problems.push('a second copy of an answer closed a heartbeat');
  }

  #localOf(worker: number): number {
    return Math.floor((worker * this.#locals.length) / this.#workers.length);
  }

  #arrive(message: Message): void {
    const id = this.#localOf(message.from);
    const local = this.#locals[id]!;
    local.holds.set(message.answer, message.events);
    this.#seen.push(message);
    this.#passOn(id, local.collector.answer(message.from, message.answer));
  }

  #passOn(id: number, closings: readonly Closing[]): void {
    const { side, toGlobal, holds } = this.#locals[id]!;
    for (const closing of closings) {
      const events = closing.answers.flatMap((answer) => holds.get(answer) ?? []);
      toGlobal.push({ from: id, answer: side.close(closing), events });
    }
  }

  #record(closings: readonly Closing[]): void {
    for (const closing of closings) {
      const record = this.#globalSide.close(closing, this.#dealt.get(closing.heartbeat));
      this.problems.push(...this.#oracle.check(record));
    }
  }

  #deadline(k: number): void {
    for (const [id, { collector }] of this.#locals.entries()) this.#passOn(id, collector.deadline(k));
    if (this.#random.chance(0.5)) this.#record(this.#global.deadline(k));
  }

  #configure(after: number): void {
    this.#run++;
    this.#oracle.configure(after);
    for (const worker of this.#workers) worker.configure();
    for (const { side } of this.#locals) side.configure(after);
    this.#globalSide.configure(after);
  }
}

/** Plays one random schedule. */
export function simulate(seed: number): Outcome {
  return new Simulation(seed).play();
}
