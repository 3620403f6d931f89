/** A payload that cannot be used, as an error for a person. */

import { DaqError } from '../../errors.ts';
import { ChildGone } from './python-child.ts';
import { PayloadFailed } from './types.ts';

/** @throws DaqError `payload-failed`, its last line says what is wrong, as in a traceback; any other error as it is */
export function refusePayload(error: unknown): never {
  if (error instanceof ChildGone) throw new DaqError('payload-failed', error.message);
  if (!(error instanceof PayloadFailed)) throw error;
  const { traceback } = error.failure;
  throw new DaqError(
    'payload-failed',
    `${traceback}${traceback === '' || traceback.endsWith('\n') ? '' : '\n'}${error.message}`,
  );
}
