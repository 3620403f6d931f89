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
 * @param bytes of either form
 * @throws DataError `bad-parameters`
 */
export function readParameters(bytes: Buffer, file: string): RecordedParameter[] {
  const refuse = (why: string, cause?: unknown) =>
    new DataError('bad-parameters', `this is no list of parameters: ${why}`, { place: { file }, cause });
  let list: unknown;
  try {
    const isJson = /^\s*\[/.test(bytes.toString('latin1', 0, 64));
    list = isJson
      ? JSON.parse(bytes.toString())
      : new Decoder({ useRecords: false, mapsAsObjects: true }).decode(bytes);
  } catch (error) {
    throw refuse((error as Error).message, error);
  }
  if (!Array.isArray(list)) throw refuse('the whole is no list');
  return list.map((item: unknown) => {
    const { name, data } = (item ?? {}) as { name?: unknown; data?: unknown };
    if (typeof name !== 'string') throw refuse('an entry has no name');
    if (typeof data === 'string') return { name, data: Buffer.from(data) };
    if (data instanceof Uint8Array) return { name, data: Buffer.from(data) };
    throw refuse(`the value of ${name} is neither text nor bytes`);
  });
}

function isText(data: Buffer): boolean {
  return !data.includes(0) && data.equals(Buffer.from(data.toString()));
}
