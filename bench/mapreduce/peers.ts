/**
 * Detectors and a bare receiver, in processes of their own: the sender of all lines of bench/mapreduce.ts, and what the same messages cost
 * without anything in between. Run as a child: `peers.ts send STREAMS` or `peers.ts pull URL`.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pull, Push } from 'zeromq';

export interface Series {
  /** Places of the sockets: the same frames go to each. */
  readonly to: readonly number[];
  readonly bytes: number;
  /** Data frames, besides start and end. */
  readonly frames: number;
  /** Frames per second; 0: as fast as they are taken. */
  readonly rate: number;
  /** First byte of each frame: what the payload does with it. */
  readonly mode: number;
}

const HIGH_WATER = 200;

async function send(streams: number): Promise<void> {
  const sockets: Push[] = [];
  for (let i = 0; i < streams; i++) {
    const socket = new Push({ linger: 0, sendHighWaterMark: HIGH_WATER });
    await socket.bind('tcp://127.0.0.1:*');
    sockets.push(socket);
  }
  process.send!(sockets.map(({ lastEndpoint }) => lastEndpoint));
  process.on('message', async ({ to, ...series }: Series) => {
    await Promise.all(to.map((place) => sendSeries(sockets[place]!, series)));
    process.send!('sent');
  });
}

/** STINS (spec mapreduce.md 7); bytes 8 to 15 of a frame say when it was sent, in nanoseconds of the monotonic clock. */
async function sendSeries(socket: Push, { bytes, frames, rate, mode }: Omit<Series, 'to'>): Promise<void> {
  await socket.send('{"htype":"header","msg_number":0,"filename":""}');
  const begin = performance.now();
  let blob = Buffer.alloc(bytes, 7);
  for (let frame = 0; frame < frames; frame++) {
    const head = `{"htype":"image","msg_number":${frame + 1},"frame":${frame},"shape":[${bytes}],"type":"uint8","compression":"none"}`;
    if (rate > 0) {
      await sleep(Math.max(0, begin + (1000 * frame) / rate - performance.now()));
      blob = Buffer.alloc(bytes, 7);
    }
    blob[0] = mode;
    if (rate > 0) blob.writeBigUInt64LE(process.hrtime.bigint(), 8);
    await socket.send([head, blob]);
  }
  await socket.send(`{"htype":"series_end","msg_number":${frames + 1}}`);
}

export interface Order {
  readonly messages: number;
  /** Look when each frame was sent. */
  readonly stamped: boolean;
}

/** After every order says how late the frames were, in nanoseconds. */
async function pull(url: string): Promise<void> {
  const socket = new Pull({ linger: 0, receiveHighWaterMark: HIGH_WATER });
  socket.connect(url);
  let order: Order = { messages: 0, stamped: false };
  let left = 0;
  let late: number[] = [];
  process.on('message', (next: Order) => {
    order = next;
    left = next.messages;
    late = [];
  });
  process.send!('ready');
  for (;;) {
    const [, blob] = await socket.receive();
    if (order.stamped && blob) late.push(Number(process.hrtime.bigint() - blob.readBigUInt64LE(8)));
    if (--left === 0) process.send!(late);
  }
}

export interface Peer {
  readonly process: ChildProcess;
  /** What it says next. */
  next(): Promise<unknown>;
}

export function peer(...words: readonly string[]): Peer {
  const child = fork(fileURLToPath(import.meta.url), words, { execArgv: ['--import', 'tsx'] });
  process.once('exit', () => child.kill('SIGKILL'));
  return { process: child, next: () => new Promise((resolve) => child.once('message', resolve)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'send') await send(Number(process.argv[3]));
  if (process.argv[2] === 'pull') await pull(process.argv[3]!);
}
