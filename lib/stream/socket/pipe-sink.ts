/**
 * A named pipe as a sink that never makes its owner wait in the system: for readers that come late, read slowly or hang, while others
 * must be served. (`openFileSink` writes pipes from the thread pool, which is faster, but a write that waits there cannot be given up.)
 */

import { constants, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { DaqError } from '../../errors.ts';
import { openSink } from '../open.ts';
import type { StreamOptions } from '../options.ts';
import type { DgramSink } from '../sink.ts';
import { explain } from '../source.ts';
import type { Pending } from './connection.ts';
import { SocketSink } from './sink.ts';

/** How often a pipe is looked at that nobody reads. */
const LOOK_MS = 50;

/** Opens any sink; named pipes so that a write can be given up. @throws what `openSink` throws */
export async function openPatientSink(url: string, options: StreamOptions = {}): Promise<DgramSink> {
  if (!statSync(url, { throwIfNoEntry: false })?.isFIFO()) return openSink(url, options);
  const pending = waitForReader(url);
  const { lifecycle } = options;
  lifecycle?.stop.addEventListener('abort', pending.abandon, { once: true });
  const over = () => lifecycle?.stop.removeEventListener('abort', pending.abandon);
  pending.connected.then(over, over);
  return new SocketSink(url, pending);
}

function waitForReader(name: string): Pending {
  let timer: NodeJS.Timeout | undefined;
  let giveUp = () => {};
  const connected = new Promise<Socket | undefined>((resolve, reject) => {
    giveUp = () => resolve(undefined);
    const look = () => {
      try {
        const fd = openSync(name, constants.O_WRONLY | constants.O_NONBLOCK);
        resolve(new Socket({ fd, readable: false, writable: true }));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENXIO') timer = setTimeout(look, LOOK_MS);
        else
          reject(
            new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file: name }, cause: error }),
          );
      }
    };
    look();
  });
  return {
    connected,
    abandon: () => {
      clearTimeout(timer);
      giveUp();
    },
  };
}
