/**
 * From a source to the set of a run: one request for each list of documents and for each content, whoever asks for it and however many do
 * (spec calib-pub.md, section 8). Contents never change and are cached; lists are asked for again at every run.
 */

import { createHash } from 'node:crypto';
import { DaqError } from '../errors.ts';
import type { DiskCache } from './cache/disk.ts';
import { type Contents, MemoryCache } from './cache/memory.ts';
import { chooseForRun, chooseYoungest, LAST_RUN } from './choose.ts';
import { type ConstantPlace, constantError, decodeConstant } from './decode.ts';
import { textField } from './document.ts';
import { FetchCounters } from './fetch-counters.ts';
import { constantSet } from './set.ts';
import { allOf, SingleFlight } from './single-flight.ts';
import type { ConstantSource, Database, DetectorKey } from './source/types.ts';
import type { Constant, ConstantSet, DetectorConstants, DetectorWanted, DocRecord } from './types.ts';
import { LONG_ID, uniqueId } from './wanted.ts';

/** When the source fails at a run: fail too, publish the constants of the run before, or none. */
export type OnFail = 'error' | 'last' | 'empty';

export interface FetcherOptions {
  readonly source: ConstantSource;
  /** The default is `error`: analysis without constants looks like physics. */
  readonly onFail?: OnFail;
  /** Bytes of contents kept in memory; the default is 512 MiB. */
  readonly cacheBytes?: number;
  readonly disk?: DiskCache;
  /** Passes pickles of the service on, unread. The default leaves them out and counts them. */
  readonly passAny?: boolean;
  /** Of the detector's own database. */
  readonly suffix?: string;
  /** Called with every set that was fetched for a run, for example to keep it. Nobody waits for it; what it throws is noted. */
  readonly keep?: (set: ConstantSet) => Promise<void>;
  readonly counters?: FetchCounters;
  /** Sentences for a person. */
  readonly note?: (message: string) => void;
}

/** What one fetch came across. */
interface Tally {
  constants: number;
  skippedAny: number;
  badDocuments: number;
}

interface Fetched {
  readonly set: ConstantSet;
  readonly tally: Tally;
}

/** A document that counts for the run, and where its contents are. */
interface Chosen {
  readonly ctype: string;
  readonly doc: DocRecord;
  readonly database: Database;
}

const MEMORY_BYTES = 512 * 1024 * 1024;

export class ConstantFetcher {
  readonly counters: FetchCounters;
  private readonly options: FetcherOptions;
  private readonly note: (message: string) => void;
  private readonly memory: MemoryCache;
  private readonly flights = new SingleFlight();
  /** The last valid set, and for which experiment and detectors it is. */
  private last: { readonly key: string; readonly set: ConstantSet } | undefined;
  /** What was said already about documents and constants; it is true at every run. */
  private readonly said = new Set<string>();

  constructor(options: FetcherOptions) {
    this.options = options;
    this.counters = options.counters ?? new FetchCounters();
    this.note = options.note ?? (() => {});
    this.memory = new MemoryCache(options.cacheBytes ?? MEMORY_BYTES);
  }

  /**
   * The constants of a run. A detector without constants is in the set with none.
   * @param run 0 means the last there can be
   * @throws DataError `calib-source`, `calib-document` unless `onFail` says otherwise
   */
  async constants(exp: string | undefined, run: number, wanted: readonly DetectorWanted[]): Promise<ConstantSet> {
    const key = JSON.stringify([exp, wanted]);
    try {
      const { set, tally } = await this.flights.run(
        `set ${run} ${key}`,
        () => this.fetch(exp, run, wanted),
        this.joined,
      );
      this.counters.sets++;
      this.counters.constants += tally.constants;
      this.counters.skippedAny += tally.skippedAny;
      this.counters.badDocuments += tally.badDocuments;
      if (this.last?.set !== set) this.keep(set);
      this.last = { key, set };
      return set;
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      return this.afterFailure(error, exp, run, wanted, this.last?.key === key ? this.last.set : undefined);
    }
  }

  /** Fills the caches for a run to come. What goes wrong is noted only; it shows again when the run begins. */
  async prefetch(exp: string | undefined, run: number, wanted: readonly DetectorWanted[]): Promise<void> {
    try {
      await this.fetch(exp, run, wanted);
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      this.note(`prefetch for run ${run}: ${error.message}`);
    }
  }

  /** Works any number of times. */
  close(): void {
    this.options.source.close();
  }

  private readonly joined = (): void => {
    this.counters.shared++;
  };

  private afterFailure(
    error: DaqError,
    exp: string | undefined,
    run: number,
    wanted: readonly DetectorWanted[],
    last: ConstantSet | undefined,
  ): ConstantSet {
    const { onFail = 'error' } = this.options;
    if (onFail === 'last' && last !== undefined) {
      this.counters.staleRuns++;
      this.note(`run ${run} gets the constants of run ${last.run}: ${error.message}`);
      return { ...last, run, stale: true };
    }
    if (onFail === 'empty') {
      this.counters.emptyRuns++;
      this.note(`run ${run} gets no constants: ${error.message}`);
      const none = wanted.map((detector): [string, DetectorConstants] => [
        detector.name,
        { id: uniqueId(detector, exp), constants: new Map() },
      ]);
      return constantSet(exp, run, new Map(none));
    }
    this.counters.failedRuns++;
    throw error;
  }

  private async fetch(exp: string | undefined, run: number, wanted: readonly DetectorWanted[]): Promise<Fetched> {
    const tally: Tally = { constants: 0, skippedAny: 0, badDocuments: 0 };
    const detectors = await allOf(
      wanted.map(async (detector) => [detector.name, await this.detector(exp, run, detector, tally)] as const),
    );
    return { set: constantSet(exp, run, new Map(detectors)), tally };
  }

  private async detector(
    exp: string | undefined,
    run: number,
    wanted: DetectorWanted,
    tally: Tally,
  ): Promise<DetectorConstants> {
    const id = uniqueId(wanted, exp);
    const short = id.length < LONG_ID ? id : await this.shortId(wanted, id);
    if (short === undefined) return { id, constants: new Map() };
    const key: DetectorKey = { name: wanted.name, type: wanted.type, id: short };
    const chosen = await this.chosen(exp, run, key, tally);
    const constants = await allOf(
      chosen
        .filter(({ ctype, doc }) => this.readable(key, ctype, doc, tally))
        .map(async (choice) => [choice.ctype, await this.constant(key, choice)] as const),
    );
    tally.constants += constants.length;
    return { id, constants: new Map(constants.sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  /** From the experiment's database, and what is missing there from the detector's own. */
  private async chosen(exp: string | undefined, run: number, key: DetectorKey, tally: Tally): Promise<Chosen[]> {
    const { suffix } = this.options;
    const experiment: Database = { of: 'experiment', exp };
    const own: Database = { of: 'detector', ...(suffix === undefined ? {} : { suffix }) };
    const [ofExperiment, ofDetector] = await allOf([
      this.documents(experiment, key, run === 0 ? LAST_RUN : run),
      this.documents(own, key, LAST_RUN),
    ]);
    const first = chooseForRun(ofExperiment, run);
    const second = chooseYoungest(ofDetector);
    // Documents that make no sense must not hide those that do, nor be passed over in silence.
    for (const sentence of [...first.bad, ...second.bad]) {
      tally.badDocuments++;
      this.sayOnce(`${key.name}: ${sentence}; it is passed over`);
    }
    return [
      ...[...first.chosen].map(([ctype, doc]) => ({ ctype, doc, database: experiment })),
      ...[...second.chosen]
        .filter(([ctype]) => !first.chosen.has(ctype))
        .map(([ctype, doc]) => ({ ctype, doc, database: own })),
    ];
  }

  private async shortId({ name, type }: DetectorWanted, id: string): Promise<string | undefined> {
    const { source } = this.options;
    const short = await this.flights.run(`name ${id}`, () => source.shortId(type, id), this.joined);
    if (short === undefined) this.sayOnce(`${name}: ${source.name} knows no detector ${id}, so it has no constants`);
    return short;
  }

  private documents(database: Database, detector: DetectorKey, lastRun: number): Promise<readonly DocRecord[]> {
    const key = `documents ${JSON.stringify([database, detector, lastRun])}`;
    return this.flights.run(key, () => this.options.source.documents(database, detector, lastRun), this.joined);
  }

  private readable({ name }: DetectorKey, ctype: string, doc: DocRecord, tally: Tally): boolean {
    if (doc.data_type !== 'any' || this.options.passAny) return true;
    tally.skippedAny++;
    this.sayOnce(`${name} ${ctype} is left out: it is a pickle, which runs code where it is read (--pass-any)`);
    return false;
  }

  private async constant(detector: DetectorKey, { ctype, doc, database }: Chosen): Promise<Constant> {
    const { source } = this.options;
    const place = { detector: detector.name, ctype, source: source.name };
    const idData = textField(doc, 'id_data');
    if (idData === undefined || idData === '') throw constantError(doc, place, 'it has no id_data');
    const key = JSON.stringify([source.name, database, detector.id, idData]);
    const decode = ({ bytes, sha256 }: Contents) => decodeConstant(doc, bytes, sha256, place);
    const kept = this.memory.get(key);
    if (kept !== undefined) {
      this.counters.memoryHits++;
      return decode(kept);
    }
    const load = () => this.load(key, () => source.contents(database, detector, idData), decode, place);
    return decode(await this.flights.run(`contents ${key}`, load, this.joined));
  }

  /** @param decode throws if the contents are not what the document says; they are then not kept */
  private async load(
    key: string,
    read: () => Promise<Buffer>,
    decode: (contents: Contents) => unknown,
    { detector, ctype }: ConstantPlace,
  ): Promise<Contents> {
    const { disk } = this.options;
    const stored = await disk?.get(key);
    if (typeof stored === 'object') {
      this.counters.diskHits++;
      this.memory.put(key, stored);
      return stored;
    }
    if (stored === 'damaged') {
      this.counters.diskDamaged++;
      this.note(`${detector} ${ctype}: its file in the cache is damaged; it is fetched again`);
    }
    const bytes = await read();
    const contents = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    decode(contents);
    this.memory.put(key, contents);
    await disk?.put(key, contents).catch((error: unknown) => this.notKept(error));
    return contents;
  }

  private keep(set: ConstantSet): void {
    this.options.keep?.(set).catch((error: unknown) => {
      this.counters.keepFailures++;
      this.note(
        `the constants of run ${set.run} are not kept: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  }

  /** A full disk costs time at the next start and nothing else. */
  private notKept(error: unknown): void {
    this.counters.diskFailures++;
    this.sayOnce(`the cache cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }

  private sayOnce(message: string): void {
    if (this.said.has(message)) return;
    this.said.add(message);
    this.note(message);
  }
}
