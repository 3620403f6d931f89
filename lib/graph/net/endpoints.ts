/** Where the processes of a cluster meet (docs/graph.md, separate processes). */

import { join } from 'node:path';
import type { Socket } from 'zeromq';
import { runtimeFolder } from '../../cli/runtime-folder.ts';
import { parseZmqUrl } from '../../stream/zmq/address.ts';
import { attach } from '../../stream/zmq/binding.ts';

/** `zmq:tcp://...` is `zmq+tcp://...`. */
function fullUrl(url: string): string {
  return url.replace(/^zmq:(?=tcp:|ipc:)/, 'zmq+');
}

/**
 * Where the manager of a partition listens unless it is told otherwise: in the private folder of this user.
 * @throws DaqError `ipc-refused` if there is no such folder
 */
export function managerEndpoint(partition: number): string {
  return `zmq+ipc://${join(runtimeFolder(), `graph-p${partition}.sock`)}`;
}

/** Where a collector listens unless it is told otherwise: beside the manager's socket, or on a free port of this machine. */
export function collectorEndpoint(manager: string, name: string): string {
  const { path } = parseZmqUrl(fullUrl(manager), 'source');
  return path === undefined ? 'zmq+tcp://127.0.0.1:0' : `zmq+ipc://${path.replace(/\.sock$/, '')}-${name}.sock`;
}

/**
 * Binds a socket.
 * @returns the URL others connect to, and a function that removes the socket file
 * @throws UsageError, DaqError `already-served`
 */
export async function bind(socket: Socket, url: string): Promise<{ url: string; remove: () => void }> {
  const address = parseZmqUrl(fullUrl(url), 'sink');
  const remove = await attach(socket, address);
  return { url: address.path === undefined ? `zmq+${socket.lastEndpoint}` : fullUrl(url), remove };
}

/** What a socket connects to. @throws UsageError */
export function connectable(url: string): string {
  return parseZmqUrl(fullUrl(url), 'source').endpoint;
}
