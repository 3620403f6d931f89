/** Whether a process is up, and what is said about one that is not. */

import type { Entry, Readiness } from '../config/types.ts';

/** What has not happened. */
function missing(ready: Readiness): string {
  if (ready.kind === 'line') return `no line of its output matches /${ready.pattern}/`;
  if (ready.kind === 'path') return `there is no ${ready.path}`;
  return `it has not been there for ${ready.seconds} s`;
}

/** Of an entry that is starting, or was not ready in time. @param seconds since its start */
export function unreadyText(
  { ready, readyWithin = 0 }: Pick<Entry, 'ready' | 'readyWithin'>,
  late: boolean,
  seconds: number,
  lastLines: readonly string[],
): string {
  const when = late ? `was not ready within ${readyWithin} s` : `is not ready after ${seconds} s`;
  const words = lastLines.length === 0 ? 'it has said nothing' : `its last words: ${lastLines.join(' | ')}`;
  return `${when}: ${missing(ready)}; ${words}`;
}
