/** Parameters on their way to user code (spec mapreduce.md 9). */

import type { ParameterDescription } from '../redis/parameters.ts';
import type { Parameters } from './types.ts';

/** Names and uuids, and the values as blobs. */
export function encodeParameters(parameters: Parameters): {
  head: { parameters: [string, string][] };
  blobs: Buffer[];
} {
  const all = [...parameters];
  return {
    head: { parameters: all.map(([name, { uuid }]) => [name, uuid]) },
    blobs: all.map(([, { data }]) => data),
  };
}

/** A parameter as JavaScript payloads see it. */
export interface WorkParameter {
  readonly name: string;
  readonly data: Buffer;
  readonly value: unknown;
  readonly uuid: string | null;
}

/** By name; those that are described and have no value have their default. */
export function workParameters(
  parameters: Parameters,
  descriptions: readonly ParameterDescription[],
): Readonly<Record<string, WorkParameter>> {
  const made: Record<string, WorkParameter> = Object.create(null) as Record<string, WorkParameter>;
  for (const { name, default: value } of descriptions)
    made[name] = { name, data: Buffer.from(String(value ?? '')), value, uuid: null };
  for (const [name, { data, uuid }] of parameters) {
    const described = descriptions.find((one) => one.name === name);
    made[name] = { name, data, value: typed(described?.dtype ?? 'binary', data), uuid };
  }
  return made;
}

function typed(dtype: ParameterDescription['dtype'], data: Buffer): unknown {
  const text = data.toString('utf8');
  switch (dtype) {
    case 'str':
      return text.includes('\ufffd') && !Buffer.from(text).equals(data) ? '' : text;
    case 'int':
      return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : 0;
    case 'float':
      return Number.isNaN(Number(text)) || text.trim() === '' ? 0 : Number(text);
    case 'bool':
      return text === 'True';
    case 'binary':
      return data;
  }
}
