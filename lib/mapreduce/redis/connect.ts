/** The connection to Redis: where it is, who may use it, and what is never printed (spec mapreduce.md 12 and 14). */

import { Redis, type RedisOptions } from 'ioredis';
import { DaqError, UsageError } from '../../errors.ts';
import { bracketed, isLoopback } from '../address/advertise.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For messages: without user and password. */
  readonly shown: string;
  readonly tls: boolean;
}

const DEFAULT_URL = 'redis://127.0.0.1:6379';
const DEFAULT_PORT = 6379;

interface Environment {
  readonly REDIS_URL?: string | undefined;
  readonly SERVICE_REDIS_DSN?: string | undefined;
  readonly REDISCLI_AUTH?: string | undefined;
}

/**
 * Where Redis is.
 * @param url value of `--redis`; undefined: the environment's, or this machine
 * @throws UsageError for what is no URL, or for another machine without a password and without `insecure`
 */
export function redisAddress(
  url: string | undefined,
  { insecure = false, env = process.env as Environment }: { insecure?: boolean; env?: Environment } = {},
): RedisAddress {
  const given = url ?? env.SERVICE_REDIS_DSN ?? env.REDIS_URL ?? DEFAULT_URL;
  const parsed = parse(given);
  const host = parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  const port = parsed.port === '' ? DEFAULT_PORT : Number(parsed.port);
  const db = /^\/(\d+)$/.exec(parsed.pathname)?.[1] ?? '0';
  const password = parsed.password === '' ? env.REDISCLI_AUTH : decodeURIComponent(parsed.password);
  const shown = `redis://${bracketed(host)}:${port}/${db}`;
  if (!isLoopback(host) && (password ?? '') === '' && !insecure) {
    throw new UsageError(
      `${shown} is another machine and no password is given; put one into REDISCLI_AUTH, or say --insecure`,
    );
  }
  return {
    ...{ host, port, db: Number(db), shown, tls: parsed.protocol === 'rediss:' },
    username: parsed.username === '' ? undefined : decodeURIComponent(parsed.username),
    password: (password ?? '') === '' ? undefined : password,
  };
}

/** What stands in the URL must not appear in a message: it may hold the password. */
function parse(url: string): URL {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    parsed = undefined;
  }
  if (parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:') return parsed;
  throw new UsageError('the address of Redis is no redis://[USER:PASSWORD@]HOST:PORT[/DB]');
}

const LONGEST_PAUSE_MS = 500;

function optionsFor({ host, port, db, username, password, tls }: RedisAddress): RedisOptions {
  return {
    ...{ host, port, db, lazyConnect: true },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    // A lost connection comes back, and commands wait for it; all of ours may be sent twice.
    maxRetriesPerRequest: null,
    connectTimeout: 5000,
    // Whoever hangs up on a connection that is closed already waits that long before the process may end; the default is 2 s.
    disconnectTimeout: 100,
  };
}

/**
 * Connects.
 * @throws DaqError `connection-failed` without user or password in its text if it cannot be reached at all, or refuses us
 */
export async function connectRedis(address: RedisAddress): Promise<Redis> {
  // The first connection must work, or tell why; only later ones are tried again.
  const redis = new Redis({ ...optionsFor(address), retryStrategy: (times) => (first ? null : pause(times)) });
  let first = true;
  let why = 'it does not answer';
  redis.on('error', (error: Error) => {
    why = error.message;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    const text = (error as Error).message;
    throw new DaqError(
      'connection-failed',
      `Redis at ${address.shown}: ${text === 'Connection is closed.' ? why : text}`,
    );
  }
  first = false;
  return redis;
}

function pause(times: number): number {
  return Math.min(20 * times, LONGEST_PAUSE_MS);
}
