/**
 * The one way to fail. Every error a person may see is a `DaqError`: a stable `code` for scripts, a sentence that can be acted
 * on, and the place it happened. Commands turn codes into exit statuses in one table (lib/cli/exit-codes.ts).
 */

/** Where something went wrong; every part is optional, only what is known is given. */
export interface Place {
  /** File name, or `-` for a standard stream. */
  file?: string;
  /** Byte position in that file. */
  offset?: number;
  /** 0-based number of the dgram. */
  dgram?: number;
  /** Key path in a document, for example `expert.Lane_0.Enable`. */
  key?: string;
  /** 1-based line and column of a text. */
  line?: number;
  column?: number;
}

export interface DaqErrorOptions {
  place?: Place;
  cause?: unknown;
}

export class DaqError extends Error {
  override readonly name: string = 'DaqError';
  readonly code: string;
  readonly place: Place;

  constructor(code: string, message: string, options: DaqErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.place = options.place ?? {};
  }
}

/** The command line asks for something that makes no sense: exit status 2. */
export class UsageError extends DaqError {
  override readonly name = 'UsageError';
  constructor(message: string, options: DaqErrorOptions = {}) {
    super('usage', message, options);
  }
}

/** An input cannot be read at all (missing, a directory, no permission): exit status 2. */
export class InputError extends DaqError {
  override readonly name = 'InputError';
  constructor(message: string, options: DaqErrorOptions = {}) {
    super('unreadable-input', message, options);
  }
}

/** The content of an input is wrong: exit status 1. */
export class DataError extends DaqError {
  override readonly name = 'DataError';
}

/** `file:line:column`, `file@offset` or a key path; empty if nothing is known. */
export function formatPlace(place: Place): string {
  const parts: string[] = [];
  if (place.file !== undefined) parts.push(place.file);
  if (place.line !== undefined) parts.push(`${place.line}${place.column === undefined ? '' : `:${place.column}`}`);
  if (place.dgram !== undefined) parts.push(`dgram ${place.dgram}`);
  if (place.offset !== undefined) parts.push(`offset ${place.offset}`);
  if (place.key !== undefined) parts.push(place.key);
  return parts.join(':');
}
