/**
 * The ingester alone: frames of a PUSH sender to one DEALER worker, against the same messages straight from sender to receiver, in turns.
 * Sender and receivers are processes of their own; the ingester is this one.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Dealer, Pull, Push } from 'zeromq';
import { Ingester } from '../lib/mapreduce/ingest/ingester.ts';
import { WorkerRouter } from '../lib/mapreduce/ingest/router.ts';
import { openSource } from '../lib/mapreduce/source/open.ts';
import { pingParts } from '../lib/mapreduce/transport/ping.ts';
import { compare } from './harness.ts';

const SEND = { linger: 0, sendHighWaterMark: 100 };
const RECEIVE = { linger: 0, receiveHighWaterMark: 100 };
const CASES = [
  { name: 'map-ingest/frames/64B', size: 64, count: 40_000, goal: 4 },
  { name: 'map-ingest/frames/2MB', size: 2 << 20, count: 500, goal: 2.2 },
];

const role = process.argv[2];
if (role === 'send') await send();
else if (role === 'pull' || role === 'deal') await receive(role);
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
  if (socket instanceof Dealer) await socket.send(pingParts('01010101-0101-4101-8101-010101010101', true));
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

function child(...args: string[]): ChildProcess {
  return fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] });
}

function answer(process: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => process.once('message', resolve));
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
    router.begin('00000000-0000-4000-8000-000000000000');
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
  for (const process of [sender, pull, deal]) process.kill();
}
