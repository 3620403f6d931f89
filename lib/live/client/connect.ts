/** Finding a server of a tag and shaking hands with it (spec live.md, "Hand-shake"). */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { IpcError, PosixQueue, PosixSharedMemory } from 'posix-ipc-shim';
import { requireAddon } from '../../ipc/kernel-limits.ts';
import {
  discoveryName,
  indexOf,
  type Layout,
  LOOPBACK,
  layoutOf,
  MAX_CLIENTS,
  MESSAGE_BYTES,
  queueName,
  returnQueueOf,
  segmentName,
  TRANSITION_BUFFERS,
} from '../protocol.ts';

/** Everything that one connection has open. */
export interface Connection {
  socket: Socket;
  number: number;
  layout: Layout;
  /** The connection message: replies differ in their index only. */
  hello: Buffer;
  /** Mapped read-only. */
  memory: PosixSharedMemory;
  events: PosixQueue;
  returns: PosixQueue;
}

export interface ConnectOptions {
  tag: string;
  /** Seconds; Infinity waits as long as it takes. */
  wait: number;
  stop: AbortSignal;
}

const RETRY_MS = 100;
const TOKEN_MS = 1000;
const LOOK_MS = 10;
const HELLO_MS = 5000;

/** @returns the connection, or in a sentence why there is none; undefined when stopped. @throws DaqError `no-native-addon` */
export async function connectLive({ tag, wait, stop }: ConnectOptions): Promise<Connection | string | undefined> {
  requireAddon();
  const until = performance.now() + wait * 1000;
  let why = 'there is no server';
  for (;;) {
    if (stop.aborted) return undefined;
    const answer = await attempt(tag, stop);
    if (typeof answer !== 'string') return answer;
    why = answer;
    if (performance.now() >= until) return why;
    await sleep(RETRY_MS);
  }
}

/** One try, or why it did not work. */
async function attempt(tag: string, stop: AbortSignal): Promise<Connection | string> {
  let socket: Socket | undefined;
  const open: { close(): void }[] = [];
  const keep = <T extends { close(): void }>(object: T): T => {
    open.push(object);
    return object;
  };
  try {
    const port = await portFrom(tag, stop);
    if (port === undefined) return 'no server tells its port';
    socket = connect(port, LOOPBACK);
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const hello = await firstMessage(socket);
    if (hello === undefined) throw new Refused('the server closed the connection: all its clients are taken');
    const number = indexOf(hello);
    const layout = layoutOf(hello);
    if (layout.events < 1 || number < 0 || number > 2 * MAX_CLIENTS || layout.bufferBytes < 24) {
      throw new Refused('what answers is no monitor server');
    }
    const size = (layout.events + TRANSITION_BUFFERS) * layout.bufferBytes;
    const memory = keep(PosixSharedMemory.open(segmentName(tag), { readOnly: true, size }));
    const events = keep(PosixQueue.open(queueName(tag, number), { access: 'read' }));
    const returns = keep(PosixQueue.open(queueName(tag, returnQueueOf(number, layout)), { access: 'write' }));
    return { socket, number, layout, hello, memory, events, returns };
  } catch (error) {
    socket?.destroy();
    for (const object of open) object.close();
    if (isExpected(error)) return (error as Error).message;
    throw error;
  }
}

class Refused extends Error {}

/** A server that comes or goes meanwhile, or whose objects are not ours to open. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof Refused || error instanceof IpcError || (error as NodeJS.ErrnoException).syscall !== undefined
  );
}

/** Takes the message with the port; the server puts the next one there. */
async function portFrom(tag: string, stop: AbortSignal): Promise<number | undefined> {
  const queue = PosixQueue.open(discoveryName(tag), { access: 'read' });
  try {
    const message = Buffer.alloc(queue.messageSize);
    for (let waited = 0; waited < TOKEN_MS && !stop.aborted; waited += LOOK_MS) {
      if (queue.tryReceive(message) === MESSAGE_BYTES) return indexOf(message) & 0xffff;
      await sleep(LOOK_MS);
    }
    return undefined;
  } finally {
    queue.close();
  }
}

/** The first 16 bytes; what follows stays in the socket. */
async function firstMessage(socket: Socket): Promise<Buffer | undefined> {
  const limit = AbortSignal.timeout(HELLO_MS);
  for (;;) {
    const message = socket.read(MESSAGE_BYTES) as Buffer | null;
    if (message?.length === MESSAGE_BYTES) return message;
    if (message !== null || socket.readableEnded || socket.destroyed) return undefined;
    try {
      await Promise.race([
        once(socket, 'readable', { signal: limit }),
        once(socket, 'end', { signal: limit }),
        once(socket, 'close', { signal: limit }),
      ]);
    } catch {
      return undefined;
    }
  }
}
