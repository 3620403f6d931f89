/** `zmq+ipc://PATH?...` and `zmq+tcp://[HOST]:PORT?...` as values (docs/streams.md). No sockets here. */

import { Buffer } from 'node:buffer';
import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';

export type Role = 'source' | 'sink';

export interface ZmqAddress {
  /** As the user wrote it. */
  url: string;
  transport: 'ipc' | 'tcp';
  /** As libzmq wants it: `tcp://127.0.0.1:5555`. */
  endpoint: string;
  /** Absolute path of an ipc socket. */
  path: string | undefined;
  pattern: 'push-pull' | 'pub-sub';
  binds: boolean;
  /** Anybody on this machine may connect to the ipc socket. */
  shared: boolean;
  /** Messages that may wait on our side. */
  highWaterMark: number;
  ipv6: boolean;
}

/** Messages of at most 256 KiB or one larger dgram each. A preview may burst, a stream waits instead. */
const HIGH_WATER_MARK = { 'push-pull': 8, 'pub-sub': 64 } as const;
const MAX_HIGH_WATER_MARK = 100_000;
/** sun_path has 108 bytes, the last of them NUL. */
export const MAX_SOCKET_PATH = 107;
const PARAMETERS = ['type', 'bind', 'connect', 'shared', 'hwm'];

/** @throws UsageError that says what cannot be understood */
export function parseZmqUrl(url: string, role: Role): ZmqAddress {
  const parts = /^zmq\+(ipc|tcp):\/\/([^?]*)(?:\?(.*))?$/.exec(url);
  if (!parts) throw wrong(url, 'write zmq+ipc://PATH or zmq+tcp://HOST:PORT');
  const transport = parts[1] as 'ipc' | 'tcp';
  const parameters = new URLSearchParams(parts[3] ?? '');
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name))
      throw wrong(url, `there is no parameter "${name}"; known are ${PARAMETERS.join(', ')}`);
  }
  const pattern = patternOf(url, parameters.get('type'));
  const binds = bindsOf(url, parameters, role);
  const place = transport === 'ipc' ? ipcPlace(url, parts[2]!) : tcpPlace(url, parts[2]!, binds);
  return {
    url,
    transport,
    ...place,
    pattern,
    binds,
    shared: parameters.has('shared'),
    highWaterMark: highWaterMarkOf(url, parameters.get('hwm')) ?? HIGH_WATER_MARK[pattern],
  };
}

/** Either word of a pair, so that one URL serves both ends. */
function patternOf(url: string, type: string | null): ZmqAddress['pattern'] {
  if (type === null || type === 'push' || type === 'pull') return 'push-pull';
  if (type === 'pub' || type === 'sub') return 'pub-sub';
  throw wrong(url, `type=${type} is none of push, pull, pub, sub`);
}

function bindsOf(url: string, parameters: URLSearchParams, role: Role): boolean {
  if (parameters.has('bind') && parameters.has('connect')) throw wrong(url, 'bind and connect exclude each other');
  if (parameters.has('bind')) return true;
  return role === 'sink' && !parameters.has('connect');
}

function highWaterMarkOf(url: string, text: string | null): number | undefined {
  if (text === null) return undefined;
  const messages = Number(text);
  // 0 would mean "without limit" to the library, and memory would have none either.
  if (!Number.isInteger(messages) || messages < 1 || messages > MAX_HIGH_WATER_MARK) {
    throw wrong(url, `hwm=${text} is not a number of messages from 1 to ${MAX_HIGH_WATER_MARK}`);
  }
  return messages;
}

function ipcPlace(url: string, text: string): Pick<ZmqAddress, 'endpoint' | 'path' | 'ipv6'> {
  if (text === '') throw wrong(url, 'the path of the socket is missing');
  if (text.startsWith('@')) throw wrong(url, 'abstract sockets are open to everybody; give a path');
  const path = resolve(text);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw wrong(url, `socket paths have at most ${MAX_SOCKET_PATH} bytes, this one has ${Buffer.byteLength(path)}`);
  }
  return { endpoint: `ipc://${path}`, path, ipv6: false };
}

function tcpPlace(url: string, text: string, binds: boolean): Pick<ZmqAddress, 'endpoint' | 'path' | 'ipv6'> {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port > 65_535 || (port === 0 && !binds)) throw wrong(url, 'write HOST:PORT, or :PORT for this machine');
  // libzmq binds addresses and interfaces, not names.
  const loopback = parts[1] === '' || (binds && parts[1] === 'localhost');
  const host = loopback ? '127.0.0.1' : parts[1]!;
  return { endpoint: `tcp://${host}:${port}`, path: undefined, ipv6: host.startsWith('[') };
}

function wrong(url: string, what: string): UsageError {
  return new UsageError(what, { place: { file: url } });
}
