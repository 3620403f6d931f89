/** What the stand-in of the web service answers to a GET: the addresses of spec calib-pub.md, section 7, from a folder or a bundle. */

import { DataError } from '../../errors.ts';
import { LAST_RUN } from '../choose.ts';
import { exactText, isRecord, parseExact } from '../document.ts';
import type { ShelfSource } from '../source/shelf-source.ts';
import type { Database, DetectorKey } from '../source/types.ts';
import { type DetectorWanted, type DocRecord, type DocValue, isDocNumber } from '../types.ts';
import { uniqueId } from '../wanted.ts';

export interface Reply {
  readonly status: number;
  readonly kind: 'json' | 'bytes' | 'text';
  readonly body: Buffer;
}

const PREFIX = 'cdb_';
const NAMES = `${PREFIX}detnames`;
/** Stands for `gridfs` of the service: where contents are. */
const CONTENTS = 'gridfs';

export class Answers {
  private readonly source: ShelfSource;
  private readonly detectors: readonly DetectorWanted[];

  /** @param detectors which folder holds which unique id; other ids are looked up by themselves and by their type */
  constructor(source: ShelfSource, detectors: readonly DetectorWanted[]) {
    this.source = source;
    this.detectors = detectors;
  }

  /**
   * @param path behind the base address, decoded
   * @param query value of `query_string`, or undefined
   * @throws DataError, InputError if the folder cannot be read or holds nonsense
   */
  async get(path: readonly string[], query: string | undefined): Promise<Reply> {
    const [database, collection, third] = path;
    if (path.length > 3) return text(404, 'there is no such address');
    if (database === undefined) return json(await this.databases());
    if (collection === undefined) return json(await this.source.folders());
    if (third !== undefined && collection === CONTENTS) return this.contents(third);
    const key = this.keyOf(collection);
    const condition = conditionOf(query);
    if (condition === undefined) return text(400, 'query_string is no query that this stand-in understands');
    const docs = await this.documents(database, key);
    if (third === undefined) return json(docs.filter((doc) => matches(doc, condition)));
    const found = docs.find((doc) => doc._id === third);
    return found === undefined ? text(404, 'there is no such document') : json(found);
  }

  private async databases(): Promise<string[]> {
    return [NAMES, ...(await this.source.folders()).map((folder) => PREFIX + folder)];
  }

  private async documents(database: string, key: DetectorKey): Promise<readonly DocRecord[]> {
    if (database === NAMES) return this.names(key.type);
    return this.source.documents(databaseOf(database, key), key, LAST_RUN);
  }

  private async contents(id: string): Promise<Reply> {
    const body = await this.source.contentsById(id);
    return body === undefined ? text(404, 'there are no such contents') : { status: 200, kind: 'bytes', body };
  }

  /** Long names of the detectors that were named on the command line, and of folders that have one. */
  private async names(type: string): Promise<DocRecord[]> {
    const known = [
      ...this.detectors.map((detector) => ({
        type: detector.type,
        long: uniqueId(detector, undefined),
        short: detector.name,
      })),
      ...(await this.source.folders()).map((folder) => ({ type: typeOf(folder), long: folder, short: folder })),
    ];
    return known.filter((name) => name.type === type).map(({ long, short }) => ({ long, short }));
  }

  private keyOf(id: string): DetectorKey {
    const named = this.detectors.find((detector) => [uniqueId(detector, undefined), detector.name].includes(id));
    return { id, name: named?.name ?? id, type: named?.type ?? typeOf(id) };
  }
}

function typeOf(id: string): string {
  return id.split('_', 1)[0]!;
}

/** A detector's own database has its name, with or without a suffix; every other one is an experiment's. */
function databaseOf(database: string, { id }: DetectorKey): Database {
  const name = database.slice(PREFIX.length);
  return name === id || name.startsWith(`${id}_`) ? { of: 'detector' } : { of: 'experiment', exp: name };
}

/** Undefined for what is no object of conditions that we understand. */
function conditionOf(query: string | undefined): DocRecord | undefined {
  if (query === undefined) return {};
  try {
    const value = parseExact(Buffer.from(query));
    return isRecord(value) && Object.values(value).every(understood) ? value : undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function understood(condition: DocValue): boolean {
  if (!isRecord(condition)) return !Array.isArray(condition);
  return Object.entries(condition).every(([key, value]) => key in COMPARISONS && isDocNumber(value));
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  $lte: (a, b) => a <= b,
  $lt: (a, b) => a < b,
  $gte: (a, b) => a >= b,
  $gt: (a, b) => a > b,
};

function matches(doc: DocRecord, condition: DocRecord): boolean {
  return Object.entries(condition).every(([key, wanted]) => {
    const value = doc[key];
    if (value === undefined) return false;
    if (!isRecord(wanted)) return exactText(value) === exactText(wanted);
    return (
      isDocNumber(value) &&
      Object.entries(wanted).every(
        ([operator, limit]) => isDocNumber(limit) && COMPARISONS[operator]!(Number(value.value), Number(limit.value)),
      )
    );
  });
}

function json(value: DocValue): Reply {
  return { status: 200, kind: 'json', body: Buffer.from(exactText(value)) };
}

function text(status: number, sentence: string): Reply {
  return { status, kind: 'text', body: Buffer.from(`${sentence}\n`) };
}
