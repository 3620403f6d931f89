/** The one table of exit statuses; man pages print it too. */

import { DaqError } from '../errors.ts';

export const EXIT = { ok: 0, no: 1, usage: 2, loss: 3, disconnected: 4, internal: 70 } as const;
export type ExitStatus = number;

/** Status and meaning, for man pages and help. */
export const EXIT_TABLE: readonly (readonly [string, string])[] = [
  ['0', 'done and clean'],
  ['1', 'the answer is "no": damage found, a rule violated, no match, a document that cannot be converted'],
  ['2', 'wrong usage, or an input that cannot be read or an output that cannot be written'],
  ['3', 'finished, but something was lost or could not be proved'],
  ['4', 'a connection was lost for good'],
  ['70', 'internal fault: please report it'],
  ['128+n', 'ended by signal n, after an orderly stop'],
];

const BY_CODE: Readonly<Record<string, ExitStatus>> = {
  usage: EXIT.usage,
  'unreadable-input': EXIT.usage,
  'output-failed': EXIT.usage,
  'connection-failed': EXIT.usage,
  'already-served': EXIT.usage,
  'reader-gone': EXIT.loss,
  'no-native-addon': EXIT.usage,
  'ipc-limit': EXIT.usage,
  'ipc-refused': EXIT.usage,
  'cross-check': EXIT.internal,
  internal: EXIT.internal,
};

/** Exit status of a failure: by code, 1 for any other DaqError, 70 for what nobody expected. */
export function exitStatusOf(error: unknown): ExitStatus {
  if (!(error instanceof DaqError)) return EXIT.internal;
  return BY_CODE[error.code] ?? EXIT.no;
}
