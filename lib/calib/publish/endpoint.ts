/** Where constants are published, and in which format (spec calib-pub.md, section 2). */

import { join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { localCalibEndpoint } from '../../ipc/calib-endpoint.ts';
import { MAX_SOCKET_PATH } from '../../stream/zmq/address.ts';
import { FRAMES_MARK } from '../encode/npy-frames.ts';

export const FORMATS = ['npy-frames', 'pickle', 'zlib'] as const;
export type Format = (typeof FORMATS)[number];

interface EndpointBase {
  /** As people and zeromq write it: `tcp://127.0.0.1:5555`. */
  readonly text: string;
  readonly format: Format;
  /** What all messages begin with. */
  readonly mark: Buffer;
}
export type Endpoint =
  | (EndpointBase & { readonly transport: 'ipc'; readonly path: string })
  | (EndpointBase & { readonly transport: 'tcp'; readonly host: string; readonly port: number });

/** Ports of the existing system: one for each XPM and partition. */
const UPSTREAM_BASE_PORT = 32256;
const PARTITIONS_PER_XPM = 8;
const MAX_PORT = 65_535;
const LOOPBACK = '127.0.0.1';
const IPC = 'ipc://';

/** A detector, or one of its segments. */
export interface ServedName {
  readonly detector: string;
  readonly segment: number | undefined;
}

/**
 * `ENDPOINT[=FORMAT]`.
 * @throws UsageError
 */
export function parseBind(text: string, usual: Format): Endpoint {
  const equals = text.lastIndexOf('=');
  const word = FORMATS.find((format) => format === text.slice(equals + 1));
  if (equals >= 0 && word === undefined && !text.includes('/', equals)) {
    throw new UsageError(`--bind ${text}: "${text.slice(equals + 1)}" is none of ${FORMATS.join(', ')}`);
  }
  const place = word === undefined ? text : text.slice(0, equals);
  const format = word ?? usual;
  if (place.startsWith(IPC)) return ipcEndpoint(place.slice(IPC.length), format);
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^:[\]/]*):(\d{1,5})$/.exec(place);
  if (!tcp || Number(tcp[2]) > MAX_PORT) {
    throw new UsageError(`--bind ${text}: write ipc://PATH or tcp://HOST:PORT, and =FORMAT behind it if you like`);
  }
  return tcpEndpoint(tcp[1]!, Number(tcp[2]), format);
}

/** Where readers of this machine look, in a folder that only this user can enter. @throws UsageError if it is too long for a socket */
export function localEndpoint(partition: number, served: ServedName): Endpoint {
  return ipcEndpoint(localCalibEndpoint(partition, nameOf(served)).slice(IPC.length), 'npy-frames');
}

/**
 * The names on which existing workers listen: among the workers of one process, and between processes.
 * @param host address for the second
 * @throws UsageError
 */
export function upstreamEndpoints(
  { detector, segment }: ServedName,
  partition: number,
  xpm: number,
  host: string,
  format: Format,
): Endpoint[] {
  if (segment === undefined)
    throw new UsageError('--upstream-names needs a segment: -d NAME:SEGMENT, or -u NAME_SEGMENT');
  if (format === 'npy-frames') {
    throw new UsageError(
      '--upstream-names needs --format zlib (releases up to 4.1.6, April 2025) or --format pickle (later)',
    );
  }
  const path = join('/', 'tmp', `${detector}_${segment}.pipe`);
  const port = UPSTREAM_BASE_PORT + PARTITIONS_PER_XPM * xpm + partition;
  if (port > MAX_PORT) throw new UsageError(`--xpm ${xpm} gives port ${port}, which does not exist`);
  return [ipcEndpoint(path, format), tcpEndpoint(host, port, format)];
}

/** `epix_0`, or `epix` for all of its segments. */
export function nameOf({ detector, segment }: ServedName): string {
  return segment === undefined ? detector : `${detector}_${segment}`;
}

/** Whether others than this machine can reach it. */
export function isOpen(endpoint: Endpoint): boolean {
  return endpoint.transport === 'tcp' && !/^(127\.|\[?::1\]?$|localhost$)/.test(endpoint.host);
}

function ipcEndpoint(text: string, format: Format): Endpoint {
  if (text === '' || text.startsWith('@')) throw new UsageError(`ipc://${text}: give the path of a socket`);
  const path = resolve(text);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH) {
    throw new UsageError(
      `ipc://${path}: paths of sockets have at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}`,
    );
  }
  return { transport: 'ipc', path, text: `ipc://${path}`, format, mark: markOf(format) };
}

function tcpEndpoint(host: string, port: number, format: Format): Endpoint {
  const address = host === '' || host === 'localhost' ? LOOPBACK : host === '*' ? '0.0.0.0' : host;
  return {
    transport: 'tcp',
    host: address.replace(/^\[(.*)\]$/, '$1'),
    port,
    text: `tcp://${address}:${port}`,
    format,
    mark: markOf(format),
  };
}

/** What a topic can match; only "" matches a pickle. */
function markOf(format: Format): Buffer {
  return format === 'npy-frames' ? FRAMES_MARK : Buffer.alloc(0);
}
