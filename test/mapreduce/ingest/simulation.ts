/**
 * The ingester under a random schedule, beside a model that knows everything at once: which frame belongs to which event is computed from
 * lists, not followed. Then: every message carries exactly what it must, in order, and every frame has one fate.
 */

import { MISSING, type StreamData } from '../../../lib/mapreduce/frames/types.ts';
import { EVENT_COST, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import type { GapPolicy } from '../../../lib/mapreduce/ingest/gaps.ts';
import { Ingester } from '../../../lib/mapreduce/ingest/ingester.ts';
import { isPlaced, type PlacedData } from '../../../lib/mapreduce/shared/ring.ts';
import type { SourceFrame } from '../../../lib/mapreduce/source/types.ts';
import type { Feed } from '../../../lib/mapreduce/transport/types.ts';
import { Random } from '../../random.ts';

const WORKERS = ['w1', 'w2', 'w3'];
const STREAMS = ['a', 'b', 'c'];

interface Series {
  readonly name: string;
  readonly gaps: GapPolicy;
  readonly first: number;
  readonly lossy: boolean;
  readonly numbered: boolean;
  readonly frames: SourceFrame[];
  at: number;
  /** Model: what stands at each place of the stream; undefined: missing. */
  readonly places: (SourceFrame | undefined)[];
  /** Events that want the stream, in order. */
  readonly wants: number[];
  over: boolean;
}

export interface SimulationResult {
  readonly problems: readonly string[];
  readonly messages: number;
  readonly missing: number;
  readonly evicted: number;
  readonly again: number;
  readonly placed: number;
}

/** Shared memory as the ingester knows it: what is released is overwritten, so whoever still carries it is found out. */
class TestStore {
  readonly least = 20;
  readonly problems: string[] = [];
  readonly #capacity: number;
  readonly #live = new Set<PlacedData>();
  placed = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get used(): number {
    return [...this.#live].reduce((sum, { frames }) => sum + frames[0]!.length, 0);
  }

  reaches(worker: string): boolean {
    return worker !== 'w2';
  }

  place({ typ, frames: [frame] }: StreamData): PlacedData | 'full' | undefined {
    const length = frame?.length ?? 0;
    if (length < this.least || length > this.#capacity) return undefined;
    if (this.used + length > this.#capacity) return 'full';
    const placed = {
      typ,
      frames: [Buffer.from(frame!)],
      places: [{ part: 0, offset: 0, bytes: length, slot: 0, stamp: 1 }],
    };
    this.#live.add(placed);
    this.placed++;
    return placed;
  }

  release(data: PlacedData): void {
    if (!this.#live.delete(data)) this.problems.push('what is not placed is released');
    data.frames[0]!.fill(0);
  }
}

export class IngesterSimulation {
  readonly #random: Random;
  readonly #ingester: Ingester;
  readonly #series = new Map<string, Series>();
  readonly #problems: string[] = [];
  readonly #underway: Message[] = [];
  /** Keys of messages that must still come, by worker in order of events. */
  readonly #given: Feed[] = [];
  readonly #complete = new Set<number>();
  readonly #lastEvent = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #hold: number;
  readonly #store: TestStore | undefined;
  readonly #saysOver: boolean;
  #evicted = false;
  #next = 0;
  #messages = 0;
  #again = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const random = this.#random;
    this.#hold = random.chance(0.5) ? 1 << 30 : EVENT_COST * (2 + random.below(6));
    const names = STREAMS.slice(0, 1 + random.below(3));
    const streams = Object.fromEntries(names.map((name) => [name, this.#addSeries(name)]));
    this.#store = random.chance(0.5) ? new TestStore(30 + random.below(150)) : undefined;
    this.#saysOver = random.chance(0.5);
    this.#ingester = new Ingester({ streams, hold: this.#hold, ...(this.#store ? { store: this.#store } : {}) });
  }

  #addSeries(name: string) {
    const random = this.#random;
    const gaps: GapPolicy = random.chance(0.7) ? 'mark' : 'ignore';
    const first = random.chance(0.7) ? 0 : random.below(5);
    const numbered = random.chance(0.8);
    const lossy = random.chance(0.2);
    const frames: SourceFrame[] = [frame(name, 'start', undefined, 10)];
    let number = first;
    for (let n = random.below(25); n > 0; n--) {
      const chance = random.below(20);
      if (chance === 0) number += random.below(4);
      if (chance === 1 && number > first) number -= 1 + random.below(Math.min(3, number - first));
      frames.push(frame(name, 'data', numbered ? number : undefined, 1 + random.below(40)));
      number++;
    }
    if (random.chance(0.8)) frames.push(frame(name, 'end', undefined, 5));
    const series = { name, gaps, first, lossy, numbered, frames, at: 0, places: [], wants: [], over: false };
    this.#series.set(name, series);
    return { gaps, firstFrame: first, queue: lossy ? 60 : 1 << 20, lossy };
  }

  play(): SimulationResult {
    const random = this.#random;
    this.#ingester.begin({ streams: new Set(this.#series.keys()), saysOver: this.#saysOver });
    for (let step = 20 + random.below(120); step > 0; step--) {
      this.#step(random.below(10));
      this.#collect();
      this.#balance();
      if (this.#problems.length > 0) break;
    }
    this.#drain();
    const lanes = [...this.#ingester.lanes.values()];
    return {
      problems: this.#problems,
      messages: this.#messages,
      missing: lanes.reduce((sum, { counts }) => sum + counts.missing, 0),
      evicted: this.#evicted ? 1 : 0,
      again: this.#again,
      placed: this.#store?.placed ?? 0,
    };
  }

  #step(kind: number): void {
    if (kind < 4) this.#frameComes();
    else if (kind < 7) this.#eventComes();
    else if (kind === 7) this.#comesAgain();
    else if (kind === 8) this.#completes();
    else this.#sends();
  }

  #frameComes(): void {
    const series = [...this.#series.values()][this.#random.below(this.#series.size)]!;
    const next = series.frames[series.at];
    if (next === undefined) {
      if (this.#random.chance(0.1)) {
        series.over = true;
        this.#ingester.finish(series.name);
      }
      return;
    }
    series.at++;
    const room = this.#ingester.lanes.get(series.name)!.room;
    place(series, next, room);
    this.#ingester.arrive(series.name, next);
    if (next.mark === 'end') series.over = true;
  }

  #eventComes(): void {
    const random = this.#random;
    const assignments: Record<string, string[]> = {};
    for (const series of this.#series.values()) {
      if (random.chance(0.2)) continue;
      assignments[series.name] = WORKERS.filter(() => random.chance(0.4));
      series.wants.push(this.#next);
    }
    const feed = { event_number: this.#next++, assignments, attempt: 1, origin: null };
    const before = this.#given.findLast(({ attempt }) => attempt === 1);
    this.#given.push(feed);
    // A controller that took over may say the last one again.
    this.#ingester.give(before && random.chance(0.1) ? [before, feed] : [feed]);
  }

  #comesAgain(): void {
    const before = this.#given[this.#random.below(this.#given.length)];
    if (before === undefined || before.attempt > 1) return;
    const streams = Object.keys(before.assignments).filter(
      (name) => before.assignments[name]!.length > 0 && this.#random.chance(0.7),
    );
    if (streams.length === 0) return;
    this.#again++;
    const attempt = 2 + this.#again;
    const assignments = Object.fromEntries(streams.map((name) => [name, ['w9']]));
    const feed = { event_number: before.event_number, assignments, attempt, origin: 'w1' };
    this.#given.push(feed);
    this.#ingester.give([feed]);
  }

  #completes(): void {
    if (this.#next === 0) return;
    if (this.#random.chance(0.2)) {
      const spare = this.#random.below(this.#next);
      return this.#ingester.spare([[spare, spare]]);
    }
    const first = this.#random.below(this.#next);
    const last = this.#random.chance(0.1) ? first + 1000 : first + this.#random.below(3);
    for (let event = first; event <= Math.min(last, this.#next - 1); event++) this.#complete.add(event);
    this.#ingester.over([[first, last]]);
  }

  #sends(): void {
    while (this.#underway.length > 0 && this.#random.chance(0.8)) {
      const message = this.#underway.shift()!;
      this.#checkContents(message);
      if (this.#random.chance(0.9)) this.#ingester.delivered(message);
      else this.#ingester.undeliverable(message);
    }
  }

  #collect(): void {
    for (const message of this.#ingester.takeMessages()) {
      this.#messages++;
      this.#underway.push(message);
      this.#check(message);
    }
    if (this.#ingester.heldFrom !== null) this.#evicted = true;
    if (this.#ingester.keptBytes > this.#hold) this.#problems.push(`${this.#ingester.keptBytes} bytes are kept`);
  }

  /** A message carries what the model says, once, and first attempts come in order. */
  #check(message: Message): void {
    const { worker, event, attempt } = message;
    const feed = this.#given.find((one) => one.event_number === event && one.attempt === attempt);
    const key = `${event} ${worker} ${attempt}`;
    if (this.#seen.has(key)) this.#problems.push(`${key} came twice`);
    this.#seen.add(key);
    const wanted = Object.keys(feed?.assignments ?? {}).filter((name) => feed!.assignments[name]!.includes(worker));
    if (JSON.stringify(message.streams.map(({ name }) => name)) !== JSON.stringify(wanted))
      this.#problems.push(`${key}: streams ${message.streams.map(({ name }) => name)} instead of ${wanted}`);
    for (const { name, data } of message.streams) {
      const expected = this.#expected(this.#series.get(name)!, event);
      const gone = attempt > 1 && this.#mayBeGone(event);
      if (gone && data === MISSING) continue;
      if (expected === 'not yet') this.#problems.push(`${key}: stream ${name} was sent before it came`);
      else if (isPlaced(data) ? !data.frames[0]!.equals(expected!.frames[0]!) : data !== (expected ?? MISSING))
        this.#problems.push(`${key}: stream ${name} has ${data.frames} instead of ${expected?.frames}`);
    }
    if (attempt > 1) return;
    const last = this.#lastEvent.get(worker) ?? -1;
    if (event <= last) this.#problems.push(`${key} came after event ${last}`);
    this.#lastEvent.set(worker, event);
  }

  /** What is on its way must not have been let go. */
  #checkContents({ event, streams }: Message): void {
    for (const { name, data } of streams) {
      const expected = this.#expected(this.#series.get(name)!, event);
      if (!isPlaced(data) || expected === undefined || expected === 'not yet') continue;
      if (!data.frames[0]!.equals(expected.frames[0]!)) this.#problems.push(`event ${event}: ${name} was overwritten`);
    }
  }

  #mayBeGone(event: number): boolean {
    if (event === 0) return false;
    return this.#complete.has(event) || event < (this.#ingester.heldFrom ?? 0);
  }

  #expected(series: Series, event: number): SourceFrame | undefined | 'not yet' {
    const index = series.wants.indexOf(event);
    if (index < series.places.length) return series.places[index];
    return series.over ? undefined : 'not yet';
  }

  #balance(): void {
    for (const [name, { counts, held }] of this.#ingester.lanes) {
      const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
      const series = this.#series.get(name)!;
      if (counts.received !== series.at) this.#problems.push(`${name}: ${counts.received} of ${series.at} received`);
      const out = counts.sent + counts.discarded + dropped + held;
      if (counts.received !== out)
        this.#problems.push(`${name}: received ${counts.received}, accounted for ${out}: ${JSON.stringify(counts)}`);
    }
  }

  /** When all that was sent is over there is room. */
  #unblock(): void {
    this.#ingester.over([[0, this.#next]]);
    if (this.#ingester.blocked) this.#problems.push('it waits for room though everything is over');
    for (const message of this.#ingester.takeMessages()) this.#ingester.undeliverable(message);
  }

  /** Everything that could be sent has been; at the end of the map nothing is held. */
  #drain(): void {
    if (this.#problems.length > 0) return;
    if (this.#ingester.blocked && !this.#store) this.#problems.push('it waits for room that it does not need');
    for (const { event_number: event, assignments, attempt } of this.#given) {
      // Nobody was told that those before are over.
      if (this.#ingester.blocked) break;
      // The start event is kept and sent whatever has become of it.
      if (attempt > 1 || (event > 0 && this.#complete.has(event))) continue;
      const names = Object.keys(assignments);
      // Events go in order: one that waits holds up those behind it.
      if (names.some((name) => this.#expected(this.#series.get(name)!, event) === 'not yet')) break;
      for (const worker of new Set(Object.values(assignments).flat()))
        if (!this.#seen.has(`${event} ${worker} 1`)) this.#problems.push(`event ${event} was not sent to ${worker}`);
    }
    for (const message of this.#underway.splice(0)) this.#ingester.undeliverable(message);
    if (this.#ingester.blocked) this.#unblock();
    this.#ingester.end();
    if (this.#store && this.#store.used > 0) this.#problems.push(`${this.#store.used} bytes stay in shared memory`);
    this.#problems.push(...(this.#store?.problems ?? []));
    this.#balance();
    for (const [name, { held }] of this.#ingester.lanes)
      if (held !== 0) this.#problems.push(`${name}: ${held} frames are held after the end`);
  }
}

let serial = 0;

function frame(name: string, mark: SourceFrame['mark'], number: number | undefined, size: number): SourceFrame {
  return { typ: 'T', frames: [Buffer.alloc(size, `${name}${serial++}`)], mark, number };
}

/** The model's rule: data frame n stands at place n - first + 1, whatever came between. */
function place(series: Series, next: SourceFrame, room: boolean): void {
  const { places, gaps, first, lossy } = series;
  if (next.mark === 'data' && gaps === 'mark' && next.number !== undefined) {
    const target = next.number - first + 1;
    if (target < places.length) return;
    while (places.length < target) places.push(undefined);
  }
  places.push(next.mark === 'data' && lossy && !room ? undefined : next);
}
