/**
 * What the live server costs: events into shared memory and to clients, against a plain copy into shared memory; the same with clients that do
 * nothing; how old events are when a client has them. Run: npm run bench shmem-serve
 */

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PosixQueue, PosixSharedMemory } from 'posix-ipc-shim';
import { Pacer } from '../lib/live/server/pacer.ts';
import { LiveServer } from '../lib/live/server/server.ts';
import { SERVICE } from '../lib/xtc/service.ts';
import { executable } from '../test/executable.ts';
import { eventDgram, transitionDgram } from '../test/stream/sample-run.ts';
import { compare } from './harness.ts';

const BUFFERS = 9;
const BUFFER_BYTES = 2 * 1024 * 1024;
const BEGIN = [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable];
const AGE_RATE = 1000;
const AGE_EVENTS = 3000;

const open = (tag: string, clients: number) =>
  LiveServer.open(
    {
      tag: `${tag}${process.pid}`,
      buffers: BUFFERS,
      bufferBytes: BUFFER_BYTES,
      clients,
      order: 'distributed',
      mode: 0o600,
      patience: 1e9,
    },
    () => {},
  );

/** A server in the middle of a run, with clients that connect and do nothing more. */
async function withStuck(count: number): Promise<LiveServer> {
  const server = await open(`stuck${count}x`, count);
  for (const service of BEGIN) server.take(transitionDgram(service, 1), service, 0);
  for (let i = 0; i < count; i++) connect(server.port, '127.0.0.1').on('error', () => {});
  while (server.core.clients.length < count) await sleep(5);
  return server;
}

const memory = PosixSharedMemory.create(`/daqpipe-bench-${process.pid}`, { size: BUFFERS * BUFFER_BYTES });
PosixSharedMemory.unlink(`/daqpipe-bench-${process.pid}`);
// A small event costs its messages: one that takes the oldest back and one that gives the new one.
const queue = PosixQueue.create(`/daqpipe-bench-${process.pid}`, { maxMessages: 2, messageSize: 16 });
PosixQueue.unlink(`/daqpipe-bench-${process.pid}`);
const message = Buffer.alloc(16);
queue.trySend(message);

for (const [bytes, count, messages, goal] of [
  [1000, 100_000, true, 3],
  [100_000, 20_000, false, 3],
  [1_000_000, 2_000, false, 1.3],
] as const) {
  const dgram = eventDgram(1, bytes / 2);
  const servers = { '1 stuck client': await withStuck(1), '8 stuck clients': await withStuck(8) };
  for (const [name, server] of Object.entries(servers)) {
    await compare({
      name: `${dgram.length} bytes, ${name}`,
      reference: {
        name: messages ? 'copy and two messages' : 'plain copy',
        run: () => {
          for (let i = 0; i < count; i++) {
            dgram.copy(memory.bytes, (i % BUFFERS) * BUFFER_BYTES);
            if (!messages) continue;
            queue.tryReceive(message);
            queue.trySend(message);
          }
        },
      },
      candidate: {
        name: 'live server',
        run: () => {
          for (let i = 0; i < count; i++) server.take(dgram, SERVICE.L1Accept, 1);
        },
      },
      goal,
      rounds: 3,
      clock: 'wall',
      work: { amount: count, unit: 'events' },
    });
    server.close();
  }
}

const server = await open('age', 1);
const reader = spawn(executable('dgram-cat'), ['--format', 'xtc2', `shm:age${process.pid}?every`], {
  stdio: ['ignore', 'ignore', 'ignore'],
});
while (server.core.clients.length === 0) await sleep(5);
for (const service of BEGIN) server.take(transitionDgram(service, 1), service, 0);
const pacer = new Pacer(AGE_RATE);
const dgram = eventDgram(1, 50_000);
for (let i = 0; i < AGE_EVENTS; i++) {
  await pacer.turn(undefined);
  server.take(dgram, SERVICE.L1Accept, 1);
}
const { ages, events } = server.core;
console.log(
  `age of events of 100 kB at ${AGE_RATE}/s when dgram-cat has returned them: p50 ${(ages.quantile(0.5) * 1e3).toFixed(2)} ms, p99 ${(ages.quantile(0.99) * 1e3).toFixed(2)} ms; ${events.counts.delivered} of ${events.counts.in} delivered`,
);
server.close();
reader.kill();
