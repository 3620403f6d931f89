/** zmq streams with real sockets, on the loopback and in private directories (docs/streams.md). */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Pull } from 'zeromq';
import { Lifecycle } from '../../lib/cli/lifecycle.ts';
import { DgramReader } from '../../lib/stream/dgram-reader.ts';
import { openSink, openStream, registerScheme } from '../../lib/stream/open.ts';
import { readAll } from '../../lib/stream/read-all.ts';
import type { DgramSink } from '../../lib/stream/sink.ts';
import type { ByteSource } from '../../lib/stream/source.ts';
import { parseZmqUrl } from '../../lib/stream/zmq/address.ts';
import { Peers } from '../../lib/stream/zmq/peers.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { eventDgram, sampleRun, transitionDgram } from './sample-run.ts';

/** A directory of mode 0700 that goes with the test. */
function privateFolder(test: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-zmq-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function writeAll(sink: DgramSink, dgrams: readonly Buffer[]): Promise<void> {
  for (const dgram of dgrams) {
    sink.bytes(dgram);
    if (sink.full) await sink.drain();
  }
  await sink.close();
}

/** A free port, taken and said by the sink itself. */
async function openOnFreePort(query = ''): Promise<{ sink: DgramSink; url: string }> {
  let url = '';
  const sink = await openSink(`zmq+tcp://127.0.0.1:0${query}`, { say: (line) => (url = line.split(' is ')[1]!) });
  return { sink, url: `${url}${query}` };
}

t.test('URLs: defaults, both words of a pair, who binds', async (t) => {
  t.match(parseZmqUrl('zmq+tcp://:5555', 'sink'), {
    endpoint: 'tcp://127.0.0.1:5555',
    binds: true,
    pattern: 'push-pull',
    highWaterMark: 8,
  });
  t.match(parseZmqUrl('zmq+tcp://host:5555', 'source'), { endpoint: 'tcp://host:5555', binds: false });
  t.match(parseZmqUrl('zmq+tcp://localhost:5555', 'sink'), { endpoint: 'tcp://127.0.0.1:5555' });
  t.match(parseZmqUrl('zmq+tcp://*:5555', 'sink'), { endpoint: 'tcp://*:5555' });
  t.match(parseZmqUrl('zmq+tcp://[::1]:5555', 'sink'), { endpoint: 'tcp://[::1]:5555', ipv6: true });
  t.match(parseZmqUrl('zmq+ipc:///a/b?connect&hwm=3', 'sink'), { path: '/a/b', binds: false, highWaterMark: 3 });
  t.match(parseZmqUrl('zmq+ipc://b?bind', 'source'), { path: join(process.cwd(), 'b'), binds: true });
  for (const type of ['pub', 'sub']) {
    for (const role of ['source', 'sink'] as const) {
      t.equal(parseZmqUrl(`zmq+tcp://:1?type=${type}`, role).pattern, 'pub-sub');
    }
  }
});

t.test('URLs that cannot be understood are usage errors', async (t) => {
  for (const [url, message] of [
    ['zmq+tcp://host', /HOST:PORT/],
    ['zmq+tcp://host:66000', /HOST:PORT/],
    ['zmq+tcp://host:0', /HOST:PORT/],
    ['zmq+ipc://', /path of the socket is missing/],
    ['zmq+ipc://@abstract', /abstract/],
    [`zmq+ipc:///${'x'.repeat(120)}`, /at most 107 bytes/],
    ['zmq+tcp://h:1?tpye=pub', /no parameter "tpye".*type, bind/],
    ['zmq+tcp://h:1?type=req', /none of push, pull, pub, sub/],
    ['zmq+tcp://h:1?bind&connect', /exclude/],
    ['zmq+tcp://h:1?hwm=0', /hwm=0/],
    ['zmq+udp://h:1', /zmq\+ipc/],
  ] as const) {
    t.throws(() => parseZmqUrl(url, 'source'), { code: 'usage', message }, url);
  }
});

t.test('peers: refused connections are not peers', async (t) => {
  const peers = new Peers();
  peers.event('accept');
  peers.event('handshake:error:other');
  peers.event('disconnect');
  t.notOk(peers.gone);
  peers.event('handshake');
  t.ok(peers.present);
  peers.event('handshake:error:protocol');
  peers.event('disconnect');
  t.ok(peers.present, 'the disconnect belongs to the refused one');
  peers.event('disconnect');
  t.ok(peers.gone);
});

t.test('an unknown scheme lists the known ones, a registered one is opened', async (t) => {
  const known = /no kind of stream "nothere:".*FILE, -, zmq\+ipc:\/\/PATH, zmq\+tcp:\/\/HOST:PORT/;
  await t.rejects(openStream('nothere:x'), { code: 'usage', message: known });
  await t.rejects(openSink('nothere://x'), { code: 'usage', message: known });
  const bytes: ByteSource = { name: 'x', size: 0, read: () => 0, skip: () => 0, close: () => {} };
  registerScheme('nothere', { form: 'nothere:NAME', source: async () => bytes });
  t.equal(await openStream('nothere:x'), bytes);
  await t.rejects(openSink('nothere:x'), { code: 'usage', message: /cannot be written/ });
  const file = join(privateFolder(t), '12:30_run.xtc2');
  writeFileSync(file, 'abc');
  t.equal((await readAll(await openStream(file))).toString(), 'abc', 'a file with colons in its name is a file');
});

for (const transport of ['tcp', 'ipc'] as const) {
  t.test(`${transport}: a run arrives whole, and the writer ends after its reader has it`, async (t) => {
    const dgrams = sampleRun(2000, 200);
    const { sink, url } =
      transport === 'tcp'
        ? await openOnFreePort()
        : await (async () => {
            const url = `zmq+ipc://${join(privateFolder(t), 'run.sock')}`;
            return { sink: await openSink(url), url };
          })();
    let written = false;
    const writing = writeAll(sink, dgrams).then(() => (written = true));
    await sleep(50);
    t.notOk(written, 'it waits for a reader to come');
    const source = await openStream(url);
    t.ok((await readAll(source)).equals(Buffer.concat(dgrams)));
    await writing;
    t.equal(source.lost, undefined);
    await sink.close();
  });
}

t.test('either end may bind', async (t) => {
  const url = `zmq+ipc://${join(privateFolder(t), 'made', 'run.sock')}`;
  const source = await openStream(`${url}?bind`);
  t.equal(statSync(join(url.slice(10), '..')).mode & 0o777, 0o700, 'the missing directory is private');
  t.equal(statSync(url.slice(10)).mode & 0o777, 0o600, 'and so is the socket');
  const sink = await openSink(`${url}?connect`);
  const writing = writeAll(sink, sampleRun(10));
  t.equal((await readAll(source)).length, Buffer.concat(sampleRun(10)).length);
  await writing;
  t.notOk(existsSync(url.slice(10)), 'no socket is left');
});

t.test('messages are whole dgrams, a Configure alone, and the end is an empty one', async (t) => {
  const { sink, url } = await openOnFreePort();
  const pull = new Pull({ linger: 0 });
  t.teardown(() => pull.close());
  pull.connect(url.replace('zmq+', ''));
  const dgrams = [...sampleRun(3), eventDgram(0, 300_000), ...sampleRun(1)];
  const writing = writeAll(sink, dgrams);
  const sizes: number[] = [];
  for (let message = (await pull.receive())[0]!; message.length > 0; message = (await pull.receive())[0]!) {
    sizes.push(message.length);
  }
  pull.close();
  await writing;
  const size = (from: number, to: number) => dgrams.slice(from, to).reduce((sum, { length }) => sum + length, 0);
  // Taken together until drained; the large dgram fills a message and the next starts after it.
  t.same(sizes, [size(0, 1), size(1, 6), size(6, 7), size(7, 8), size(8, 11)]);
});

t.test(
  'a reader confirms the end when it has come, not when its owner is done: stages may wait for each other in a ring',
  async (t) => {
    const url = `zmq+ipc://${privateFolder(t)}/ring`;
    const sink = await openSink(url);
    const source = await openStream(url);
    const written = writeAll(sink, [transitionDgram(SERVICE.Configure, 1)]);
    while ((await source.message?.()) !== undefined);
    await written;
    source.close();
    t.pass('the writer has ended before its reader was closed');
  },
);

t.test('a slow reader holds the writer up: memory stays bounded', async (t) => {
  const { sink, url } = await openOnFreePort('?hwm=2');
  const source = await openStream(url);
  const dgram = eventDgram(0, 125_000);
  let sent = 0;
  const writing = (async () => {
    for (let i = 0; i < 400; i++) {
      sink.bytes(dgram);
      await sink.drain();
      sent++;
    }
    await sink.close();
  })();
  await sleep(300);
  const waiting = sent;
  t.ok(waiting < 200, `${waiting} of 400 messages of 250 kB left before anybody read`);
  t.equal((await readAll(source)).length, 400 * dgram.length);
  await writing;
  t.equal(sent, 400);
});

t.test('a reader that goes away early ends the writer with an error', async (t) => {
  const { sink, url } = await openOnFreePort();
  const source = await openStream(url);
  const first = Buffer.alloc(4096);
  const writing = writeAll(sink, sampleRun(20_000, 200));
  await source.read(first);
  source.close();
  await t.rejects(writing, { code: 'reader-gone', message: /went away before the end/ });
});

t.test('a writer that is killed ends the reader, which says so and keeps what came', async (t) => {
  const folder = privateFolder(t);
  const url = `zmq+ipc://${join(folder, 'run.sock')}`;
  const file = join(folder, 'part.xtc2');
  writeFileSync(file, Buffer.concat(sampleRun(50)));
  const writer = spawn(
    process.execPath,
    [
      '--import=tsx',
      '--input-type=module',
      '-e',
      `const { openSink } = await import(${JSON.stringify(new URL('../../lib/stream/open.ts', import.meta.url).href)});
       const { readFileSync } = await import('node:fs');
       const sink = await openSink(${JSON.stringify(url)});
       sink.bytes(readFileSync(${JSON.stringify(file)}));
       await sink.drain();
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  t.teardown(() => writer.kill('SIGKILL'));
  const source = await openStream(url);
  const reader = new DgramReader(source);
  let read = 0;
  do {
    while (reader.next()) read++;
    if (read === 53) writer.kill('SIGKILL');
  } while (await reader.fill());
  t.equal(read, 53);
  t.match(source.lost, /writer went away without ending/);
  t.same(reader.findings, []);
});

t.test('a stop signal ends a writer that nobody reads, after a time for the rest', async (t) => {
  const lifecycle = new Lifecycle();
  const url = `zmq+ipc://${join(privateFolder(t), 'run.sock')}`;
  const sink = await openSink(url, { lifecycle });
  const writing = writeAll(sink, sampleRun(10));
  lifecycle.requestStop();
  await t.rejects(writing, { code: 'reader-gone', message: /nobody took/ });
  t.notOk(existsSync(url.slice(10)));
});

t.test('a stop signal ends a reader to which nothing comes', async (t) => {
  const lifecycle = new Lifecycle();
  const reader = new DgramReader(await openStream(`zmq+ipc://${join(privateFolder(t), 'none')}`), {
    stop: lifecycle.stop,
  });
  const filling = reader.fill();
  lifecycle.requestStop();
  t.equal(await filling, false);
});

/** Services of what a source delivers, as they come; `over` when it has ended. */
function watchServices(source: ByteSource): { services: number[]; over: Promise<void> } {
  const services: number[] = [];
  const reader = new DgramReader(source);
  const over = (async () => {
    do {
      while (reader.next()) services.push(reader.dgram.service);
    } while (await reader.fill());
  })();
  return { services, over };
}

t.test('previews: a late reader gets the descriptions, nobody gets them twice', async (t) => {
  const { sink, url } = await openOnFreePort('?type=pub');
  sink.bytes(transitionDgram(SERVICE.Configure, 0));
  await sink.drain();
  const readers: ReturnType<typeof watchServices>[] = [];
  // The writer waits for nobody, so it is asked to write until everyone is known to be there.
  for (let i = 0; readers.length < 3 || readers.some(({ services }) => services.length < 5); i++) {
    if (i % 5 === 0 && readers.length < 3) readers.push(watchServices(await openStream(url)));
    sink.bytes(eventDgram(i));
    await sink.drain();
    await sleep(10);
  }
  await sink.close();
  for (const { services, over } of readers) {
    await over;
    // An event may overtake the Configure that greets a reader.
    t.ok(services.indexOf(SERVICE.Configure) <= 1, services.join());
    t.equal(services.filter((service) => service === SERVICE.Configure).length, 1);
  }
});

t.test('ipc: directories open to others are refused unless the URL says so', async (t) => {
  const folder = privateFolder(t);
  const path = join(folder, 'run.sock');
  chmodSync(folder, 0o755);
  await t.rejects(openSink(`zmq+ipc://${path}`), { code: 'usage', message: /open to others.*shared/ });
  const sink = await openSink(`zmq+ipc://${path}?shared`);
  t.equal(statSync(path).mode & 0o777, 0o666);
  await t.rejects(openSink(`zmq+ipc://${path}?shared`), { code: 'already-served' }, 'somebody listens there');
  sink.abandon();
  sink.abandon();
  writeFileSync(path, 'data');
  await t.rejects(openSink(`zmq+ipc://${path}?shared`), { code: 'usage', message: /is no socket/ });
});

t.test('tcp: a port that is taken is an error', async (t) => {
  const { sink, url } = await openOnFreePort();
  t.teardown(() => sink.abandon());
  await t.rejects(openSink(url), { code: 'already-served', message: /in use/ });
});

t.test('a socket file that a killed program left is replaced', async (t) => {
  const path = join(privateFolder(t), 'run.sock');
  const left = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('x'))`,
  ]);
  await once(left.stdout, 'data');
  left.kill('SIGKILL');
  await once(left, 'exit');
  t.ok(existsSync(path));
  (await openSink(`zmq+ipc://${path}`)).abandon();
});
