/** `shm:TAG?every&depth=64&wait=5&reconnect` as values (docs/streams.md). */

import { UsageError } from '../../errors.ts';
import { checkTag } from '../protocol.ts';

export interface LiveAddress {
  /** As the user wrote it. */
  url: string;
  tag: string;
  /** Events that are kept while the reader is busy; 1: only the latest. */
  depth: number;
  /** Seconds to wait for a server at the start. */
  wait: number;
  /** Go on with the next server of this tag when one ends. */
  reconnect: boolean;
}

const PARAMETERS = ['every', 'depth', 'wait', 'reconnect'];
const DEFAULT_DEPTH = 64;
const MAX_DEPTH = 1_000_000;
const DEFAULT_WAIT = 10;

/** @throws UsageError that says what cannot be understood */
export function parseLiveUrl(url: string): LiveAddress {
  const [path = '', query = ''] = splitOnce(url.slice('shm:'.length), '?');
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (PARAMETERS.includes(name)) continue;
    throw new UsageError(`there is no parameter "${name}"; known are ${PARAMETERS.join(', ')}`, {
      place: { file: url },
    });
  }
  const every = parameters.has('every') || parameters.has('depth');
  return {
    url,
    tag: checkTag(path),
    depth: every ? numberOf(url, parameters, 'depth', DEFAULT_DEPTH, 1, MAX_DEPTH) : 1,
    wait: numberOf(url, parameters, 'wait', DEFAULT_WAIT, 0, Number.MAX_SAFE_INTEGER),
    reconnect: parameters.has('reconnect'),
  };
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function numberOf(
  url: string,
  from: URLSearchParams,
  name: string,
  initial: number,
  least: number,
  most: number,
): number {
  const text = from.get(name);
  if (text === null) return initial;
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (name === 'wait' || Number.isInteger(value)))
    return value;
  throw new UsageError(`${name}=${text} is no number from ${least} to ${most}`, { place: { file: url } });
}
