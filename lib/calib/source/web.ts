/** The constants' web service, read only (spec calib-pub.md, section 7). */

import { setMaxListeners } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { DataError, UsageError } from '../../errors.ts';
import { exactText, integer, isRecord, parseExact, textField } from '../document.ts';
import { FetchCounters, type RequestKind } from '../fetch-counters.ts';
import type { DocRecord, DocValue } from '../types.ts';
import { type Answer, HttpClient, NoAnswer } from './http-get.ts';
import type { ConstantSource, Database, DetectorKey } from './types.ts';

const INSIDE = 'https://psdmint.sdf.slac.stanford.edu/calib_ws/';
const OUTSIDE = 'https://psextapi.slac.stanford.edu/calib_ws/';

const CONNECTIONS = 4;
const LARGEST_LIST = 16 * 1024 * 1024;
/** Shown of an answer that is no JSON: the text of a proxy, most of the time. */
const SHOWN = 200;
/** Milliseconds before the first repetition; each further one waits four times as long. */
const FIRST_PAUSE = 250;

export interface WebOptions {
  readonly url: string;
  /** Milliseconds in which nothing comes; the default is 10,000. */
  readonly timeout?: number;
  /** Repetitions of a request that failed for a reason that may pass; the default is 2. */
  readonly retries?: number;
  /** Bytes of a constant; the default is 2 GiB. */
  readonly maxConstant?: number;
  readonly counters?: FetchCounters;
  /** Sentences for a person. */
  readonly note?: (message: string) => void;
  /** Waits; tests do not. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/**
 * The address of the service: `--url`, else LCLS_CALIB_HTTP, else the one for inside or outside (SIT_PSDM_OFFSITE) of the laboratory.
 * @throws UsageError if it is no http or https URL
 */
export function serviceUrl(url: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  const chosen = url ?? env.LCLS_CALIB_HTTP ?? (env.SIT_PSDM_OFFSITE ? OUTSIDE : INSIDE);
  const parsed = URL.canParse(chosen) ? new URL(chosen) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new UsageError(`"${chosen}" is no address of a constants' service; write http://HOST:PORT/PATH`);
  }
  return chosen.replace(/\/+$/, '');
}

export class WebSource implements ConstantSource {
  readonly name: string;
  private readonly options: WebOptions;
  private readonly client: HttpClient;
  private readonly counters: FetchCounters;
  private readonly stopped = new AbortController();

  /** @throws UsageError if the address makes no sense */
  constructor(options: WebOptions) {
    this.name = serviceUrl(options.url, {});
    // Every request under way listens; most of them wait for a connection.
    setMaxListeners(0, this.stopped.signal);
    this.options = options;
    this.counters = options.counters ?? new FetchCounters();
    this.client = new HttpClient(new URL(this.name), { timeout: options.timeout ?? 10_000, connections: CONNECTIONS });
  }

  /** Without an experiment there is nothing to ask for in an experiment's database. */
  async documents(database: Database, detector: DetectorKey, lastRun: number): Promise<readonly DocRecord[]> {
    if (database.of === 'experiment' && database.exp === undefined) return [];
    const query = { detector: detector.id, run: { $lte: integer(lastRun) } };
    return this.list('list', [databaseName(database, detector), detector.id], query);
  }

  async contents(database: Database, detector: DetectorKey, idData: string): Promise<Buffer> {
    const path = [databaseName(database, detector), 'gridfs', idData];
    const { maxConstant = 2 ** 31 } = this.options;
    const { status, body, url } = await this.ask('contents', this.url(path), maxConstant);
    if (status !== 200) throw refusal(url, status, body);
    return body;
  }

  /** By its long name, else by serial numbers that are all among those of one detector. */
  async shortId(type: string, longId: string): Promise<string | undefined> {
    const path = ['cdb_detnames', type];
    const exact = await this.list('name', path, { long: longId });
    const found = exact.map((doc) => textField(doc, 'short')).find((short) => short !== undefined);
    if (found !== undefined) return found;
    const serials = longId.slice(type.length + 1).split('_');
    const holder = (await this.list('name', path, {})).find((doc) => {
      const parts = textField(doc, 'long')?.split('_') ?? [];
      return textField(doc, 'short') !== undefined && serials.every((serial) => parts.includes(serial));
    });
    return holder === undefined ? undefined : textField(holder, 'short');
  }

  close(): void {
    this.stopped.abort();
    this.client.close();
  }

  private url(path: readonly string[], query?: DocValue): URL {
    for (const part of path) {
      if (/^\.*$/.test(part)) throw new DataError('calib-source', `"${part}" cannot be part of an address`);
    }
    const url = new URL(`${this.name}/${path.map(encodeURIComponent).join('/')}`);
    if (query !== undefined) url.searchParams.set('query_string', exactText(query));
    return url;
  }

  private async list(kind: RequestKind, path: readonly string[], query: DocValue): Promise<DocRecord[]> {
    const { status, body, url } = await this.ask(kind, this.url(path, query), LARGEST_LIST);
    if (status === 404) return [];
    if (status !== 200) throw refusal(url, status, body);
    let value: DocValue;
    try {
      value = parseExact(body);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw sourceError(url, `the answer is no JSON, ${why}; it begins ${JSON.stringify(start(body))}`);
    }
    if (value === null) return [];
    if (!Array.isArray(value) || !value.every(isRecord)) {
      throw sourceError(url, `the answer is no list of documents; it begins ${JSON.stringify(start(body))}`);
    }
    return value;
  }

  /** Asks, and asks again where that may help. */
  private async ask(kind: RequestKind, url: URL, most: number): Promise<Answer> {
    const { retries = 2, note = () => {}, pause = this.sleep } = this.options;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.once(kind, url, most);
      const why = answer instanceof NoAnswer ? answer.message : `status ${answer.status}`;
      const passing = answer instanceof NoAnswer ? answer.passing : answer.status >= 500 || answer.status === 429;
      if (!passing || attempt >= retries || this.stopped.signal.aborted) {
        if (answer instanceof NoAnswer) throw sourceError(url, attempts(attempt, why));
        return answer;
      }
      this.counters.retries++;
      note(`${url.origin}${url.pathname}: ${why}; asking again (${attempt + 1} of ${retries})`);
      await pause(FIRST_PAUSE * 4 ** attempt);
    }
  }

  private readonly sleep = async (milliseconds: number): Promise<void> => {
    await setTimeout(milliseconds, undefined, { signal: this.stopped.signal }).catch(() => {});
  };

  private async once(kind: RequestKind, url: URL, most: number): Promise<Answer | NoAnswer> {
    const begun = performance.now();
    this.counters.request(kind);
    try {
      const answer = await this.client.fetch(url, most, this.stopped.signal);
      this.counters.answer(String(answer.status));
      this.counters.bytes += answer.body.length;
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.counters.answer('none');
      return error;
    } finally {
      this.counters.seconds += (performance.now() - begun) / 1000;
    }
  }
}

function databaseName(database: Database, { id }: DetectorKey): string {
  if (database.of === 'experiment') return `cdb_${database.exp}`;
  return database.suffix === undefined ? `cdb_${id}` : `cdb_${id}_${database.suffix}`;
}

function refusal(url: URL, status: number, body: Buffer): DataError {
  const why = status === 503 ? 'the service is overloaded' : status === 404 ? 'it is not there' : 'the service refuses';
  return sourceError(url, `status ${status}, ${why}${body.length === 0 ? '' : `: ${JSON.stringify(start(body))}`}`);
}

function sourceError(url: URL, message: string): DataError {
  return new DataError('calib-source', message, { place: { file: `${url.origin}${url.pathname}` } });
}

function attempts(repeated: number, why: string): string {
  return repeated === 0 ? why : `${why} (asked ${repeated + 1} times)`;
}

function start(body: Buffer): string {
  return body.subarray(0, SHOWN).toString();
}
