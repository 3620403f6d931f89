/** Fields of a configuration with readable complaints: every one names the file and the key. */

import { UsageError } from '../../errors.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

/** An object of a document, and where it stands in it. */
export class Fields {
  readonly record: JsonRecord;
  private readonly file: string;
  private readonly path: string;

  constructor(value: unknown, file: string, path = '') {
    this.file = file;
    this.path = path;
    if (!isRecord(value)) throw this.wrong('', `is ${describe(value)} and should be an object`);
    this.record = value;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.record, key) && this.record[key] !== null;
  }

  /** A whole number `from` to `to`; a missing one is `byDefault`, or wrong. */
  whole(key: string, from: number, to: number, byDefault?: number): number {
    if (!this.has(key)) {
      if (byDefault !== undefined) return byDefault;
      throw this.wrong(key, 'is missing');
    }
    const value = this.record[key];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to) {
      throw this.wrong(key, `is ${describe(value)} and should be a whole number from ${from} to ${to}`);
    }
    return value;
  }

  text(key: string, byDefault: string): string {
    if (!this.has(key)) return byDefault;
    const value = this.record[key];
    if (typeof value !== 'string') throw this.wrong(key, `is ${describe(value)} and should be a text`);
    return value;
  }

  /** The objects of a list; none if it is missing. */
  list(key: string): Fields[] {
    if (!this.has(key)) return [];
    const value = this.record[key];
    if (!Array.isArray(value)) throw this.wrong(key, `is ${describe(value)} and should be a list`);
    return value.map((item, i) => new Fields(item, this.file, `${this.key(key)}[${i}]`));
  }

  /** An object below this one; an empty one if it is missing. */
  below(key: string): Fields {
    return new Fields(this.has(key) ? this.record[key] : {}, this.file, this.key(key));
  }

  /** The same place of the document with another object. */
  replaced(key: string, record: JsonRecord): Fields {
    return new Fields(record, this.file, this.key(key));
  }

  /** The error for a key, or for the object itself if the key is empty. */
  wrong(key: string, problem: string): UsageError {
    const path = this.key(key);
    return new UsageError(problem, { place: path === '' ? { file: this.file } : { file: this.file, key: path } });
  }

  private key(key: string): string {
    return this.path === '' || key === '' ? `${this.path}${key}` : `${this.path}.${key}`;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'an object';
  return value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value));
}
