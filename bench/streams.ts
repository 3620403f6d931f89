/**
 * Dgrams through a zmq stream, against the same bytes through a bare TCP connection, both on the loopback and inside one process.
 * Run: npm run bench streams
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { openSink, openStream } from '../lib/stream/open.ts';
import { eventDgram } from '../test/stream/sample-run.ts';
import { compare } from './harness.ts';

const DGRAM_BYTES = 850;
const BYTES = 256 * 1024 * 1024;
const PIECE = 256 * 1024;
const dgram = eventDgram(1, (DGRAM_BYTES - eventDgram(1, 0).length) / 2);
const large = eventDgram(1, 512 * 1024);

async function bare(): Promise<void> {
  const piece = Buffer.alloc(PIECE);
  const server = createServer(async (socket) => {
    for (let sent = 0; sent < BYTES; sent += PIECE) if (!socket.write(piece)) await once(socket, 'drain');
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let got = 0;
  socket.on('data', (bytes) => (got += bytes.length));
  await once(socket, 'close');
  server.close();
  if (got !== BYTES) throw new Error(`${got} bytes came`);
}

async function zmq(bytes: Buffer): Promise<void> {
  let url = '';
  const sink = await openSink('zmq+tcp://:0', { say: (line) => (url = line.split(' is ')[1]!) });
  const source = await openStream(url);
  const count = Math.floor(BYTES / bytes.length);
  const writing = (async () => {
    for (let i = 0; i < count; i++) {
      sink.bytes(bytes);
      if (sink.full) await sink.drain();
    }
    await sink.close();
  })();
  const into = Buffer.allocUnsafeSlow(1 << 20);
  let got = 0;
  for (let n = await source.read(into); n > 0; n = await source.read(into)) got += n;
  source.close();
  await writing;
  if (got !== count * bytes.length) throw new Error(`${got} bytes came`);
}

for (const [name, bytes] of [
  [`dgrams of ${dgram.length} bytes`, dgram],
  ['dgrams of 1 MiB', large],
] as const) {
  await compare({
    name: `zmq stream, ${name}`,
    reference: { name: 'bare TCP', run: bare },
    candidate: { name: 'zmq', run: () => zmq(bytes) },
    goal: 1.5,
    clock: 'wall',
    rounds: 3,
    work: { amount: BYTES / bytes.length, unit: 'dgrams' },
  });
}
