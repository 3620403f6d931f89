/** `shmem-serve` and `shm:TAG`, the real executables (spec live.md, requirements of both). */

import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { SERVICE } from '../../lib/xtc/service.ts';
import { executable, run } from '../executable.ts';
import {
  dgramsIn,
  fileOf,
  liveRun,
  newTag,
  objectsOf,
  type Process,
  rawClient,
  serve,
  start,
  until,
} from '../live/server-process.ts';
import { eventDgram, transitionDgram } from '../stream/sample-run.ts';

const isEvent = (dgram: Buffer) => dgram.readUInt32LE(8) >>> 24 === SERVICE.L1Accept;
const sums = (dgrams: readonly Buffer[]) => dgrams.map((dgram) => crc32(dgram));

/** The numbers of a balance. */
function balance(words: string): { in: number; out: number; rest: number; closed: boolean } {
  const text = /in (\d+) = out (\d+)((?: \+ [a-z-]+ \d+)*)/.exec(words);
  const rest = [...(text?.[3] ?? '').matchAll(/\d+/g)].reduce((sum, [n]) => sum + Number(n), 0);
  const [all, out] = [Number(text?.[1]), Number(text?.[2])];
  return { in: all, out, rest, closed: all === out + rest && !words.includes('NOT BALANCED') };
}

const reader = (t: Test, tag: string, parameters = 'every', ...args: string[]): Process =>
  start(t, executable('dgram-cat'), ['--format', 'xtc2', `shm:${tag}?${parameters}`, ...args]);

for (const order of ['--distributed', '--serial']) {
  t.test(
    `${order}: what readers get is what went in, transitions all and in order, and the balance closes`,
    async (t) => {
      const tag = newTag();
      const input = liveRun(400);
      const server = await serve(t, tag, [fileOf(t, input), order, '-n', '8', '-c', '2', '--wait', '2', '-r', '1000']);
      const readers = [reader(t, tag), reader(t, tag)];
      const known = new Set(sums(input));
      const transitions = input.filter((dgram) => !isEvent(dgram));
      for (const { done } of readers) {
        const { status, stdout, words } = await done;
        t.equal(status, 0, words);
        const got = await dgramsIn(t, stdout);
        t.same(sums(got.filter((dgram) => !isEvent(dgram))), sums(transitions));
        t.ok(got.every((dgram) => known.has(crc32(dgram))));
        t.ok(got.some(isEvent));
        t.match(words, /received (\d+) = written \1 \+ replaced 0 \+ invalid 0/);
      }
      const { status, words } = await server.done;
      t.equal(status, 0, words);
      const counted = balance(words.slice(words.indexOf('<I>')));
      t.equal(counted.in, 400);
      t.ok(counted.closed, words);
      t.ok(counted.out > 0);
      t.same(objectsOf(tag), []);
    },
  );
}

t.test('a slow reader gets every transition and only late events; what it missed is counted', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, [fileOf(t, liveRun(300)), '-r', '1000', '-c', '1']);
  const child = start(t, 'bash', ['-c', `${executable('dgram-cat')} --format xtc2 "shm:${tag}" | (sleep 0.5; cat)`]);
  const { stdout, words } = await child.done;
  await server.done;
  const numbers = /received (\d+) = written (\d+) \+ replaced (\d+) \+ invalid 0/.exec(words)!;
  t.equal(Number(numbers[1]), Number(numbers[2]) + Number(numbers[3]));
  t.equal((await dgramsIn(t, stdout)).length, Number(numbers[2]));
});

t.test('a client that comes late gets Configure to Enable first', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, ['-']);
  const input = liveRun(50);
  for (const dgram of input.slice(0, 30)) server.write(dgram);
  const late = reader(t, tag);
  await until(() => late.lines().length > 0);
  for (const dgram of input.slice(30)) server.write(dgram);
  server.endInput();
  const { stdout } = await late.done;
  t.same(sums((await dgramsIn(t, stdout)).slice(0, 4)), sums(input.slice(0, 4)));
  const { words } = await server.done;
  t.match(words, /no-client 26/);
  t.match(words, /of those late 4/);
});

t.test('run stop and re-Configure: the client stays and sees all', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, ['-', '--wait', '1']);
  const first = [...liveRun(5), transitionDgram(SERVICE.Unconfigure, 5)];
  const client = reader(t, tag);
  const both = [...first, ...first];
  for (const dgram of both) server.write(dgram);
  server.endInput();
  const { stdout } = await client.done;
  const got = (await dgramsIn(t, stdout)).filter((dgram) => !isEvent(dgram));
  t.same(sums(got), sums(both.filter((dgram) => !isEvent(dgram))));
  t.match((await server.done).words, /clients 1/);
});

t.test('--loop: the client stays, what is in force is not repeated', async (t) => {
  const tag = newTag();
  const input = liveRun(5);
  const server = await serve(t, tag, [fileOf(t, input), '--loop', '3', '-r', '0', '-c', '1']);
  const { stdout } = await reader(t, tag).done;
  const got = (await dgramsIn(t, stdout)).filter((dgram) => !isEvent(dgram));
  const transitions = input.filter((dgram) => !isEvent(dgram));
  t.same(sums(got), sums([...transitions, ...transitions.slice(1), ...transitions.slice(1)]));
  const { words } = await server.done;
  t.equal(balance(words.slice(words.indexOf('<I>'))).in, 15);
});

t.test('kill -9: the next server removes what is left, and a client with ?reconnect goes on with it', async (t) => {
  const tag = newTag();
  const file = fileOf(t, liveRun(100));
  const first = await serve(t, tag, [file, '--loop', '0', '-r', '500']);
  const client = reader(t, tag, 'every&reconnect');
  await until(() => client.lines().length > 10_000);
  first.kill('SIGKILL');
  await first.done;
  t.ok(objectsOf(tag).length > 0);
  const second = await serve(t, tag, [file, '--loop', '0', '-r', '500']);
  t.match(second.words(), /removed \d+ objects of a dead server/);
  const before = client.lines().length;
  await until(() => client.lines().length > before + 10_000);
  client.kill('SIGTERM');
  const { stdout } = await client.done;
  const services = (await dgramsIn(t, stdout)).map((dgram) => dgram.readUInt32LE(8) >>> 24);
  t.equal(services.filter((service) => service === SERVICE.Configure).length, 2);
  second.kill('SIGTERM');
  t.equal((await second.done).status, 143);
  t.same(objectsOf(tag), []);
});

t.test('a living server of the same tag is an error that names it', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, ['-']);
  const other = await run('shmem-serve', [tag, '/dev/null']);
  t.equal(other.status, 2);
  t.match(other.stderr, new RegExp(`served already, by pid ${server.pid}`));
  t.ok(objectsOf(tag).length > 0, 'the living one keeps its objects');
});

t.test('limits: too many buffers, more clients than buffers, mistakes: status 2 and what would work', async (t) => {
  const tag = newTag();
  const cases: [string[], RegExp][] = [
    [['-n', '237', '-'], /fs\.mqueue\.msg_max|counts up to/],
    [['-n', '2', '-c', '3', '-'], /at least as many event buffers/],
    [['-s', '12', '-'], /--size/],
    [['-r', 'fast', '-'], /--rate/],
    [['--mode', '999', '-'], /--mode/],
    [['--reserve', '5', '-'], /GROUP:BUFFERS/],
    [['-n', '4', '--reserve', '5:4', '-'], /one must be for all/],
    [['--loop', '-'], /standard input comes once/],
    [['a', 'b'], /one input at a time/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await run('shmem-serve', [tag, ...args]);
    // Where the kernel allows more than 237 messages, the first case works and ends at once.
    if (status !== 0) t.match(stderr, message);
    t.equal(status, 2, args.join(' '));
  }
  t.equal((await run('shmem-serve', ['a/b', '-'])).status, 2);
  t.same(objectsOf(tag), []);
});

t.test('oversize: an event is dropped, counted and named once; a transition ends the server with 1', async (t) => {
  const tag = newTag();
  const [configure, ...rest] = liveRun(3);
  const large = eventDgram(9, 20_000);
  const file = fileOf(t, [configure!, ...rest.slice(0, 3), large, large, ...rest.slice(3)]);
  const { status, stderr } = await run('shmem-serve', [tag, file, '-s', '16K', '--wait', '0', '-r', '0']);
  t.equal(status, 3);
  t.match(stderr, /oversize 2/);
  t.equal(stderr.match(new RegExp(`L1Accept of ${large.length} bytes`, 'g'))?.length, 1);
  const refused = await run('shmem-serve', [tag, file, '-s', '1K', '--wait', '0']);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /Configure of \d+ bytes does not fit/);
  t.same(objectsOf(tag), []);
});

t.test('the port is told again when a client took it and did not connect', async (t) => {
  const tag = newTag();
  await serve(t, tag, ['-']);
  const first = await rawClient(t, tag);
  const second = await rawClient(t, tag);
  t.same([first!.number, second!.number], [0, 1]);
  t.equal(await rawClient(t, tag), undefined, 'a third one is closed without a message');
  first!.close();
  await until(() => first!.socket.destroyed);
  let third = await rawClient(t, tag);
  while (third === undefined) third = await rawClient(t, tag);
  t.equal(third.number, 0, 'the lowest free number');
});

t.test('garbage and silence end a connection and are counted; bad returns are ignored and counted', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, ['-', '-c', '3', '--patience', '1']);
  const good = reader(t, tag);
  const garbage = (await rawClient(t, tag))!;
  const silent = (await rawClient(t, tag))!;
  const input = liveRun(400);
  for (const dgram of input.slice(0, 4)) server.write(dgram);
  await until(() => garbage.transitions.length === 4);
  const returns = garbage.returns();
  for (const index of [-1, 0, 5, 9999]) {
    const message = Buffer.from(garbage.hello);
    message.writeInt32LE(index, 0);
    returns.trySend(message);
  }
  returns.trySend(Buffer.from('short'));
  await server.says(/client \d is disconnected: it returned nothing/);
  await silent.closed;
  const again = (await rawClient(t, tag))!;
  await until(() => again.transitions.length === 4);
  again.answer(12345);
  await server.says(/what it sent is no answer/);
  await again.closed;
  for (const dgram of input.slice(4)) server.write(dgram);
  server.endInput();
  t.equal((await good.done).status, 0);
  const { words } = await server.done;
  t.match(words, /bad-return 5/);
  t.match(words, /silent 2/);
  t.match(words, /garbage 1/);
  t.ok(balance(words.slice(words.lastIndexOf('OK'))).closed, words);
});

t.test('200 connects and disconnects: nothing leaks, the next client gets Configure', async (t) => {
  const tag = newTag();
  const server = await serve(t, tag, [fileOf(t, liveRun(50)), '--loop', '0', '-r', '2000', '--wait', '0']);
  for (let i = 0; i < 200; i++) {
    const client = await rawClient(t, tag);
    if (client === undefined) continue;
    if (i % 3 === 0) client.queue().tryReceive(Buffer.alloc(16));
    client.close();
  }
  const last = start(t, executable('dgram-cat'), ['-n', '20', `shm:${tag}?every`]);
  const { status, stdout } = await last.done;
  t.equal(status, 0);
  t.match(stdout.toString(), /Configure/);
  server.kill('SIGUSR1');
  await server.says(/in \d+ = out/);
  server.kill('SIGTERM');
  const { words } = await server.done;
  t.ok(balance(words.slice(words.indexOf('<I>'))).closed, words);
  t.same(objectsOf(tag), []);
});

for (const stuck of [0, 1, 8]) {
  t.test(
    `${stuck} clients that do nothing: the whole input is taken, a good client gets all transitions and events`,
    async (t) => {
      const tag = newTag();
      const input = liveRun(500);
      const server = await serve(t, tag, ['-', '-n', '9', '-c', String(stuck + 1)]);
      const clients = await Promise.all(Array.from({ length: stuck }, () => rawClient(t, tag)));
      const good = reader(t, tag);
      await until(() => clients.every((client) => client !== undefined));
      for (const dgram of input.slice(0, 4)) server.write(dgram);
      await until(() => good.lines().length > 0);
      // Some hold what they took, some leave it in the queue.
      for (const [i, client] of clients.entries()) if (i % 2 === 0) client!.queue().watch(() => {});
      for (const dgram of input.slice(4)) server.write(dgram);
      server.endInput();
      const { stdout } = await good.done;
      const got = await dgramsIn(t, stdout);
      t.same(sums(got.filter((dgram) => !isEvent(dgram))), sums(input.filter((dgram) => !isEvent(dgram))));
      t.ok(got.some(isEvent));
      const { words } = await server.done;
      const counted = balance(words.slice(words.indexOf('<I>')));
      t.equal(counted.in, 500);
      t.ok(counted.closed, words);
    },
  );
}

t.test('-p TAG names the tag, -p N the partition, -u the process; SIGUSR1 tells each client', async (t) => {
  const tag = newTag();
  const args = ['-p', tag, '-n', '4', '-s', '0x10000', '-c', '1', '-f', fileOf(t, liveRun(5)), '-p', '3', '-u', 'mon0'];
  const server = start(t, executable('shmem-serve'), args);
  await server.says(/mon0: tag .*4 buffers of 65536 bytes, 1 clients/);
  const client = (await rawClient(t, tag))!;
  server.kill('SIGUSR1');
  await server.says(/client 0: events offered/);
  client.close();
  server.kill('SIGTERM');
  t.equal((await server.done).status, 143);
});

t.test('shm: without a server, and with mistakes in the URL: status 2', async (t) => {
  const none = await run('dgram-cat', [`shm:${newTag()}?wait=0.1`]);
  t.equal(none.status, 2);
  t.match(none.stderr, /no server within 0.1 s/);
  for (const url of ['shm:', 'shm:a/b', 'shm:x?evry', 'shm:x?depth=0', 'shm:x?wait=soon']) {
    t.equal((await run('dgram-cat', [url])).status, 2, url);
  }
});
