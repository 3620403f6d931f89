/**
 * The ingester alone: frames of a PUSH sender to one DEALER worker, against the same messages straight from sender to receiver, in turns.
 * Sender and receivers are processes of their own; the ingester is this one.
 *
 * `shared`: the worker takes frames of 2 MB from shared memory and copies each to a buffer of its own, as receiving from a socket does.
 * `shared/leg`: frames that the ingester has already, so without the socket of the source; beside it a bare copy in memory.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Dealer, Pull, Push } from 'zeromq';
import { Ingester } from '../lib/mapreduce/ingest/ingester.ts';
import { WorkerRouter } from '../lib/mapreduce/ingest/router.ts';
import { FrameReader } from '../lib/mapreduce/shared/reader.ts';
import { FrameRing } from '../lib/mapreduce/shared/ring.ts';
import { openSource } from '../lib/mapreduce/source/open.ts';
import { pingParts } from '../lib/mapreduce/transport/ping.ts';
import { readIngesterMessage } from '../lib/mapreduce/work/ingester-message.ts';
import { compare } from './harness.ts';

const SEND = { linger: 0, sendHighWaterMark: 100 };
const RECEIVE = { linger: 0, receiveHighWaterMark: 100 };
const CASES = [
  { name: 'map-ingest/frames/64B', size: 64, count: 40_000, goal: 4 },
  { name: 'map-ingest/frames/2MB', size: 2 << 20, count: 500, goal: 2.2 },
];

const say = console.error;
const LARGE = 2 << 20;
const PAGE = 4096;
const WORKER = '01010101-0101-4101-8101-010101010101';
const MAP = '00000000-0000-4000-8000-000000000000';

const role = process.argv[2];
if (role === 'send') await send();
else if (role === 'pull' || role === 'deal') await receive(role);
else if (role === 'share') await share();
else await measure();

/** Sends a series for each order, to the reference's or the candidate's receiver. */
async function send(): Promise<void> {
  const sockets = [new Push(SEND), new Push(SEND)];
  for (const socket of sockets) await socket.bind('tcp://127.0.0.1:*');
  process.send!(sockets.map((socket) => socket.lastEndpoint));
  process.on('message', async ({ to, size, count }: { to: number; size: number; count: number }) => {
    const blob = Buffer.alloc(size, 7);
    await sockets[to]!.send('{"htype":"header","msg_number":0}');
    for (let frame = 0; frame < count - 1; frame++) {
      const header = `{"htype":"image","msg_number":${frame + 1},"frame":${frame},"shape":[${size}],"type":"uint8","compression":"none"}`;
      await sockets[to]!.send([header, blob]);
    }
  });
}

/** Says `done` after every so many messages. */
async function receive(kind: 'pull' | 'deal'): Promise<void> {
  const socket = kind === 'pull' ? new Pull(RECEIVE) : new Dealer({ ...RECEIVE, routingId: 'w' });
  socket.connect(process.argv[3]!);
  if (socket instanceof Dealer) await socket.send(pingParts(WORKER, true));
  let left = 0;
  process.on('message', (count: number) => {
    left += count;
  });
  process.send!('ready');
  for await (const [head] of socket) {
    const batch = kind === 'deal' && String(head!.subarray(0, 9)) === '{"batch":';
    left -= batch ? (JSON.parse(String(head)) as { batch: object[] }).batch.length : 1;
    if (left === 0) process.send!('done');
  }
}

/** A worker that reads from shared memory; says how many events are over, and `done` as `receive` does. */
async function share(): Promise<void> {
  const [url, frames, service] = process.argv.slice(3) as [string, string, string];
  const socket = new Dealer({ ...RECEIVE, routingId: 'w' });
  socket.connect(url);
  const reader = FrameReader.open(frames, service)!;
  await socket.send(pingParts(WORKER, true, frames));
  let left = 0;
  let copies = true;
  process.on('message', ({ count, copy }: { count: number; copy: boolean }) => {
    left += count;
    copies = copy;
  });
  process.send!('ready');
  const own = Buffer.alloc(LARGE);
  let sum = 0;
  for await (const parts of socket) {
    for (const { event_number, streams } of readIngesterMessage(parts, reader)) {
      for (const place of streams.get('det')!.shared?.places ?? []) {
        const mapping = reader.map(place);
        if (copies) mapping.bytes.copy(own);
        else for (let at = 0; at < place.bytes; at += PAGE) sum += mapping.bytes[at]!;
        if (!reader.holds(place)) throw new Error(`event ${event_number} is torn`);
        mapping.close();
      }
      process.send!({ over: event_number });
      if (--left === 0) process.send!('done');
    }
  }
  process.exitCode = sum & 1;
}

function child(...args: string[]): ChildProcess {
  return fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] });
}

/** The next word that is not about single events. */
function answer(process: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const look = (word: object | string) => {
      if (typeof word === 'object' && 'over' in word) return;
      process.off('message', look);
      resolve(word);
    };
    process.on('message', look);
  });
}

async function measure(): Promise<void> {
  const sender = child('send');
  const urls = (await answer(sender)) as string[];
  const pull = child('pull', urls[0]!);
  const ingester = new Ingester({
    streams: { det: { gaps: 'mark', firstFrame: 0, queue: 256 << 20, lossy: false } },
    hold: 64 << 20,
  });
  let arrived = () => {};
  const seen = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const router = await WorkerRouter.open({
    bind: 'tcp://127.0.0.1:*',
    delivered: (message) => ingester.delivered(message),
    undeliverable: (message) => ingester.undeliverable(message),
    changed: () => arrived(),
  });
  const deal = child('deal', router.url);
  await Promise.all([answer(pull), answer(deal), seen]);
  const straight = async (size: number, count: number) => {
    const done = answer(pull);
    pull.send(count);
    sender.send({ to: 0, size, count });
    await done;
  };
  const through = async (size: number, count: number) => {
    const done = answer(deal);
    deal.send(count);
    ingester.begin({ streams: new Set(['det']) });
    router.begin(MAP);
    const events = Array.from({ length: count }, (_, event_number) => event_number);
    ingester.give(
      events.map((event_number) => ({ event_number, assignments: { det: ['w'] }, attempt: 1, origin: null })),
    );
    const source = await openSource(
      { kind: 'stins', stream: 'det', upstream: urls[1]!, numbered: true, say: console.error },
      false,
    );
    sender.send({ to: 1, size, count });
    const reading = (async () => {
      for await (const frames of source) {
        for (const frame of frames) ingester.arrive('det', frame);
        for (const message of ingester.takeMessages()) router.send(message);
      }
    })();
    await done;
    source.close();
    await reading;
  };
  for (const { name, size, count, goal } of CASES) {
    await compare({
      name,
      goal,
      clock: 'wall',
      rounds: 4,
      work: { amount: count, unit: 'frames' },
      reference: { name: 'straight', run: () => straight(size, count) },
      candidate: { name: 'through the ingester', run: () => through(size, count) },
    });
  }
  router.close();
  deal.kill();
  await measureShared({ sender, pull, url: urls[1]!, straight });
  for (const process of [sender, pull]) process.kill();
}

interface Peers {
  readonly sender: ChildProcess;
  readonly pull: ChildProcess;
  /** Of the sender. */
  readonly url: string;
  readonly straight: (size: number, count: number) => Promise<void>;
}

async function measureShared({ sender, url, straight }: Peers): Promise<void> {
  const serviceUuid = randomUUID();
  const ring = FrameRing.open({ name: `bench${process.pid}`, serviceUuid, bytes: 256 << 20, least: 256 << 10, say });
  const ingester: Ingester = new Ingester({
    streams: { det: { gaps: 'mark', firstFrame: 0, queue: 256 << 20, lossy: false } },
    hold: 64 << 20,
    store: {
      least: ring.least,
      place: (data) => ring.place(data),
      release: (data) => ring.release(data),
      reaches: (worker) => router.reaches(worker),
    },
  });
  let arrived = () => {};
  const seen = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const router: WorkerRouter = await WorkerRouter.open({
    bind: 'tcp://127.0.0.1:*',
    frames: ring.name,
    delivered: (message) => ingester.delivered(message),
    undeliverable: (message) => ingester.undeliverable(message),
    changed: () => arrived(),
  });
  const worker = child('share', router.url, ring.name, serviceUuid);
  await Promise.all([answer(worker), seen]);
  let wake = () => {};
  const flush = () => {
    for (const message of ingester.takeMessages()) router.send(message);
  };
  worker.on('message', (word: { over?: number }) => {
    if (word.over === undefined) return;
    ingester.over([[word.over, word.over]]);
    flush();
    wake();
  });
  const room = async () => {
    while (ingester.blocked)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  const begin = (count: number, copy: boolean) => {
    const done = answer(worker);
    worker.send({ count, copy });
    ingester.begin({ streams: new Set(['det']), saysOver: true });
    router.begin(MAP);
    const assignments = { det: ['w'] };
    ingester.give(
      Array.from({ length: count }, (_, event_number) => ({ event_number, assignments, attempt: 1, origin: null })),
    );
    return done;
  };
  const through = async (count: number) => {
    const done = begin(count, true);
    const source = await openSource({ kind: 'stins', stream: 'det', upstream: url, numbered: true, say }, false);
    sender.send({ to: 1, size: LARGE, count });
    const reading = (async () => {
      for await (const frames of source) {
        for (const frame of frames) ingester.arrive('det', frame);
        flush();
        await room();
      }
    })();
    await done;
    source.close();
    await reading;
  };
  const sources = Array.from({ length: 16 }, (_, i) => Buffer.alloc(LARGE, i));
  const header = Buffer.from('{"htype":"image"}');
  const leg = async (count: number, copy: boolean) => {
    const done = begin(count, copy);
    ingester.arrive('det', { typ: 'STINS', mark: 'start', frames: [header] });
    for (let frame = 0; frame < count - 1; frame++) {
      const frames = [header, sources[frame % sources.length]!];
      ingester.arrive('det', { typ: 'STINS', mark: 'data', number: frame, frames });
      flush();
      await room();
      // The socket of a source gives the event loop its turns.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
  };
  const count = 500;
  const work = { amount: count * LARGE, unit: 'B' };
  const common = {
    clock: 'wall',
    rounds: 4,
    work,
    reference: { name: 'straight', run: () => straight(LARGE, count) },
  } as const;
  const candidate = (name: string, run: () => Promise<void>) => ({ ...common, candidate: { name, run } });
  await compare({
    name: 'map-ingest/shared/2MB',
    goal: 1.2,
    ...candidate('through the ingester', () => through(count)),
  });
  await compare({
    name: 'map-ingest/shared/leg/2MB/copied',
    goal: 0.7,
    ...candidate('ingester to worker', () => leg(count, true)),
  });
  await compare({
    name: 'map-ingest/shared/leg/2MB/mapped',
    goal: 0.6,
    ...candidate('ingester to worker', () => leg(count, false)),
  });
  const own = Buffer.alloc(LARGE);
  const copy = async () => {
    for (let frame = 0; frame < count; frame++) sources[frame % sources.length]!.copy(own);
  };
  await compare({
    name: 'map-ingest/shared/one bare copy',
    goal: Number.POSITIVE_INFINITY,
    ...candidate('copy', copy),
  });
  worker.kill();
  router.close();
  ring.close();
}
