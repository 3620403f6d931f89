/** The JSON of a message's first part. */

export type Header = Readonly<Record<string, unknown>>;

/** The object of a part; undefined for what is none. */
export function headerOf(part: Buffer | undefined): Header | undefined {
  if (part === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(part.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Header) : undefined;
  } catch {
    return undefined;
  }
}

/** A frame number; undefined for what cannot be one. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
