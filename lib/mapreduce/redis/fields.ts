/** Reading JSON that others wrote: what is missing gets a default, unknown fields are ignored, a wrong type makes it worthless. */

export type Fields = Readonly<Record<string, unknown>>;

/** A value is not what the protocol says; whoever reads it counts it and goes on. */
export class BadRecord extends Error {}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRecord(`${what} is no object`);
  return value as Fields;
}

/** @throws BadRecord if it is no JSON object */
export function parseFields(text: string, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRecord(`${what} is no JSON`);
  }
  return fieldsOf(value, what);
}

export function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string') throw new BadRecord(`${key} is no text`);
  return value;
}

export function optionalText(fields: Fields, key: string): string | null {
  const value = fields[key] ?? null;
  if (value !== null && typeof value !== 'string') throw new BadRecord(`${key} is no text`);
  return value;
}

export function number(fields: Fields, key: string, otherwise: number): number {
  const value = fields[key] ?? otherwise;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new BadRecord(`${key} is no number`);
  return value;
}

export function optionalNumber(fields: Fields, key: string): number | null {
  return (fields[key] ?? null) === null ? null : number(fields, key, 0);
}

export function texts(fields: Fields, key: string): readonly string[] {
  const value = fields[key] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new BadRecord(`${key} is no list of texts`);
  return value as string[];
}

/** Event numbers: whole and not negative. */
export function wholes(fields: Fields, key: string): readonly number[] {
  const value = fields[key] ?? [];
  if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item) && item >= 0))
    throw new BadRecord(`${key} is no list of event numbers`);
  return value as number[];
}

export function booleans(fields: Fields, key: string): readonly boolean[] {
  const value = fields[key] ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'boolean'))
    throw new BadRecord(`${key} is no list of true and false`);
  return value as boolean[];
}

/** Keys of results: pairs of event number and origin. */
export function resultKeys(fields: Fields, key: string): readonly ResultKey[] {
  const value = fields[key] ?? [];
  const isKey = (item: unknown) =>
    Array.isArray(item) && Number.isSafeInteger(item[0]) && item[0] >= 0 && typeof item[1] === 'string';
  if (!Array.isArray(value) || !value.every(isKey)) throw new BadRecord(`${key} is no list of [event, origin]`);
  return value as ResultKey[];
}

/** A result of a map: event number, and the worker that got the event first. */
export type ResultKey = readonly [event: number, origin: string];
