/** How commands talk to the keeper of a file: lines of JSON over a unix socket in the run-time folder. */

import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { runtimeFolder } from '../../cli/runtime-folder.ts';
import { DaqError } from '../../errors.ts';
import type { EntryView } from '../view.ts';

export type Request =
  | { readonly do: 'status' }
  | { readonly do: 'start' | 'stop' | 'restart'; readonly ids: readonly string[] }
  | { readonly do: 'shutdown' };

export interface Reply {
  readonly pid: number;
  readonly entries: readonly EntryView[];
  /** Why the request was refused. */
  readonly error?: string;
}

const LONGEST_REQUEST = 1 << 20;

/** Socket of the keeper of a file and platform. */
export function controlPath(file: string, platform: number | undefined): string {
  // The file may have been removed since; then its folder has not.
  const path = join(realpathSync(dirname(resolve(file))), basename(file));
  const digest = createHash('sha256')
    .update(`${path} ${platform ?? ''}`)
    .digest('hex')
    .slice(0, 12);
  return join(runtimeFolder(), `run-${basename(path).slice(0, 24)}-${digest}.sock`);
}

/** Serves requests, one line each. The socket's folder is private; nobody else can connect. */
export function serveControl(path: string, answer: (request: Request) => Promise<Reply>): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const lines = createInterface({ input: socket });
    let size = 0;
    socket.on('data', (bytes) => {
      size += bytes.length;
      if (size > LONGEST_REQUEST) socket.destroy();
    });
    lines.on('line', (line) => {
      size = 0;
      respond(socket, line, answer);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

function respond(socket: Socket, line: string, answer: (request: Request) => Promise<Reply>): void {
  let request: Request;
  try {
    request = JSON.parse(line) as Request;
  } catch {
    socket.end(`${JSON.stringify({ pid: process.pid, entries: [], error: 'this is no JSON' })}\n`);
    return;
  }
  answer(request).then(
    (reply) => socket.writable && socket.write(`${JSON.stringify(reply)}\n`),
    (error: Error) =>
      socket.writable && socket.write(`${JSON.stringify({ pid: process.pid, entries: [], error: error.message })}\n`),
  );
}

/**
 * Asks the keeper.
 * @returns undefined if there is none
 * @throws DataError `keeper` if it refuses or goes away in between
 */
export function ask(path: string, request: Request): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const gone = (why: string) => reject(new DaqError('keeper', `the keeper of this file ${why}`));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else gone(`cannot be asked: ${error.message}`);
    });
    socket.once('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    const lines = createInterface({ input: socket });
    // An error of the socket is told to the reader of lines as well.
    lines.on('error', () => {});
    lines.once('line', (line) => {
      socket.destroy();
      const reply = JSON.parse(line) as Reply;
      if (reply.error === undefined) resolve(reply);
      else gone(`says: ${reply.error}`);
    });
    socket.once('close', () => gone('went away'));
  });
}
