/** Links over credits: what a worker, an ingester and a reducer make of the messages (spec mapreduce.md 18). */

import { BadRecord, type Fields, fieldsOf, number, type ResultKey } from '../redis/fields.ts';
import type { Registry } from '../redis/registry.ts';
import { CreditsLink } from './credits-link.ts';
import { ungrouped } from './groups.ts';
import { feedOf, passedOf, runsIn, workOf } from './items.ts';
import type { LinkSetup } from './stream-links.ts';
import type { Feed, FeedNews, IngesterLink, ReducerLink, Work, WorkDone, WorkerLink, WorkNews } from './types.ts';

export interface CreditsSetup extends Omit<LinkSetup, 'registry'> {
  readonly registry: Pick<Registry, 'serviceUuid'>;
  /** The update is of a map. */
  readonly ofMap: boolean;
  readonly control: string;
}

const keyOf = ({ event_number, origin, attempt }: Pick<Work | Feed, 'event_number' | 'origin' | 'attempt'>) =>
  `${event_number} ${attempt} ${origin ?? ''}`;

function items<T extends Work | Feed>(
  message: Fields,
  key: 'work' | 'feed',
  read: (fields: Fields) => T,
): readonly T[] {
  const list = message[key] ?? [];
  if (!Array.isArray(list)) throw new BadRecord(`${key} is no list`);
  return list.flatMap((item) => ungrouped(fieldsOf(item, key), read));
}

export class CreditsWorkerLink implements WorkerLink {
  readonly #name: string;
  readonly #link: CreditsLink;
  /** Given and not reported. */
  #open: Work[] = [];
  /** Reported, and not known to have been taken: what is said again may contain it. */
  #reported: { readonly report: number; readonly work: readonly Work[] }[] = [];

  constructor(setup: CreditsSetup) {
    this.#name = setup.name;
    this.#link = new CreditsLink({ ...setup, role: 'worker', next: () => 0 });
  }

  moved(control: string): void {
    this.#link.moved(control);
  }

  async ready(): Promise<void> {
    this.#send('ready', { completed: [], has_result: [] });
  }

  async *work(): AsyncGenerator<WorkNews> {
    for await (const message of this.#link.messages) {
      const taken = number(message, 'reports', 0);
      this.#reported = this.#reported.filter(({ report }) => report > taken);
      const told = items(message, 'work', workOf);
      const news = message.again === true ? this.#compare(told) : { given: told, withdrawn: [] };
      this.#open.push(...news.given);
      if (news.given.length > 0 || news.withdrawn.length > 0) yield news;
    }
  }

  /** @param told everything that is open as the controller sees it, who has yet to see our last reports */
  #compare(told: readonly Work[]): WorkNews {
    const [open, reported] = [this.#open, this.#reported.flatMap(({ work }) => work)];
    const known = new Set([...open, ...reported].map(keyOf));
    const stays = new Set(told.map(keyOf));
    this.#open = open.filter((work) => stays.has(keyOf(work)));
    return {
      given: told.filter((work) => !known.has(keyOf(work))),
      withdrawn: open.filter((work) => !stays.has(keyOf(work))),
    };
  }

  report(done: WorkDone): void {
    const work = done.completed.flatMap((event) => {
      const at = this.#open.findIndex(({ event_number }) => event_number === event);
      return at < 0 ? [] : this.#open.splice(at, 1);
    });
    this.#reported.push({ report: this.#send('idle', done), work });
  }

  async finished(): Promise<void> {
    const nothing = { completed: [], has_result: [], processing_times: null };
    this.#link.finish({ state: 'finished', source: 'worker', worker: this.#name, ...nothing });
  }

  #send(state: 'ready' | 'idle', { processing_times = null, ...done }: WorkDone): number {
    return this.#link.send({ state, source: 'worker', worker: this.#name, processing_times, ...done });
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

export class CreditsIngesterLink implements IngesterLink {
  readonly #name: string;
  readonly #link: CreditsLink;
  #next = 0;
  /** Events that were given again since the last hello. */
  readonly #again = new Set<string>();

  constructor(setup: CreditsSetup) {
    this.#name = setup.name;
    this.#link = new CreditsLink({ ...setup, role: 'ingester', next: () => this.#next });
  }

  moved(control: string): void {
    this.#link.moved(control);
  }

  async *feed(): AsyncGenerator<FeedNews> {
    for await (const message of this.#link.messages) {
      const passed = this.#next === 0 ? passedOf(message.passed) : undefined;
      const events = items(message, 'feed', feedOf).filter((feed) => this.#isNew(feed));
      if (passed) this.#next = Math.max(this.#next, passed.before);
      const over = runsIn(message.over);
      const spare = runsIn(message.spare);
      if (events.length > 0 || over.length > 0 || spare.length > 0 || passed)
        yield { events, over, spare, passed, afterHello: message.again === true };
    }
  }

  /** The controller answers a hello with what is open only. */
  async done(): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
    return new Map();
  }

  /** First attempts come in order of their events; what is given again is known by its key. */
  #isNew(feed: Feed): boolean {
    if (feed.origin !== null) {
      const key = keyOf(feed);
      if (this.#again.has(key)) return false;
      this.#again.add(key);
      return true;
    }
    if (feed.event_number < this.#next) return false;
    this.#next = feed.event_number + 1;
    return true;
  }

  async finished(): Promise<void> {
    this.#link.finish({ state: 'finished', source: 'ingester', ingester: this.#name });
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

export class CreditsReducerLink implements ReducerLink {
  readonly #link: CreditsLink;

  constructor(setup: CreditsSetup) {
    this.#link = new CreditsLink({ ...setup, role: 'reducer', next: () => 0 });
  }

  moved(control: string): void {
    this.#link.moved(control);
  }

  report(accepted: readonly ResultKey[], refused: readonly ResultKey[] = []): void {
    const report = { state: 'idle', source: 'reducer', completed: null, worker: null, accepted } as const;
    this.#link.send({ ...report, ...(refused.length > 0 ? { refused } : {}) });
  }

  async finished(): Promise<void> {
    this.#link.finish({ state: 'finished', source: 'reducer', completed: null, worker: null });
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
