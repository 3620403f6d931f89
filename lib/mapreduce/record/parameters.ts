/** The parameters of a scan as a file beside its recordings (spec mapreduce.md 10). */

import { Decoder, Encoder } from 'cbor-x';
import { DataError } from '../../errors.ts';

export interface RecordedParameter {
  readonly name: string;
  readonly data: Buffer;
}

export interface ParametersFile {
  /** Ending of its name. */
  readonly ending: 'json' | 'cbor';
  readonly bytes: Buffer;
}

/** JSON as long as every value is text without zero bytes; else CBOR. */
export function writeParameters(parameters: readonly RecordedParameter[]): ParametersFile {
  const values = parameters.map(({ name, data }) => ({ name, data: isText(data) ? data.toString() : data }));
  const plain = values.every(({ data }) => typeof data === 'string');
  if (plain) return { ending: 'json', bytes: Buffer.from(JSON.stringify(values)) };
  return { ending: 'cbor', bytes: new Encoder({ useRecords: false, tagUint8Array: false }).encode(values) };
}

/**
 * @param bytes of either form, or a JSON object as people write it: name -> number, text or truth value
 * @throws DataError `bad-parameters`
 */
export function readParameters(bytes: Buffer, file: string): RecordedParameter[] {
  const refuse = (why: string, cause?: unknown) =>
    new DataError('bad-parameters', `this is no list of parameters: ${why}`, { place: { file }, cause });
  const isJson = /^\s*[[{]/.test(bytes.toString('latin1', 0, 64));
  let list: unknown;
  try {
    list = isJson
      ? JSON.parse(bytes.toString())
      : new Decoder({ useRecords: false, mapsAsObjects: true }).decode(bytes);
  } catch (error) {
    throw refuse(isJson ? (error as Error).message : 'it is neither JSON nor CBOR', error);
  }
  if (isJson && !Array.isArray(list)) list = Object.entries(list as object).map(plainEntry);
  if (!Array.isArray(list)) throw refuse('the whole is no list');
  return list.map((item: unknown) => {
    const { name, data } = (item ?? {}) as { name?: unknown; data?: unknown };
    if (typeof name !== 'string') throw refuse('an entry has no name');
    if (typeof data === 'string') return { name, data: Buffer.from(data) };
    if (data instanceof Uint8Array) return { name, data: Buffer.from(data) };
    throw refuse(data === undefined ? `${name} has no data` : `the value of ${name} is neither text nor bytes`);
  });
}

/** Parameters are texts, truth values those of Python. */
function plainEntry([name, value]: readonly [string, unknown]): { name: string; data: unknown } {
  if (typeof value === 'boolean') return { name, data: value ? 'True' : 'False' };
  return { name, data: typeof value === 'number' ? String(value) : value };
}

function isText(data: Buffer): boolean {
  return !data.includes(0) && data.equals(Buffer.from(data.toString()));
}
