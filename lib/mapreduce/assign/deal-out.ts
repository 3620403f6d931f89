import type { LaidEntry, LaidEvent } from './events.ts';

/** Who gets what of an event: workers by stream, sorted by code point, and entries by worker. */
export interface DealtOut {
  readonly byStream: ReadonlyMap<string, readonly string[]>;
  readonly byWorker: ReadonlyMap<string, readonly LaidEntry[]>;
}

/** @param holders of an entry */
export function dealtOut(
  { streams, entries }: Pick<LaidEvent, 'streams' | 'entries'>,
  holders: (entry: LaidEntry) => Iterable<string>,
): DealtOut {
  const byStream = new Map<string, Set<string>>(streams.map((stream) => [stream, new Set()]));
  const byWorker = new Map<string, LaidEntry[]>();
  for (const entry of entries) {
    for (const name of holders(entry)) {
      byStream.get(entry.stream)!.add(name);
      const own = byWorker.get(name) ?? [];
      byWorker.set(name, own);
      own.push(entry);
    }
  }
  const sorted = [...byStream].map(([stream, names]) => [stream, [...names].sort(byCodePoint)] as const);
  return { byStream: new Map(sorted), byWorker };
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
