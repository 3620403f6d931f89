/** Binding and connecting, and who may do so: the loopback and private directories unless the URL says otherwise. */

import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Socket } from 'zeromq';
import { DaqError, UsageError } from '../../errors.ts';
import { explain } from '../source.ts';
import type { ZmqAddress } from './address.ts';
import { clearSocketPath } from './socket-file.ts';

/** A peer whose machine has died is noticed after about a minute (seconds; tcp only). */
export const KEEP_ALIVE = { tcpKeepalive: 1, tcpKeepaliveIdle: 30, tcpKeepaliveInterval: 10, tcpKeepaliveCount: 3 };

/** Bits of group and others. */
const OTHERS = 0o077;
const PRIVATE_SOCKET = 0o600;
const SHARED_SOCKET = 0o666;

/**
 * Binds or connects a socket as its URL says.
 * @returns a function that removes the socket file, if there is one
 * @throws UsageError if the directory is open to others, DaqError `already-served` if somebody listens there already,
 *   `output-failed` if the address cannot be bound
 */
export async function attach(
  socket: Socket,
  address: ZmqAddress,
  say?: (message: string) => void,
): Promise<() => void> {
  const { path, endpoint, url } = address;
  if (!address.binds) {
    socket.connect(endpoint);
    return () => {};
  }
  if (path !== undefined) await prepare(path, address);
  try {
    await socket.bind(endpoint);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the address is in use' : explain(error);
    throw new DaqError(code === 'EADDRINUSE' ? 'already-served' : 'output-failed', `cannot bind: ${why}`, {
      place: { file: url },
      cause: error,
    });
  }
  if (path === undefined) {
    if (endpoint.endsWith(':0')) say?.(`${url} is zmq+${socket.lastEndpoint}`);
    return () => {};
  }
  chmodSync(path, address.shared ? SHARED_SOCKET : PRIVATE_SOCKET);
  return () => rmSync(path, { force: true });
}

/** Sees to it that the library, which replaces whatever has the name, replaces nothing that is of use. */
async function prepare(path: string, address: ZmqAddress): Promise<void> {
  const place = { file: address.url };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DaqError('output-failed', `cannot make the directory of the socket: ${explain(error)}`, {
      place,
      cause: error,
    });
  }
  if (!address.shared && (statSync(dirname(path)).mode & OTHERS) !== 0) {
    throw new UsageError(`${dirname(path)} is open to others: take a directory of mode 0700, or say so with ?shared`, {
      place,
    });
  }
  await clearSocketPath(path, place);
}
