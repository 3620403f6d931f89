/** Sockets of ZeroMQ at an address, and what others are told of it. */

import { hostname, networkInterfaces } from 'node:os';
import type { Redis } from 'ioredis';
import type { Socket } from 'zeromq';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { advertisedUrl, type Host, isLost } from './advertise.ts';

export interface Telling {
  /** As `advertisedHost` returns it. */
  readonly advertise?: string | undefined;
  readonly redis: Redis;
  readonly say: (message: string) => void;
}

/** What services are told of a bound endpoint; says so if those on other hosts cannot use it. */
export function toldUrl(endpoint: string, { advertise, redis, say }: Telling): string {
  const host = thisHost(redis);
  const url = advertisedUrl(endpoint, host, advertise);
  if (isLost(url, host)) say(`services on other hosts cannot reach ${url}: --bind says where to listen`);
  return url;
}

/** @param redis our connection, if there is one */
export function thisHost(redis?: Redis): Host {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return {
    name: hostname(),
    addresses: all.filter(({ internal }) => !internal).map(({ address }) => address),
    towardsRedis: redis?.stream?.localAddress,
  };
}

/**
 * Binds.
 * @param endpoint `tcp://HOST:PORT`: an address, name or interface of this host, or `*`; IPv6 in brackets; port `*` or 0 takes a free one
 * @returns the endpoint with its port
 * @throws DaqError `already-served`, `output-failed`
 */
export async function bindTo(socket: Socket, endpoint: string): Promise<string> {
  socket.ipv6 = endpoint.includes('[');
  try {
    await socket.bind(endpoint);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const used = code === 'EADDRINUSE';
    const why = used ? 'the address is in use' : (REASONS[code ?? ''] ?? explain(error));
    throw new DaqError(used ? 'already-served' : 'output-failed', `cannot bind ${endpoint}: ${why}`);
  }
  return socket.lastEndpoint ?? endpoint;
}

const REASONS: Readonly<Record<string, string>> = {
  ENODEV: 'this host has no such address, name or interface',
  EADDRNOTAVAIL: 'this host has no such address',
};

/** Connects to what another host has told. Names are looked up for IPv4. */
export function connectTo(socket: Socket, url: string): void {
  socket.ipv6 = url.includes('[');
  socket.connect(url);
}
