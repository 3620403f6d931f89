/** The one process that owns the processes of a file, for as long as one of them is wanted (docs/supervise.md). */

import { rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { DaqError } from '../../errors.ts';
import { ask, type Reply, type Request, serveControl } from './control.ts';
import type { Crew } from './crew.ts';

export class Keeper {
  readonly #crew: Crew;
  readonly #path: string;
  #server: Server | undefined;
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
    if ((await ask(this.#path, { do: 'status' }).catch(() => undefined)) !== undefined)
      throw new DaqError('already-served', 'this file is being run already; see daq-run status');
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
        await crew.settled(ids);
      }
    }
    return { pid: process.pid, entries: crew.view() };
  }

  /** Works any number of times. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
    rmSync(this.#path, { force: true });
  }
}
