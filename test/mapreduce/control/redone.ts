/**
 * The whole way of an event that is given again, without sockets and clocks: controller (Formation, OverEvents), ingesters and workers
 * (Assembly), joined by queues that are emptied at random (spec mapreduce.md 3.2, 6.4). Workers die, or are only taken for dead and go on;
 * ingesters that read files die and begin again. Frames are never let go for room, so nobody may miss one.
 */

import { orderedJson } from '../../../lib/json/ordered.ts';
import { Formation } from '../../../lib/mapreduce/control/formation.ts';
import { Messages, openFeed, type Routes, routesOf } from '../../../lib/mapreduce/control/messages.ts';
import { OverEvents } from '../../../lib/mapreduce/control/over-events.ts';
import { MISSING } from '../../../lib/mapreduce/frames/types.ts';
import type { Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { Ingester } from '../../../lib/mapreduce/ingest/ingester.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import type { Step } from '../../../lib/mapreduce/redis/log.ts';
import type { FeedNews, Work } from '../../../lib/mapreduce/transport/types.ts';
import { Assembly } from '../../../lib/mapreduce/work/assembly.ts';
import { Random } from '../../random.ts';

const STREAMS = ['a', 'b'];
const LANE = { gaps: 'ignore', firstFrame: 0, queue: 1 << 20, lossy: false, repeats: true } as const;

/** An ingester with one stream, which is read from a file. */
interface Source {
  readonly name: string;
  ingester: Ingester;
  readonly news: FeedNews[];
  /** Frames that have been read. */
  at: number;
}

interface Worker {
  readonly name: string;
  readonly assembly: Assembly;
  /** Taken up and not reported. */
  readonly begun: { readonly work: Work; readonly lacks: boolean }[];
  readonly work: Work[];
  readonly messages: { readonly from: string; readonly ingester: Ingester; readonly message: Message }[];
  /** The controller counts on it. */
  live: boolean;
  /** Cannot be reached by the ingesters. */
  away: boolean;
}

export class Redone {
  readonly problems: string[] = [];
  again = 0;
  /** Reports of workers that were taken for dead. */
  late = 0;
  ingesterDeaths = 0;
  finished = false;
  readonly formation: Formation;
  readonly #random: Random;
  readonly #over: OverEvents;
  readonly #routes: Routes;
  readonly #sources = new Map<string, Source>();
  readonly #workers: Worker[] = [];
  readonly #results: [number, string][] = [];
  #names = 0;

  constructor(seed: number, redo: 'rest' | 'group') {
    const random = new Random(seed);
    this.#random = random;
    const size = 1 + random.below(4);
    const cell = (i: number) => (random.chance(0.15) ? [] : [{ constraint: Math.floor(i / size) }]);
    const cells = () => Array.from({ length: 12 }, (_, i) => (random.chance(0.2) ? null : cell(i)));
    const map = { parts: { p: { a: cells(), b: cells() } }, sequence: Array(1 + random.below(3)).fill('p') };
    const options = { wrap: random.chance(0.7), future: 1000, redo, unheld: new Set<string>() };
    const read = readMap(orderedJson(Buffer.from(JSON.stringify(map))));
    this.formation = new Formation({ map: read, options, depth: 1 + random.below(4) });
    this.#over = new OverEvents(this.formation.assigner);
    this.#routes = routesOf(STREAMS.map((name) => ({ name, streams: [name], ours: true })));
    for (const name of STREAMS) {
      const ingester = new Ingester({ streams: { [name]: LANE }, hold: 1 << 30 });
      ingester.begin({ streams: new Set([name]), saysOver: true });
      this.#sources.set(name, { name, ingester, news: [], at: 0 });
    }
    for (let n = 1 + random.below(3); n > 0; n--) this.#join();
  }

  /** @param faults somebody may die */
  step(faults: boolean): void {
    const random = this.#random;
    const choice = random.below(40);
    const worker = this.#workers[random.below(this.#workers.length)]!;
    const source = this.#sources.get(STREAMS[random.below(STREAMS.length)]!)!;
    if (choice < 8) this.#tell(source);
    else if (choice < 14) this.#read(source);
    else if (choice < 22) this.#work(worker);
    else if (choice < 28) this.#report(worker, faults);
    else if (choice < 33) this.#reduce();
    else if (choice < 35) this.#say();
    else if (choice === 35) this.#grace();
    else if (!faults) worker.away = false;
    else if (choice === 36) worker.away = !worker.away;
    else if (choice === 37) this.#lose(worker);
    else if (choice === 38 && random.chance(0.3)) this.#restart(source);
    else if (choice === 39 && this.#live.length < 3) this.#join();
  }

  get #live(): readonly Worker[] {
    return this.#workers.filter(({ live }) => live);
  }

  #do(step: Step): void {
    const { formation } = this;
    const messages = new Messages(this.#routes, () => true);
    const outcome = formation.apply(step, 0);
    for (const one of outcome.again) {
      this.again++;
      if (one.event_number > 0 && this.#told.has(one.event_number))
        this.problems.push(`event ${one.event_number} is given again though it is over`);
    }
    messages.add(outcome);
    this.#over.settled(outcome.settled);
    for (const [name, work] of messages.work) this.#workers.find((one) => one.name === name)?.work.push(...work);
    for (const [name, events] of messages.feed) this.#sources.get(name)!.news.push({ events, over: [], spare: [] });
    this.finished ||= outcome.finished;
  }

  readonly #told = new Set<number>();

  /** Ingesters are told what is over. */
  #say(): void {
    const { over } = this.#over.takeNews();
    for (const [first, last] of over) for (let event = first; event <= last; event++) this.#told.add(event);
    for (const { news } of this.#sources.values()) news.push({ events: [], over, spare: [] });
  }

  #join(): void {
    const name = `w${++this.#names}`;
    const worker: Worker = {
      ...{ name, assembly: new Assembly('m', name), begun: [], work: [], messages: [] },
      ...{ live: true, away: this.#random.chance(0.5) },
    };
    this.#workers.push(worker);
    this.#do({ decision: { op: 'join', worker: name, tags: ['generic'], service: name, ours: true } });
    this.#do({ report: this.#reportOf(name, 'ready', []) });
  }

  #reportOf(worker: string, state: 'ready' | 'idle', done: readonly { work: Work; lacks: boolean }[]) {
    const completed = done.map(({ work }) => work.event_number);
    const has_result = done.map(({ lacks }) => !lacks && this.#random.chance(0.5));
    const incomplete = done.filter(({ lacks }) => lacks).map(({ work }) => work.event_number);
    for (const [i, { work }] of done.entries()) if (has_result[i]) this.#results.push([work.event_number, work.origin]);
    return { source: 'worker' as const, state, worker, completed, has_result, processing_times: null, incomplete };
  }

  /** It is gone, or only taken for it and goes on. */
  #lose(worker: Worker): void {
    if (!worker.live || this.#live.length < 2) return;
    worker.live = false;
    if (this.#random.chance(0.5)) this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#do({ decision: { op: 'gone', worker: worker.name } });
  }

  #tell({ ingester, news }: Source): void {
    const next = news.shift();
    if (!next) return;
    ingester.give(next.events);
    ingester.over(next.over);
    this.#send();
  }

  #read(source: Source): void {
    const { name } = source;
    const text = `${name} ${source.at++}`;
    source.ingester.arrive(name, { typ: 'T', frames: [Buffer.from(text)], mark: 'data', number: undefined });
    this.#send();
  }

  #send(): void {
    for (const [from, { ingester }] of this.#sources) {
      for (const message of ingester.takeMessages()) {
        const worker = this.#workers.find(({ name }) => name === message.worker);
        if (worker) worker.messages.push({ from, ingester, message });
        else ingester.undeliverable(message);
      }
    }
  }

  /** What has come to a worker, and what it makes of it. */
  #work({ assembly, begun, work, messages, away }: Worker): void {
    for (const one of work.splice(0)) assembly.expect(one);
    while (messages.length > 0) {
      const [{ from, ingester, message }] = messages as [Worker['messages'][number]];
      // As an Outbox does.
      if (away && !message.of.released) break;
      messages.shift();
      if (away) {
        ingester.undeliverable(message);
        continue;
      }
      ingester.delivered(message);
      const { event: event_number, attempt, origin, streams } = message;
      const identity = origin === null ? { attempt } : { attempt, origin };
      assembly.message(from, {
        event_number,
        ...identity,
        streams: new Map(streams.map((one) => [one.name, one.data])),
      });
    }
    for (let event = assembly.next(0); event; event = assembly.next(0)) {
      const lacks = [...event.streams.values()].some(({ typ }) => typ === MISSING.typ);
      begun.push({ work: event.work, lacks });
    }
  }

  #report(worker: Worker, faults: boolean): void {
    const { live, name, begun } = worker;
    const done = begun.splice(0, 1 + this.#random.below(3));
    if (done.length === 0) return;
    if (!live) this.late++;
    // What it sent last may be lost.
    const lost = faults && !live && this.#random.chance(0.5);
    const results = this.#results.length;
    const report = this.#reportOf(name, 'idle', done);
    if (lost) this.#results.length = results;
    this.#do({ report });
  }

  #grace(): void {
    const [worker] = this.formation.graces.keys();
    if (worker !== undefined) this.#do({ decision: { op: 'grace', worker } });
  }

  #reduce(): void {
    const [key] = this.#results.splice(this.#random.below(this.#results.length), 1);
    if (!key) return;
    const report = { source: 'reducer' as const, state: 'idle' as const, completed: null, worker: null };
    this.#do({ report: { ...report, accepted: [key] } });
  }

  /** An ingester dies with what is on its way; the next one is told what is open, and reads its file from the start. */
  #restart(source: Source): void {
    const { name } = source;
    this.ingesterDeaths++;
    for (const { messages } of this.#workers)
      for (let at = messages.length - 1; at >= 0; at--)
        if (messages[at]!.ingester === source.ingester) messages.splice(at, 1);
    const ingester = new Ingester({ streams: { [name]: LANE }, hold: 1 << 30 });
    ingester.begin({ streams: new Set([name]), saysOver: true, settled: new Map([[name, 0]]) });
    Object.assign(source, { ingester, at: 0 });
    source.news.length = 0;
    const through = this.formation.assigner.front - 1;
    const evictFirst = this.#random.chance(0.5);
    if (evictFirst) this.#do({ decision: { op: 'evict', through } });
    const { feed, passed } = openFeed(this.formation.assigner, this.#routes, name, 0);
    const later = feed.findIndex(({ event_number }) => event_number >= (passed?.before ?? 0));
    const start = feed.slice(0, later < 0 ? feed.length : later);
    ingester.give(start);
    ingester.pass(passed?.places ?? {});
    ingester.give(feed.slice(start.length));
    ingester.over(this.#over.all);
    if (!evictFirst) this.#do({ decision: { op: 'evict', through } });
  }

  /** Everybody works until nothing is left. @returns this */
  play(): this {
    const steps = 100 + this.#random.below(500);
    for (let n = 0; n < 20_000 && !this.finished; n++) {
      this.step(n < steps);
      if (n > steps && n % 1500 === 0 && !this.finished) this.#replaceAll();
    }
    const { assigner, incomplete, failed } = this.formation;
    if (!this.finished) this.problems.push(`not finished: ${JSON.stringify(assigner.ledger.counts)}`);
    this.#checkNobodyWaits();
    if (incomplete.count > 0) this.problems.push(`incomplete: ${JSON.stringify(incomplete.ends)}`);
    if (failed.size > 0) this.problems.push(`failed: ${[...failed]}`);
    return this;
  }

  /** Everything that was sent arrives. */
  #checkNobodyWaits(): void {
    for (const source of this.#sources.values()) {
      while (source.news.length > 0) this.#tell(source);
      while (source.at < this.formation.assigner.events.total) this.#read(source);
    }
    for (const worker of this.#live) {
      worker.away = false;
      this.#work(worker);
      if (worker.assembly.waiting > 0) this.problems.push(`${worker.name} waits for ${worker.assembly.waiting} events`);
    }
  }

  /** Results that were lost on the way are made again after a death. */
  #replaceAll(): void {
    const before = this.#live;
    this.#join();
    for (const worker of before) {
      worker.live = false;
      this.#workers.splice(this.#workers.indexOf(worker), 1);
      this.#do({ decision: { op: 'gone', worker: worker.name } });
    }
  }
}
