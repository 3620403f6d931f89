/** The real shmem-serve with real clients: starts, looks, ends. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PosixQueue } from 'posix-ipc-shim';
import { discoveryName, indexOf, type Layout, layoutOf, queueName, returnQueueOf } from '../../lib/live/protocol.ts';
import { DgramReader } from '../../lib/stream/dgram-reader.ts';
import { openBytes } from '../../lib/stream/source.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { executable } from '../executable.ts';
import { SHARED } from '../golden.ts';
import { eventDgram, transitionDgram } from '../stream/sample-run.ts';

type Test = { teardown(undo: () => unknown): void };

let made = 0;
/** A tag that no other test has. */
export const newTag = () => `test${process.pid}x${made++}`;

export function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'live-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Configure to Enable, events, Disable to EndRun; events differ in every byte of their trace. */
export function liveRun(events: number, traceLength = 100, from = 0): Buffer[] {
  return [
    transitionDgram(SERVICE.Configure, 0),
    transitionDgram(SERVICE.BeginRun, 1),
    transitionDgram(SERVICE.BeginStep, 1),
    transitionDgram(SERVICE.Enable, 1),
    ...Array.from({ length: events }, (_, i) => eventDgram(from + i, traceLength + (i % 7))),
    transitionDgram(SERVICE.Disable, 4),
    transitionDgram(SERVICE.EndStep, 4),
    transitionDgram(SERVICE.EndRun, 4),
  ];
}

export function fileOf(t: Test, dgrams: readonly Buffer[]): string {
  const file = join(scratch(t), 'run.xtc2');
  writeFileSync(file, Buffer.concat(dgrams));
  return file;
}

export interface Process {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  write(bytes: Buffer): void;
  endInput(): void;
  /** Standard error so far. */
  words(): string;
  /** Waits until standard error, or standard output, says something. */
  says(wanted: RegExp, of?: 'words' | 'lines'): Promise<void>;
  lines(): string;
  done: Promise<{ status: number | null; stdout: Buffer; words: string }>;
}

export function start(t: Test, command: string, args: readonly string[], env: Record<string, string> = {}): Process {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const out: Buffer[] = [];
  let words = '';
  child.stdin.on('error', () => {});
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  let over = false;
  const done = new Promise<{ status: number | null; stdout: Buffer; words: string }>((resolve) => {
    child.on('close', (status) => {
      over = true;
      resolve({ status, stdout: Buffer.concat(out), words });
    });
  });
  t.teardown(async () => {
    if (!over) child.kill('SIGTERM');
    await Promise.race([done, sleep(3000)]);
    if (!over) child.kill('SIGKILL');
    await done;
  });
  const lines = () => Buffer.concat(out).toString();
  return {
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    write: (bytes) => void child.stdin.write(bytes),
    endInput: () => void child.stdin.end(),
    words: () => words,
    lines,
    says: async (wanted, of = 'words') => {
      while (!wanted.test(of === 'words' ? words : lines())) {
        if (over) throw new Error(`ended without saying ${wanted}: ${words}`);
        await sleep(5);
      }
    },
    done,
  };
}

/** A server that is ready for clients. */
export async function serve(t: Test, tag: string, args: readonly string[]): Promise<Process> {
  const server = start(t, executable('shmem-serve'), [tag, ...args]);
  await server.says(/port \d+/);
  return server;
}

export const UPSTREAM_CLIENT = join(SHARED, 'conformance', 'upstream_shm_client.py');

/** The client of the existing system. */
export const upstream = (t: Test, tag: string, ...args: string[]): Process =>
  start(t, 'python3', [UPSTREAM_CLIENT, ...args, tag]);

export interface Row {
  event: string;
  service?: string;
  crc?: string;
  problems?: number;
  [name: string]: unknown;
}

/** What that client printed. */
export const rowsOf = (bytes: Buffer): Row[] =>
  bytes
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);

/** Every dgram of a stream, as bytes. */
export async function dgramsIn(t: Test, bytes: Buffer): Promise<Buffer[]> {
  const file = join(scratch(t), 'got.xtc2');
  writeFileSync(file, bytes);
  const reader = new DgramReader(await openBytes(file));
  const found: Buffer[] = [];
  do {
    while (reader.next()) found.push(Buffer.from(reader.dgram.slice()));
  } while (await reader.fill());
  if (reader.findings.length > 0) throw new Error(`damaged: ${JSON.stringify(reader.findings)}`);
  return found;
}

/** Segments and queues of a tag that are still there. */
export function objectsOf(tag: string): string[] {
  const queues = [discoveryName(tag), ...[0, 1, 2, 3].map((i) => queueName(tag, i))].filter((name) => {
    try {
      PosixQueue.open(name, { access: 'read' }).close();
      return true;
    } catch {
      return false;
    }
  });
  return [...readdirSync('/dev/shm').filter((name) => name.endsWith(`_${tag}`)), ...queues];
}

/** A client that does only what a test says. */
export interface RawClient {
  socket: Socket;
  /** Transitions that were announced. */
  transitions: number[];
  layout: Layout;
  hello: Buffer;
  number: number;
  closed: Promise<void>;
  answer(index: number): void;
  queue(): PosixQueue;
  returns(): PosixQueue;
  close(): void;
}

/** Takes the port, connects, reads the first message. Undefined: rejected. */
export async function rawClient(t: Test, tag: string): Promise<RawClient | undefined> {
  const message = Buffer.alloc(16);
  let port = 0;
  while (port === 0) {
    const discovery = PosixQueue.open(discoveryName(tag), { access: 'read' });
    try {
      if (discovery.tryReceive(message) > 0) port = indexOf(message);
    } finally {
      discovery.close();
    }
    if (port === 0) await sleep(5);
  }
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const transitions: number[] = [];
  let bytes = Buffer.alloc(0);
  const hello = await new Promise<Buffer | undefined>((resolve) => {
    void closed.then(() => resolve(undefined));
    socket.on('data', (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      if (bytes.length >= 16) resolve(bytes.subarray(0, 16));
      transitions.length = 0;
      for (let at = 16; at + 16 <= bytes.length; at += 16) transitions.push(indexOf(bytes, at));
    });
  });
  if (hello === undefined) return undefined;
  const layout = layoutOf(hello);
  const number = indexOf(hello);
  const opened: PosixQueue[] = [];
  const open = (queue: number, access: 'read' | 'write') => {
    const made = PosixQueue.open(queueName(tag, queue), { access });
    opened.push(made);
    t.teardown(() => made.close());
    return made;
  };
  return {
    socket,
    transitions,
    layout,
    hello,
    number,
    closed,
    answer: (index) => {
      const reply = Buffer.from(hello);
      reply.writeInt32LE(index, 0);
      socket.write(reply);
    },
    queue: () => open(number, 'read'),
    returns: () => open(returnQueueOf(number, layout), 'write'),
    close: () => {
      socket.destroy();
      for (const queue of opened) queue.close();
    },
  };
}

/** Waits for a condition. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
