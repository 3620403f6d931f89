/** Streams of Redis as they are used here: one field `data` of JSON, read with plain XREAD (spec mapreduce.md 5.1). */

import type { Redis } from 'ioredis';

export interface Entry {
  readonly id: string;
  readonly data: string;
}

type RawEntry = readonly [id: string, fields: readonly string[]];

/** Entries without a field `data` have an empty one, which no reader accepts. */
export function entriesOf(raw: readonly RawEntry[]): Entry[] {
  return raw.map(([id, fields]) => {
    const at = fields.findIndex((field, i) => i % 2 === 0 && field === 'data');
    return { id, data: at < 0 ? '' : (fields[at + 1] ?? '') };
  });
}

const PAGE = 10_000;

/** All entries that are there, some at a time. */
export async function* entriesBetween(redis: Redis, key: string): AsyncGenerator<Entry> {
  for (let from = '-'; ; ) {
    const entries = entriesOf(await redis.xrange(key, from, '+', 'COUNT', PAGE));
    yield* entries;
    if (entries.length < PAGE) return;
    from = `(${entries.at(-1)!.id}`;
  }
}

export interface FollowOptions {
  /** Id after which to begin; `0` for the whole. */
  readonly from: string;
  readonly signal: AbortSignal;
  /** Entries at once; undefined: all there are. */
  readonly count?: number;
}

const BLOCK_MS = 5000;

/**
 * Batches of a stream as they come, until `signal` aborts.
 * @param redis a connection of its own: it blocks. It is closed at the end.
 */
export async function* follow(
  redis: Redis,
  key: string,
  { from, signal, count }: FollowOptions,
): AsyncGenerator<Entry[]> {
  let last = from;
  const end = () => redis.disconnect();
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!signal.aborted) {
      const answer = (await (count === undefined
        ? redis.xread('BLOCK', BLOCK_MS, 'STREAMS', key, last)
        : redis.xread('COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS', key, last))) as [string, RawEntry[]][] | null;
      const entries = entriesOf(answer?.[0]?.[1] ?? []);
      if (entries.length === 0) continue;
      last = entries.at(-1)!.id;
      yield entries;
    }
  } catch (error) {
    // The connection was closed under the blocked command, as was asked for.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', end);
    redis.disconnect();
  }
}

/** Compares ids of entries: negative if `a` is older. */
export function compareIds(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-');
  const [bMs = '0', bSeq = '0'] = b.split('-');
  return Number(aMs) - Number(bMs) || Number(aSeq) - Number(bSeq);
}

/** Milliseconds since 1970 at which Redis took the entry. */
export function timeOf(id: string): number {
  return Number(id.split('-')[0]);
}
