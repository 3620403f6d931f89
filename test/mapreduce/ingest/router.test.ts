import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { Dealer } from 'zeromq';
import { EventFrames, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { WorkerRouter } from '../../../lib/mapreduce/ingest/router.ts';
import { pingParts, readPing } from '../../../lib/mapreduce/transport/ping.ts';
import { until } from '../../until.ts';

const MAP = randomUUID();

function message(worker: string, event: number): Message {
  const streams = [{ name: 'det', data: { typ: 'T', frames: [Buffer.from(`frame ${event}`)] } }];
  return { worker, event, attempt: 1, origin: null, streams, of: new EventFrames(event, []) };
}

async function router(t: Test) {
  const found = { delivered: [] as number[] };
  const router = await WorkerRouter.open({
    bind: 'tcp://127.0.0.1:*',
    delivered: ({ event }) => found.delivered.push(event),
    undeliverable: () => {},
    changed: () => {},
  });
  t.teardown(() => router.close());
  router.begin(MAP);
  return { router, ...found };
}

function dealer(t: Test, name: string, url: string): Dealer {
  const socket = new Dealer({ routingId: name, linger: 0 });
  t.teardown(() => socket.close());
  socket.connect(url);
  return socket;
}

for (const ours of [true, false]) {
  const who = ours ? 'ours: its header says map and attempt' : 'the reference: it gets what that one writes';
  t.test(`nothing is sent before a worker has said what it is; one of ${who} (spec mapreduce.md 6.1)`, async (t) => {
    const { router: sender, delivered } = await router(t);
    const socket = dealer(t, 'w', sender.url);
    // It is connected, and cannot be mistaken for a peer of the reference meanwhile.
    await socket.send('no ping');
    await until('the connection', () => sender.counts.odd === 1 || undefined);
    sender.send(message('w', 7));
    await until('an attempt', () => sender.counts.away > 0 || undefined);
    t.same(delivered, []);
    await socket.send(pingParts(randomUUID(), ours));
    const [header] = await socket.receive();
    const fields = Object.keys(JSON.parse(String(header)));
    t.same(fields, ['event_number', 'streams', 'created_at', ...(ours ? ['map', 'attempt'] : [])]);
  });
}

t.test('a ping: 16 bytes, and whatever stands behind them', (t) => {
  const uuid = randomUUID();
  const bytes = (parts: readonly (string | Buffer)[]) => parts.map((part) => Buffer.from(part as string));
  t.same(readPing(bytes(pingParts(uuid, true))), { uuid, ours: true });
  t.same(readPing(bytes(pingParts(uuid, false))), { uuid, ours: false });
  const [plain] = bytes(pingParts(uuid, false));
  for (const odd of ['', 'x', '[]', 'null', '{"impl":"other","protocol":1}', '{"impl":"daqpipe","protocol":"1"}'])
    t.same(readPing([plain!, Buffer.from(odd)]), { uuid, ours: false }, odd);
  t.equal(readPing([]), undefined);
  t.equal(readPing([Buffer.alloc(15)]), undefined);
  t.end();
});

t.test('strangers ping: counted or forgotten, and the worker gets its messages', async (t) => {
  const { router: sender, delivered } = await router(t);
  const worker = dealer(t, 'w', sender.url);
  await worker.send(pingParts(randomUUID(), true));
  await until('the worker', () => Object.keys(sender.workers).length === 1 || undefined);
  // Its name is taken as long as it is connected.
  const twin = dealer(t, 'w', sender.url);
  await twin.send(pingParts(randomUUID(), true));
  const noise = dealer(t, 'no name', sender.url);
  await noise.send(pingParts(randomUUID(), true));
  for (let bytes = 0; bytes < 40; bytes++) await noise.send(Buffer.alloc(bytes));
  await until('they are counted', () => sender.counts.odd === 41 || undefined);
  // No text may be as long: reading it would end the ingester. The connection is closed.
  await dealer(t, 'long', sender.url).send([Buffer.alloc(16), Buffer.alloc(5000)]);
  for (let crowd = 0; crowd < 12; crowd++) {
    const sockets = Array.from({ length: 100 }, (_, i) => dealer(t, `p${crowd}-${i}`, sender.url));
    await Promise.all(sockets.map((socket) => socket.send(pingParts(randomUUID(), true))));
    const names = new Set(sockets.map((_, i) => `p${crowd}-${i}`));
    await until('this crowd', () => {
      const seen = Object.values(sender.workers).filter(({ name }) => names.has(name));
      return seen.length === sockets.length || undefined;
    });
    for (const socket of sockets) socket.close();
  }
  t.ok(Object.keys(sender.workers).length <= 1000);
  await worker.send(pingParts(randomUUID(), true));
  sender.send(message('w', 7));
  const [header] = await worker.receive();
  t.match(JSON.parse(String(header)), { event_number: 7 });
  t.same(delivered, [7]);
});
