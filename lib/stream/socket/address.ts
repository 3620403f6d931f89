/** `unix:PATH`, `tcp:HOST:PORT` and their listening forms as values (docs/streams.md). No sockets here. */

import { Buffer } from 'node:buffer';
import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { MAX_SOCKET_PATH } from '../zmq/address.ts';

export interface SocketAddress {
  /** As the user wrote it. */
  url: string;
  /** Waits for somebody to connect, instead of connecting. */
  listens: boolean;
  place: { path: string } | { host: string; port: number };
}

const LOOPBACK = '127.0.0.1';

/** @throws UsageError that says what cannot be understood */
export function parseSocketUrl(url: string): SocketAddress {
  const parts = /^(unix|tcp)(-listen)?:(.*)$/.exec(url);
  if (!parts) throw wrong(url, 'write unix:PATH or tcp:HOST:PORT');
  const listens = parts[2] !== undefined;
  return { url, listens, place: parts[1] === 'unix' ? unixPlace(url, parts[3]!) : tcpPlace(url, parts[3]!, listens) };
}

function unixPlace(url: string, text: string): { path: string } {
  if (text === '') throw wrong(url, 'the path of the socket is missing');
  const path = resolve(text);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH) {
    throw wrong(url, `socket paths have at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}`);
  }
  return { path };
}

function tcpPlace(url: string, text: string, listens: boolean): { host: string; port: number } {
  const parts = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535 || (port === 0 && !listens))
    throw wrong(url, 'write HOST:PORT, or :PORT for this machine');
  return { host: parts[1] || parts[2] || LOOPBACK, port };
}

function wrong(url: string, what: string): UsageError {
  return new UsageError(what, { place: { file: url } });
}
