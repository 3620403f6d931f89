/**
 * Random maps, workers and schedules for the assigner: partial reports, deaths, names that come back, late reports and results,
 * evictions, appended parts, crashes (spec mapreduce.md 16).
 */

import { isDeepStrictEqual } from 'node:util';
import { Assigner } from '../../lib/mapreduce/assign/assigner.ts';
import type { AssignerOptions, Outcome } from '../../lib/mapreduce/assign/types.ts';
import type { Cell, Entry, Part, TriggerMap } from '../../lib/mapreduce/map/types.ts';
import { Random } from '../random.ts';

const TAGS = ['generic', 'gpu'];
const STREAMS = ['det', '20', '3'];

type Operation = (assigner: Assigner) => void;

/** A worker process: what it was given and has not reported. */
interface Process {
  readonly name: string;
  readonly queue: { event: number; origin: string }[];
  live: boolean;
}

export interface Played {
  readonly problems: readonly string[];
  readonly events: number;
  readonly deaths: number;
  readonly lost: number;
}

export class AssignerSimulation {
  readonly #random: Random;
  readonly #options: AssignerOptions;
  readonly #map: TriggerMap;
  assigner: Assigner;
  readonly #operations: Operation[] = [];
  readonly #outcomes: string[] = [];
  readonly #processes = new Map<string, Process>();
  readonly #results: { event: number; origin: string }[] = [];
  readonly #graces: string[] = [];
  readonly #zombies: Process[] = [];
  readonly #complete = new Set<number>();
  readonly #lost = new Set<string>();
  /** By event and origin: highest attempt seen. */
  readonly #attempts = new Map<string, number>();
  readonly problems: string[] = [];
  #published = 0;
  #deaths = 0;
  #names = 0;
  #finished = false;

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    this.#options = {
      depth: [1, 1, 2, 8][random.below(4)]!,
      future: random.chance(0.2) ? 1 + random.below(5) : 10000,
      redo: random.chance(0.3) ? 'group' : 'rest',
      wrap: random.chance(0.7),
    };
    this.#map = randomMap(random);
    this.assigner = new Assigner(this.#map, this.#options);
  }

  play(): Played {
    const random = this.#random;
    for (let n = 1 + random.below(4); n > 0; n--) this.#join(`w${++this.#names}`);
    for (let n = 20 + random.below(120); n > 0 && !this.#finished; n--) this.#step();
    this.#drain();
    this.#checkEnd();
    this.#checkCrashes();
    return {
      problems: this.problems,
      events: this.assigner.events.total,
      deaths: this.#deaths,
      lost: this.#lost.size,
    };
  }

  #do(operation: Operation): void {
    if (this.#finished) return;
    this.#operations.push(operation);
    operation(this.assigner);
    const outcome = this.assigner.takeOutcome();
    this.#outcomes.push(textOf(outcome));
    this.#see(outcome);
  }

  #see({ assign, again, lost, complete, finished }: Outcome): void {
    for (const { event_number: event, assignments } of assign) {
      if (event !== this.#published++) this.#wrong(`event ${event} was published out of turn`);
      const names = new Set([...assignments.values()].flat());
      for (const name of names) this.#give(name, event, name, 1);
    }
    for (const { event_number: event, assignments, attempt, origin } of again) {
      const names = [...new Set([...assignments.values()].flat())];
      if (names.length !== 1) this.#wrong(`event ${event} was given again to ${names.length} workers`);
      this.#give(names[0] ?? '', event, origin, attempt);
    }
    for (const { event_number: event, origin } of lost) {
      if (this.#lost.has(`${event} ${origin}`)) this.#wrong(`event ${event} of ${origin} was lost twice`);
      this.#lost.add(`${event} ${origin}`);
    }
    for (const event of complete) {
      if (this.#complete.has(event)) this.#wrong(`event ${event} was complete twice`);
      this.#complete.add(event);
    }
    this.#finished ||= finished;
  }

  #give(name: string, event: number, origin: string, attempt: number): void {
    const process = this.#processes.get(name);
    if (!process?.live) return this.#wrong(`event ${event} was given to ${name}, which is not there`);
    const key = `${event} ${origin}`;
    const before = this.#attempts.get(key) ?? 0;
    if (attempt <= before) this.#wrong(`event ${event} of ${origin}: attempt ${attempt} after ${before}`);
    this.#attempts.set(key, attempt);
    process.queue.push({ event, origin });
  }

  #wrong(text: string): void {
    this.problems.push(text);
  }

  #join(name: string): void {
    const tags = this.#random.chance(0.6) ? TAGS : [TAGS[this.#random.below(2)]!];
    this.#processes.set(name, { name, queue: [], live: true });
    this.#do((assigner) => assigner.join(name, tags));
  }

  #step(): void {
    const random = this.#random;
    const live = [...this.#processes.values()].filter((process) => process.live);
    const choice = random.below(100);
    const someone = live[random.below(live.length)];
    if (choice < 55 && someone) this.#report(someone, 1 + random.below(4));
    else if (choice < 75) this.#deliverResult();
    else if (choice < 80 && someone && live.length > 1) this.#kill(someone);
    else if (choice < 84) this.#join(random.chance(0.5) ? `w${++this.#names}` : this.#oldName());
    else if (choice < 88) this.#zombie();
    else if (choice < 91) this.#grace();
    else if (choice < 93) this.#evict();
    else if (choice < 96 && this.assigner.open) this.#append();
    else if (choice < 97 && this.assigner.open) this.#do((assigner) => assigner.close());
    else if (choice < 98) this.#do((assigner) => assigner.report('nobody', [3], [false]));
  }

  #oldName(): string {
    const gone = [...this.#processes.values()].filter((process) => !process.live);
    return gone[this.#random.below(gone.length)]?.name ?? `w${++this.#names}`;
  }

  #report({ name, queue }: Process, most: number): void {
    const done = queue.splice(0, most);
    const hasResult = done.map(() => this.#random.chance(0.5));
    done.forEach((share, i) => {
      if (hasResult[i] && !this.#random.chance(0.05)) this.#results.push(share);
    });
    const completed = done.map(({ event }) => event);
    this.#do((assigner) => assigner.report(name, completed, hasResult));
  }

  #deliverResult(): void {
    const [share] = this.#results.splice(this.#random.below(this.#results.length), 1);
    if (!share) return;
    if (this.#random.chance(0.1)) this.#results.push(share);
    this.#do((assigner) => assigner.result(share.event, share.origin));
  }

  #kill(process: Process): void {
    this.#deaths++;
    process.live = false;
    this.#graces.push(process.name);
    if (this.#random.chance(0.4)) this.#zombies.push({ ...process, queue: [...process.queue] });
    this.#do((assigner) => assigner.gone(process.name));
  }

  /** A report of a dead worker that comes after all, unless its name has been taken again. */
  #zombie(): void {
    const [zombie] = this.#zombies.splice(0, 1);
    if (!zombie || this.#processes.get(zombie.name)?.live) return;
    this.#report(zombie, 3);
  }

  #grace(): void {
    const [name] = this.#graces.splice(0, 1);
    if (name !== undefined) this.#do((assigner) => assigner.grace(name));
  }

  #evict(): void {
    const through = this.#random.below(Math.max(1, this.#published));
    if (this.#random.chance(0.5)) this.#do((assigner) => assigner.evict(through));
  }

  #append(): void {
    const names = [...this.assigner.parts.keys()];
    const sequence = [names[this.#random.below(names.length)]!];
    this.#do((assigner) => assigner.append(new Map(), sequence));
  }

  /** Everybody works until nothing is left. */
  #drain(): void {
    if (this.assigner.open) this.#do((assigner) => assigner.close());
    const able = `w${++this.#names}`;
    this.#processes.set(able, { name: able, queue: [], live: true });
    this.#do((assigner) => assigner.join(able, TAGS));
    for (let round = 0; round < 2000 && !this.#finished; round++) {
      for (const process of this.#processes.values()) if (process.live) this.#report(process, 10);
      while (this.#results.length > 0 && !this.#finished) this.#deliverResult();
      this.#grace();
      // Results that were lost on the way: their worker is declared dead, and they are made again.
      if (round % 50 === 49) this.#killForMissingResult();
    }
  }

  #killForMissingResult(): void {
    const missing = this.assigner.ledger.outstanding[0];
    if (!missing) return;
    const reporter = missing.reporter ?? missing.origin;
    const process = this.#processes.get(reporter);
    if (process?.live) this.#kill(process);
    const able = `w${++this.#names}`;
    this.#processes.set(able, { name: able, queue: [], live: true });
    this.#do((assigner) => assigner.join(able, TAGS));
    this.#graces.push(reporter);
  }

  #checkEnd(): void {
    const { ledger, events, front } = this.assigner;
    if (!this.#finished) {
      const counts = JSON.stringify(ledger.counts);
      return this.#wrong(
        `not finished: front ${front} of ${events.total}, ${counts}, ${ledger.outstanding.length} results missing`,
      );
    }
    if (this.#complete.size !== events.total)
      this.#wrong(`${this.#complete.size} of ${events.total} events are complete`);
    const { out, orphan, lost } = ledger.counts;
    if (out + orphan > 0) this.#wrong(`${out} shares are out and ${orphan} are orphans`);
    if (lost !== this.#lost.size) this.#wrong(`${lost} shares are lost, ${this.#lost.size} were said to be`);
  }

  /** The same operations with a crash now and then bring about the same. */
  #checkCrashes(): void {
    let assigner = new Assigner(this.#map, this.#options);
    for (const [i, operation] of this.#operations.entries()) {
      if (this.#random.chance(0.3)) {
        const map = { ...this.#map, parts: assigner.parts };
        assigner = Assigner.restore(map, this.#options, JSON.parse(JSON.stringify(assigner.save())));
      }
      operation(assigner);
      const text = textOf(assigner.takeOutcome());
      if (text !== this.#outcomes[i])
        return this.#wrong(`operation ${i} after a crash: ${text}, not ${this.#outcomes[i]}`);
    }
    const [there, here] = [plain(assigner), plain(this.assigner)];
    if (!isDeepStrictEqual(there, here))
      this.#wrong(`in the end, after crashes: ${JSON.stringify(there)}, not ${JSON.stringify(here)}`);
  }
}

/** What a snapshot holds. */
const plain = (assigner: Assigner): unknown => JSON.parse(JSON.stringify(assigner.save()));

function textOf({ assign, again, ...rest }: Outcome): string {
  const plain = (given: { assignments: ReadonlyMap<string, readonly string[]> }) => ({
    ...given,
    assignments: [...given.assignments],
  });
  return JSON.stringify({ assign: assign.map(plain), again: again.map(plain), ...rest });
}

function randomMap(random: Random): TriggerMap {
  const parts = new Map<string, Part>();
  for (let n = 1 + random.below(3); n > 0; n--) {
    const name = `part${n}`;
    parts.set(name, randomPart(random, name));
  }
  const names = [...parts.keys()];
  const sequence = Array.from({ length: 1 + random.below(4) }, () => names[random.below(names.length)]!);
  return { parts, sequence, open: random.chance(0.3), streams: [] };
}

function randomPart(random: Random, name: string): Part {
  const length = 1 + random.below(12);
  const size = 1 + random.below(3);
  const streams = STREAMS.slice(0, 1 + random.below(3));
  const cells = streams.map((stream) => {
    const list = Array.from({ length }, (_, event): Cell => {
      if (random.chance(0.15)) return null;
      return Array.from({ length: random.below(3) }, (): Entry => {
        const tags = [TAGS[random.below(2)]!];
        return random.chance(0.1)
          ? { tags, constraint: null }
          : { tags, constraint: Math.floor(event / size) + random.below(2) };
      });
    });
    return [stream, list] as const;
  });
  return { name, streams: new Map(cells), length };
}
