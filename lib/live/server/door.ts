/** Where clients come in: a listener on the loopback, and a discovery queue that always tells its port (spec live.md, "Hand-shake"). */

import { createServer, type Server, type Socket } from 'node:net';
import type { PosixQueue } from 'posix-ipc-shim';
import { DaqError } from '../../errors.ts';
import { encodeMessage, FIRST_PORT, type Layout, LOOPBACK } from '../protocol.ts';

const BACKLOG = 64;
const LAST_PORT = 65_535;

export class Door {
  readonly port: number;
  private readonly server: Server;
  private readonly discovery: PosixQueue;
  private readonly token: Buffer;
  private wasEmpty = false;

  /** Listens on the first free port. @throws DaqError `ipc-limit` if there is none */
  static async open(discovery: PosixQueue, layout: Layout, onClient: (socket: Socket) => void): Promise<Door> {
    const server = createServer();
    for (let port = FIRST_PORT; port <= LAST_PORT; port++) {
      if (await listens(server, port)) return new Door(server, port, discovery, layout, onClient);
    }
    throw new DaqError('ipc-limit', `no free port from ${FIRST_PORT} on`);
  }

  private constructor(
    server: Server,
    port: number,
    discovery: PosixQueue,
    layout: Layout,
    onClient: (socket: Socket) => void,
  ) {
    this.server = server;
    this.port = port;
    this.discovery = discovery;
    this.token = encodeMessage(port, layout);
    server.on('connection', (socket) => {
      this.advertise();
      onClient(socket);
    });
    this.advertise();
  }

  /**
   * To be called a few times a second. A client that took the port and did not connect leaves the queue empty, and with the existing server
   * nobody gets in any more.
   */
  look(): void {
    const empty = this.discovery.messages === 0;
    if (empty && this.wasEmpty) this.advertise();
    this.wasEmpty = empty;
  }

  close(): void {
    this.server.close();
  }

  private advertise(): void {
    // Full is as good: it is told already.
    if (this.discovery.messages === 0) this.discovery.trySend(this.token);
  }
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else
        reject(new DaqError('ipc-refused', `cannot listen on ${LOOPBACK}:${port}: ${error.message}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen({ port, host: LOOPBACK, backlog: BACKLOG }, () => {
      server.removeListener('error', failed);
      resolve(true);
    });
  });
}
