/** The one process that owns the processes of a file, for as long as one of them is wanted (docs/supervise.md). */

import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename } from 'node:path';
import { effectiveUid } from '../../cli/runtime-folder.ts';
import { DaqError } from '../../errors.ts';
import { type Reply, type Request, serveControl } from './control.ts';
import type { Crew } from './crew.ts';

/** A start is answered so long after the last limit for readiness even if something is still on its way. */
const SETTLE_MS = 2000;

export class Keeper {
  readonly #crew: Crew;
  readonly #path: string;
  #server: Server | undefined;
  /** Held for as long as the keeper lives. */
  #lock: Server | undefined;
  #over: (() => void) | undefined;
  /** Resolves when the keeper has been asked to end. */
  readonly ended: Promise<void>;

  constructor(crew: Crew, path: string) {
    this.#crew = crew;
    this.#path = path;
    this.ended = new Promise((resolve) => {
      this.#over = resolve;
    });
  }

  /** @throws DaqError `already-served` if another keeper lives */
  async listen(): Promise<void> {
    this.#lock = await lock(this.#path);
    rmSync(this.#path, { force: true });
    this.#server = await serveControl(this.#path, (request) => this.#answer(request));
  }

  async #answer(request: Request): Promise<Reply> {
    const crew = this.#crew;
    if (request.do === 'shutdown') {
      crew.stop();
      await crew.stopped();
      setImmediate(() => this.#over?.());
    } else if (request.do !== 'status') {
      const ids = request.ids.length === 0 ? crew.ids : request.ids;
      const unknown = ids.filter((id) => !crew.ids.includes(id));
      if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${crew.ids.join(', ')}`);
      if (request.do !== 'start') {
        crew.stop(ids);
        await crew.stopped(ids);
      }
      if (request.do !== 'stop') {
        crew.start(ids);
        await crew.settled(ids, crew.readyMs + SETTLE_MS);
      }
    }
    return { pid: process.pid, entries: crew.view() };
  }

  /** Works any number of times. */
  close(): void {
    this.#server?.close();
    this.#lock?.close();
    if (this.#server) rmSync(this.#path, { force: true });
    this.#server = undefined;
  }
}

/**
 * A socket without a file: only one process can have the name, and it is free again however that process ends. So two keepers that are
 * started at once cannot both believe that the other one's socket is a dead one's.
 */
function lock(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new DaqError('already-served', 'this file is being run already; see daq-run status')
          : error,
      ),
    );
    server.listen(`\0daqpipe-${effectiveUid()}-${basename(path)}`, () => resolve(server));
  });
}
