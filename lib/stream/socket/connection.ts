/** One connection of a byte stream: made by us, or by the first who comes. */

import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { DaqError, UsageError } from '../../errors.ts';
import type { StreamOptions } from '../options.ts';
import { explain } from '../source.ts';
import { clearSocketPath } from '../zmq/socket-file.ts';
import type { SocketAddress } from './address.ts';

/** Programs of a pipeline start in any order: so long the other one may take to listen. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 50;
const NOT_YET = ['ENOENT', 'ECONNREFUSED'];
/** A peer whose machine has died is noticed (tcp only). */
const KEEP_ALIVE_MS = 30_000;
const OTHERS = 0o077;

/** What a connection will be: settles with the socket, paused, or with undefined if `abandon` came first. */
export interface Pending {
  connected: Promise<Socket | undefined>;
  /** Waits no longer; works any number of times, and does nothing to a connection that is there. */
  abandon(): void;
}

/**
 * Begins to connect or to listen; for a listening address everything that can be wrong with it is found at once.
 * @throws UsageError if the folder of a socket is open to others, DaqError `already-served` or `output-failed`
 */
export async function beginConnection(address: SocketAddress, options: StreamOptions): Promise<Pending> {
  const pending = address.listens ? await listen(address, options) : connect(address);
  const { lifecycle } = options;
  lifecycle?.stop.addEventListener('abort', pending.abandon, { once: true });
  const forget = lifecycle?.onEmergency(pending.abandon);
  const over = () => {
    lifecycle?.stop.removeEventListener('abort', pending.abandon);
    forget?.();
  };
  pending.connected.then(over, over);
  // The stop may have come while we began to listen.
  if (lifecycle?.stop.aborted) pending.abandon();
  return pending;
}

function connect({ url, place }: SocketAddress): Pending {
  const until = performance.now() + PATIENCE_MS;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let wake = () => {};
  const connected = new Promise<Socket | undefined>((resolve, reject) => {
    wake = () => resolve(undefined);
    const attempt = () => {
      const socket = createConnection(place);
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (over) return;
        if (NOT_YET.includes(error.code ?? '') && performance.now() < until) timer = setTimeout(attempt, RETRY_MS);
        else reject(new DaqError('connection-failed', `cannot connect: ${explain(error)}`, { place: { file: url } }));
      });
      socket.once('connect', () => {
        if (over) return socket.destroy();
        socket.removeAllListeners('error');
        resolve(settled(socket));
      });
    };
    attempt();
  });
  return {
    connected,
    abandon: () => {
      over = true;
      clearTimeout(timer);
      wake();
    },
  };
}

async function listen(address: SocketAddress, { say }: StreamOptions): Promise<Pending> {
  const { place, url } = address;
  if ('path' in place) await preparePath(place.path, url);
  const server = createServer({ pauseOnConnect: true });
  await listening(server, address);
  const remove = 'path' in place ? () => rmSync(place.path, { force: true }) : () => {};
  if ('path' in place) chmodSync(place.path, 0o600);
  else if (place.port === 0) say?.(`${url} is tcp:${place.host}:${(server.address() as AddressInfo).port}`);
  let wake = () => {};
  const connected = new Promise<Socket | undefined>((resolve) => {
    wake = () => resolve(undefined);
    server.once('connection', (socket) => {
      server.close();
      remove();
      resolve(settled(socket));
    });
  });
  return {
    connected,
    abandon: () => {
      server.close();
      remove();
      wake();
    },
  };
}

function listening(server: Server, { place, url }: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const used = error.code === 'EADDRINUSE';
      const why = used ? 'the address is in use' : explain(error);
      const code = used ? 'already-served' : 'output-failed';
      reject(new DaqError(code, `cannot listen: ${why}`, { place: { file: url }, cause: error }));
    });
    // One writer and one reader: whoever comes second is refused.
    server.maxConnections = 1;
    server.listen(place, resolve);
  });
}

/** The folder is this user's alone, and nothing that is of use is replaced. */
async function preparePath(path: string, url: string): Promise<void> {
  const place = { file: url };
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DaqError('output-failed', `cannot make the folder of the socket: ${explain(error)}`, { place });
  }
  if ((statSync(folder).mode & OTHERS) !== 0) {
    throw new UsageError(`${folder} is open to others: take a folder of mode 0700`, { place });
  }
  await clearSocketPath(path, place);
}

function settled(socket: Socket): Socket {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
