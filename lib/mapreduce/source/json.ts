/** The JSON of a message's first part. */

export type Header = Readonly<Record<string, unknown>>;

/** A part that is no JSON and longer than this is none with NaN either. */
const LONGEST_HEADER = 1 << 20;

/** The object of a part; undefined for what is none. */
export function headerOf(part: Buffer | undefined): Header | undefined {
  if (part === undefined) return undefined;
  const text = part.toString();
  const value = parse(text) ?? (text.length < LONGEST_HEADER ? parse(withoutNan(text)) : undefined);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Header) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Stands for what Python writes for numbers that are none; no text of a sender begins so. */
const STAND_IN = '"\\u0000';
const NAN = /"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)\b/g;

/** The same text as JSON in the strict sense. */
export function withoutNan(text: string): string {
  return text.replace(NAN, (found) => (found.startsWith('"') ? found : `${STAND_IN}${found}"`));
}

/** Undoes `withoutNan`. */
export function withNan(text: string): string {
  return text.replace(/"\\u0000(-?(?:NaN|Infinity))"/g, '$1');
}

/** A frame number; undefined for what cannot be one. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
