/** The publisher with real sockets: subscribers of the zeromq library, and some that misbehave (spec calib-pub.md, section 12). */

import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Subscriber } from 'zeromq';
import { parseBind } from '../../lib/calib/publish/endpoint.ts';
import type { PublicationPolicy } from '../../lib/calib/publish/publication.ts';
import { Publisher } from '../../lib/calib/publish/publisher.ts';
import { readMessage } from '../../lib/calib/subscribe/received.ts';
import { imbalance } from '../../lib/cli/balance.ts';
import { array, setOf, text } from './constants.ts';
import { RawSubscriber } from './raw-subscriber.ts';

type Test = { teardown(end: () => unknown): void };

function folderOf(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'calib-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function open(test: Test, binds: readonly string[], policy: Partial<PublicationPolicy> = {}) {
  const said: string[] = [];
  const publisher = new Publisher({
    policy: { late: 'once', expect: 0, expectTimeout: 10_000, ...policy },
    endpoints: binds.map((bind) => parseBind(bind, 'npy-frames')),
    partition: 3,
    say: (line) => said.push(line),
  });
  await publisher.open();
  test.teardown(() => publisher.close());
  const places = publisher.places.map(({ text }) => text);
  const port = Number(/:(\d+)$/.exec(places.find((place) => place.startsWith('tcp')) ?? '')?.[1]);
  return { publisher, said, places, port };
}

/** Waits for something that others do. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(2);
}

const setOfRun = (run: number) =>
  setOf({ epix: { pedestals: array('<f4', [3, 6]), geometry: text(`run=${run}`) } }, { run });

async function publish(publisher: Publisher, run: number): Promise<void> {
  publisher.begin('tst1', run);
  await publisher.publish(setOfRun(run));
}

t.test('the library subscribes by ipc and tcp, early and late, and gets each run once', async (t) => {
  const folder = folderOf(t);
  const { publisher, places } = await open(t, [`ipc://${folder}/a.sock`, 'tcp://127.0.0.1:0']);
  t.equal(statSync(join(folder, 'a.sock')).mode & 0o777, 0o600);
  const sockets = places.map((place) => {
    const socket = new Subscriber({ linger: 0, receiveTimeout: 20_000 });
    socket.connect(place);
    socket.subscribe();
    t.teardown(() => socket.close());
    return socket;
  });
  await until(() => publisher.publication.subscribed === 2);
  await publish(publisher, 1);
  const late = new Subscriber({ linger: 0, receiveTimeout: 20_000 });
  t.teardown(() => late.close());
  late.connect(places[0]!);
  late.subscribe('calib/');
  for (const socket of [...sockets, late])
    t.match(readMessage(await socket.receive()), { run: 1, seq: 1, exp: 'tst1' });
  await publish(publisher, 2);
  for (const socket of [...sockets, late]) t.match(readMessage(await socket.receive()), { run: 2, seq: 2 });
  for (const socket of [...sockets, late]) {
    socket.receiveTimeout = 50;
    await t.rejects(socket.receive(), { code: 'EAGAIN' }, 'no second copy');
  }
  publisher.end();
  t.match(publisher.publication.balance(), { in: 6, out: 6 });
});

t.test('a subscription to something else is none, and one that is taken back ends', async (t) => {
  const { publisher, port } = await open(t, ['tcp://127.0.0.1:0']);
  const other = new RawSubscriber({ port }, Buffer.from([0, 2, 1, 0x78]));
  const back = new RawSubscriber({ port }, Buffer.from([0, 1, 1, 0, 1, 1, 0, 1, 0]));
  const good = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 2);
  await sleep(20);
  t.equal(publisher.publication.subscribed, 2, 'subscribed twice, taken back once');
  back.socket.write(Buffer.from([0, 1, 0]));
  await until(() => publisher.publication.subscribed === 1);
  await publish(publisher, 1);
  await good.received(1);
  t.same([other.messages.length, back.messages.length], [0, 0]);
  for (const subscriber of [other, back, good]) subscriber.leave();
});

t.test('who never reads is disconnected after four messages; others are not held up', async (t) => {
  const { publisher, port, said } = await open(t, ['tcp://127.0.0.1:0']);
  const deaf = new RawSubscriber({ port });
  deaf.socket.pause();
  const good = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 2);
  const large = array('|u1', [8, 1024, 1024], {}, Buffer.alloc(8 << 20));
  for (let run = 1; run <= 6; run++) {
    publisher.begin('tst1', run);
    await publisher.publish(setOf({ epix: { pedestals: large } }, { run }));
    await good.received(run);
  }
  await until(() => publisher.publication.subscribed === 1);
  t.match(publisher.refused, { slow: 1, 'bad-frame': 0 });
  t.match(said, [/4 messages behind/]);
  publisher.end();
  const balance = publisher.publication.balance();
  t.equal(imbalance(balance), 0);
  t.match(balance, { in: 11, out: 6, losses: { disconnected: 5, missing: 0, waiting: 0 } });
  deaf.leave();
  good.leave();
});

t.test('garbage closes its connection and nothing else', async (t) => {
  const { publisher, port } = await open(t, ['tcp://127.0.0.1:0']);
  const good = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 1);
  const bad = new RawSubscriber({ port }, Buffer.from('02ffffffffffffffff', 'hex'));
  await bad.closed;
  const late = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 2);
  late.socket.write(Buffer.from([0x40, 1, 1]));
  await late.closed;
  await until(() => publisher.publication.subscribed === 1);
  await publish(publisher, 1);
  await good.received(1);
  t.equal(publisher.refused['bad-frame'], 2);
  good.leave();
});

t.test('who leaves during a send is counted as disconnected', async (t) => {
  const { publisher, port } = await open(t, ['tcp://127.0.0.1:0']);
  const leaving = new RawSubscriber({ port });
  leaving.socket.pause();
  await until(() => publisher.publication.subscribed === 1);
  publisher.begin('tst1', 1);
  await publisher.publish(setOf({ epix: { pedestals: array('|u1', [32 << 20], {}, Buffer.alloc(32 << 20)) } }));
  t.equal(publisher.publication.counts.underWay, 1);
  leaving.leave();
  await until(() => publisher.publication.counts.underWay === 0);
  t.match(publisher.publication.balance(), { in: 1, out: 0, losses: { disconnected: 1 } });
});

t.test('1000 connections in a row leave nothing behind', async (t) => {
  const { publisher, port } = await open(t, ['tcp://127.0.0.1:0']);
  await publish(publisher, 1);
  const one = async () => {
    const subscriber = new RawSubscriber({ port });
    await subscriber.received(1);
    subscriber.leave();
    await subscriber.closed;
  };
  for (let i = 0; i < 1000; i++) await one();
  await until(() => publisher.publication.subscribed === 0);
  publisher.end();
  t.match(publisher.publication.balance(), { in: 1000, out: 1000 });
  t.equal(publisher.connections, 0);
});

t.test('--expect: held until all are there', async (t) => {
  const { publisher, port, said } = await open(t, ['tcp://127.0.0.1:0'], { expect: 2, expectTimeout: 50 });
  const first = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 1);
  publisher.begin('tst1', 1);
  const published = publisher.publish(setOfRun(1));
  t.equal(first.messages.length, 0);
  const second = new RawSubscriber({ port });
  await published;
  await Promise.all([first.received(1), second.received(1)]);
  second.leave();
  await until(() => publisher.publication.subscribed === 1);
  publisher.begin('tst1', 2);
  await publisher.publish(setOfRun(2));
  await first.received(2);
  t.match(said, ['1 of 2 expected subscribers have not come; the constants go to 1']);
  publisher.end();
  t.equal(publisher.publication.counts.absent, 1);
  first.leave();
});

t.test('a set that comes when the next run has begun is dropped', async (t) => {
  const { publisher, port } = await open(t, ['tcp://127.0.0.1:0=zlib']);
  const subscriber = new RawSubscriber({ port });
  await until(() => publisher.publication.subscribed === 1);
  publisher.begin('tst1', 1);
  const slow = publisher.publish(setOfRun(1));
  publisher.begin('tst1', 2);
  await Promise.all([slow, publisher.publish(setOfRun(2))]);
  await subscriber.received(1);
  publisher.end();
  t.match(publisher.publication.counts, { served: 1, missing: 1 });
  subscriber.leave();
});

t.test('socket files: what a killed program left is replaced, everything else stays (spec 2, 10)', async (t) => {
  const folder = folderOf(t);
  const path = join(folder, 's.sock');
  const first = await open(t, [`ipc://${path}`]);
  await t.rejects(open(t, [`ipc://${path}`]), { code: 'already-served' });
  await first.publisher.close();
  t.notOk(existsSync(path));
  writeFileSync(path, 'notes');
  await t.rejects(open(t, [`ipc://${path}`]), { code: 'usage', message: /is no socket/ });
  rmSync(path);
  t.throws(() => parseBind(`ipc://${folder}/${'x'.repeat(107)}`, 'pickle'), { message: /at most 107 bytes/ });
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  await t.rejects(open(t, [`ipc://${path}`, `tcp://127.0.0.1:${port}`]), { code: 'already-served' });
  t.notOk(existsSync(path), 'all endpoints or none');
  taken.close();
});
