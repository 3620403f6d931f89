/** The common log of all services (spec mapreduce.md 5.1: dranspose_logs). */

import type { Registry } from '../redis/registry.ts';

const LEVELS: Readonly<Record<string, number>> = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 };
const BLOCK_MS = 1000;

type RawEntry = readonly [id: string, fields: readonly string[]];
type LogRecord = Readonly<Record<string, string>>;

function recordOf([, fields]: RawEntry): LogRecord {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
  return Object.fromEntries(pairs);
}

/** Records that are kept, oldest first, from a level on; INFO unless one is named. */
export async function recentLogs({ redis, keys }: Registry, level: string | null): Promise<readonly LogRecord[]> {
  const least = LEVELS[(level ?? 'INFO').toUpperCase()] ?? 0;
  const records = (await redis.xrange(keys.logs, '-', '+')).map(recordOf);
  return records.filter(({ levelname }) => (LEVELS[levelname ?? ''] ?? 0) >= least);
}

/** Records as they come, until `gone` aborts. */
export async function* logLines(registry: Registry, gone: AbortSignal): AsyncGenerator<LogRecord> {
  const redis = await registry.connection();
  gone.addEventListener('abort', () => redis.disconnect(), { once: true });
  let last = '$';
  try {
    while (!gone.aborted) {
      const answer = await redis.xread('BLOCK', BLOCK_MS, 'STREAMS', registry.keys.logs, last);
      const entries = (answer?.[0]?.[1] ?? []) as RawEntry[];
      if (entries.length > 0) last = entries.at(-1)![0];
      yield* entries.map(recordOf);
    }
  } catch (error) {
    if (!gone.aborted) throw error;
  } finally {
    redis.disconnect();
  }
}
