/** What Python payloads of both roles have in common, on this side. */

import { readDescription } from '../redis/parameters.ts';
import type { PythonChild } from './python-child.ts';
import type { PipeMessage } from './splitter.ts';
import { type Failure, type PayloadFacts, PayloadFailed } from './types.ts';

/** For hooks that write files and the like. */
export const FINISH_LIMIT_MS = 600_000;

/** @throws BadRecord if a parameter is described in a way that is not understood */
export function factsOf(
  head: PipeMessage['head'],
): PayloadFacts & { readonly batch: boolean; readonly timer: boolean } {
  const descriptions = (head.descriptions as readonly object[]).map((one) => readDescription(JSON.stringify(one)));
  return {
    descriptions,
    stateful: head.stateful === true,
    acceptMissing: head.accept_missing === true,
    batch: head.batch === true,
    timer: head.timer === true,
  };
}

/** The finish hook. @returns what it raised, or that the process died in it */
export async function finished(child: PythonChild): Promise<Failure | undefined> {
  try {
    await child.ask({ do: 'finish' }, [], FINISH_LIMIT_MS);
    return undefined;
  } catch (error) {
    if (error instanceof PayloadFailed) return error.failure;
    return { text: (error as Error).message, place: '', traceback: '' };
  }
}
