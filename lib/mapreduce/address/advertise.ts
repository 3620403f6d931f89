/**
 * Where others find a role, one rule for all: `--advertise` if it is given, else what is bound. Who has bound every interface tells the address by
 * which this host reaches Redis, because whoever wants to find us reaches Redis too; if that is the loopback, the first other address of this
 * host, and its name if there is none. Pure.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { UsageError } from '../../errors.ts';

/** What a host knows of itself. */
export interface Host {
  readonly name: string;
  /** Of its interfaces, without the loopback. */
  readonly addresses: readonly string[];
  /** Its end of the connection to Redis; undefined without one. */
  readonly towardsRedis: string | undefined;
}

const ENDPOINT = /^((?:tcp|http):\/\/)(.*):(\d+)$/;
const LINK_LOCAL = /^(169\.254\.|fe80:)/i;

/**
 * What others are told instead of an endpoint.
 * @param endpoint that is bound: `tcp://0.0.0.0:4321`, `http://[::]:5000`; others (`ipc://...`) stay as they are
 * @param advertise host to tell, as `advertisedHost` returns it
 */
export function advertisedUrl(endpoint: string, host: Host, advertise?: string): string {
  const [, scheme, bound, port] = ENDPOINT.exec(endpoint) ?? [];
  if (bound === undefined) return endpoint;
  return `${scheme}${bracketed(advertise ?? hostOf(plain(bound), host))}:${port}`;
}

function hostOf(bound: string, { name, addresses, towardsRedis }: Host): string {
  if (!isWildcard(bound)) return bound;
  // `::` takes IPv4 as well, which everybody speaks.
  const byFamily = [...addresses.filter((one) => isIPv4(one)), ...addresses.filter((one) => isIPv6(one))];
  const candidates = [towardsRedis, ...byFamily].filter((one) => one !== undefined).map(plain);
  const reaches = (one: string) => !isLoopback(one) && !LINK_LOCAL.test(one) && (isIPv4(one) || bound.includes(':'));
  return candidates.find(reaches) ?? name;
}

/** Whether services on other hosts are told an address at which they find themselves, though they may be there: Redis is on the network. */
export function isLost(url: string, { towardsRedis }: Host): boolean {
  const told = ENDPOINT.exec(url)?.[2];
  return told !== undefined && towardsRedis !== undefined && isLoopback(plain(told)) && !isLoopback(towardsRedis);
}

/** Value of `--advertise`: a host name or an address, without brackets. @throws UsageError */
export function advertisedHost(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const host = plain(text);
  const isName = /^[A-Za-z0-9]([\w.-]*\w)?$/.test(host);
  if ((!isName && !isIPv6(host)) || isWildcard(host))
    throw new UsageError(`--advertise: "${text}" is no host name or address that others could connect to`);
  return host;
}

/** The address at which this host itself finds what is bound to `host`. */
export function hereOf(host: string): string {
  if (!isWildcard(plain(host))) return bracketed(plain(host));
  return plain(host).includes(':') ? '[::1]' : '127.0.0.1';
}

/** Every interface of this host. */
function isWildcard(host: string): boolean {
  return host === '*' || host === '0.0.0.0' || host === '::';
}

export function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === 'localhost' || host === '::1';
}

/** IPv6 with brackets, as in URLs. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Without brackets; IPv4 that came through a socket for IPv6 as IPv4. */
export function plain(host: string): string {
  const inner = host.replace(/^\[|\]$/g, '');
  const mapped = /^::ffff:([\d.]+)$/i.exec(inner)?.[1];
  return mapped ?? inner;
}
