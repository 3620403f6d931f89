/** unix and tcp sockets, descriptors and the short zmq form as streams (docs/streams.md). */

import { chmodSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Lifecycle } from '../../lib/cli/lifecycle.ts';
import { openSink, openStream } from '../../lib/stream/open.ts';
import type { StreamOptions } from '../../lib/stream/options.ts';
import { parseSocketUrl } from '../../lib/stream/socket/address.ts';
import type { ByteSource } from '../../lib/stream/source.ts';

function privateFolder(test: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-socket-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function bytesOf(source: ByteSource): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const into = Buffer.alloc(1000);
  for (let n = await source.read(into); n > 0; n = await source.read(into))
    pieces.push(Buffer.from(into.subarray(0, n)));
  return Buffer.concat(pieces);
}

const PAYLOAD = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i * 7));

async function transfer(from: string, to: string, options: StreamOptions = {}): Promise<Buffer> {
  const [source, sink] = await Promise.all([openStream(to, options), openSink(from, options)]);
  const reading = bytesOf(source);
  for (let at = 0; at < PAYLOAD.length; at += 50_000) {
    sink.bytes(PAYLOAD.subarray(at, at + 50_000));
    if (sink.full) await sink.drain();
  }
  await sink.close();
  await sink.close();
  const got = await reading;
  source.close();
  return got;
}

t.test('addresses', async (t) => {
  t.same(parseSocketUrl('unix:/a/b'), { url: 'unix:/a/b', listens: false, place: { path: '/a/b' } });
  t.match(parseSocketUrl('unix-listen:b'), { listens: true, place: { path: join(process.cwd(), 'b') } });
  t.match(parseSocketUrl('tcp:host:5'), { listens: false, place: { host: 'host', port: 5 } });
  t.match(parseSocketUrl('tcp-listen:5'), { listens: true, place: { host: '127.0.0.1', port: 5 } });
  t.match(parseSocketUrl('tcp-listen::0'), { place: { host: '127.0.0.1', port: 0 } });
  t.match(parseSocketUrl('tcp:[::1]:5'), { place: { host: '::1', port: 5 } });
  for (const wrong of ['unix:', `unix:/${'x'.repeat(120)}`, 'tcp:host', 'tcp:host:0', 'tcp:host:70000']) {
    t.throws(() => parseSocketUrl(wrong), { code: 'usage' }, wrong);
  }
  await t.rejects(openStream('fd:x'), { code: 'usage' });
  await t.rejects(openStream('fd:999'), { code: 'unreadable-input' });
  await t.rejects(openStream('zmq:udp://x'), { code: 'usage' });
});

t.test(
  'a stream through a unix socket, whoever listens; the socket is private and goes with the connection',
  async (t) => {
    const path = join(privateFolder(t), 'inner', 's');
    const listening = await openStream(`unix-listen:${path}`);
    t.equal(statSync(path).mode & 0o777, 0o600);
    t.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
    listening.close();
    t.notOk(existsSync(path));
    t.equal(await listening.read(Buffer.alloc(1)), 0, 'closed before anybody came');
    t.ok((await transfer(`unix-listen:${path}`, `unix:${path}`)).equals(PAYLOAD));
    t.notOk(existsSync(path));
    t.ok((await transfer(`unix:${path}`, `unix-listen:${path}`)).equals(PAYLOAD));
  },
);

t.test('a listening tcp address says which port it took', async (t) => {
  let url = '';
  const source = await openStream('tcp-listen:0', { say: (line) => (url = line.split(' is ')[1]!) });
  const sink = await openSink(url);
  sink.bytes(PAYLOAD);
  const reading = bytesOf(source);
  await sink.close();
  t.ok((await reading).equals(PAYLOAD));
  t.equal(source.lost, undefined);
});

t.test('what is there is not replaced, and folders open to others are refused', async (t) => {
  const folder = privateFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await t.rejects(openSink(`unix-listen:${folder}/file`), { code: 'usage' });
  const first = await openSink(`unix-listen:${folder}/s`);
  await t.rejects(openSink(`unix-listen:${folder}/s`), { code: 'already-served' });
  first.abandon();
  chmodSync(folder, 0o755);
  await t.rejects(openSink(`unix-listen:${folder}/s`), { code: 'usage' });
});

t.test('a reader that goes away ends the writer with a reason', async (t) => {
  const path = join(privateFolder(t), 's');
  const sink = await openSink(`unix-listen:${path}`);
  const reader = createConnection(path);
  reader.once('data', () => reader.destroy());
  const writing = async () => {
    for (;;) {
      sink.bytes(PAYLOAD);
      await sink.drain();
    }
  };
  await t.rejects(writing(), { code: 'reader-gone' });
});

t.test('a stop ends the wait for the other side', async (t) => {
  const folder = privateFolder(t);
  const lifecycle = new Lifecycle();
  const sources = await Promise.all([
    openStream(`unix-listen:${folder}/a`, { lifecycle }),
    openStream(`unix:${folder}/b`, { lifecycle }),
  ]);
  const sink = await openSink(`unix-listen:${folder}/c`, { lifecycle });
  sink.bytes(PAYLOAD);
  const reading = sources.map((source) => source.read(Buffer.alloc(1)));
  const writing = t.rejects(sink.drain(), { code: 'reader-gone' });
  lifecycle.requestStop();
  t.same(await Promise.all(reading), [0, 0]);
  await writing;
});

t.test('an open descriptor', async (t) => {
  const file = join(privateFolder(t), 'f');
  writeFileSync(file, PAYLOAD);
  const source = await openStream(`fd:${openSync(file, 'r')}`);
  t.ok((await bytesOf(source)).equals(PAYLOAD));
  source.close();
  const sink = await openSink(`fd:${openSync(file, 'w')}`);
  sink.bytes(Buffer.from('xy'));
  await sink.close();
  t.equal(statSync(file).size, 2);
});

t.test('zmq: keeps messages apart, and a greeting can be chosen', async (t) => {
  const url = `zmq:ipc://${privateFolder(t)}/z`;
  const greeting = () => false;
  const [sink, source] = await Promise.all([openSink(url, { greeting }), openStream(url, { greeting })]);
  const reading = (async () => [await source.message!(), await source.message!(), await source.message!()])();
  sink.bytes(Buffer.from('one'));
  await sink.drain();
  sink.bytes(Buffer.from('two'));
  const closing = sink.close();
  t.same((await reading).map(String), ['one', 'two', 'undefined']);
  source.close();
  await closing;
});
