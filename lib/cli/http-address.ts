/** Where our small HTTP servers listen. */

import { UsageError } from '../errors.ts';

const LOOPBACK = '127.0.0.1';

/**
 * `[HOST:]PORT`, IPv6 hosts in brackets; the host is the loopback unless one is given.
 * @param option named in the message
 * @throws UsageError
 */
export function parseAddress(text: string, option: string): { host: string; port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]/]+):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535) throw new UsageError(`${option}: "${text}" is not [HOST:]PORT`);
  return { host: parts[1] ?? parts[2] ?? LOOPBACK, port };
}

/** `http://127.0.0.1:9100`. */
export function httpOrigin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
