/** A payload that cannot be used, as an error for a person. */

import { DaqError } from '../../errors.ts';
import { ChildGone } from './python-child.ts';
import { PayloadFailed } from './types.ts';

/** @throws DaqError `payload-failed` with the traceback; any other error as it is */
export function refusePayload(error: unknown): never {
  if (error instanceof ChildGone) throw new DaqError('payload-failed', error.message);
  if (!(error instanceof PayloadFailed)) throw error;
  throw new DaqError('payload-failed', `${error.message}\n${error.failure.traceback}`.trimEnd());
}
