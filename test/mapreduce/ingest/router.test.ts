import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { Dealer } from 'zeromq';
import { EventFrames, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { WorkerRouter } from '../../../lib/mapreduce/ingest/router.ts';
import { pingParts, readPing } from '../../../lib/mapreduce/transport/ping.ts';
import { until } from './stand-ins.ts';

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
