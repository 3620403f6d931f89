import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import t from 'tap';
import { openBytes } from '../../lib/stream/source.ts';
import { CONFIGURE, dgram, PARENT, xtc } from '../xtc/raw.ts';
import { fileOf, readAll, temporaryFolder } from './streams.ts';

const parts = [
  dgram({ service: CONFIGURE }),
  ...Array.from({ length: 50 }, (_, nsec) => dgram({ nsec }, xtc(PARENT, Buffer.alloc(nsec * 997, nsec)))),
];
const stream = Buffer.concat(parts);

const openDescriptors = () => readdirSync('/proc/self/fd').length;

t.test('a file gives its dgrams, in order and unchanged, and is closed', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', stream);
  const before = openDescriptors();
  for (const blockSize of [64, 4096, 1 << 20]) {
    const bytes: Buffer[] = [];
    const reader = await readAll(await openBytes(file), (one) => bytes.push(Buffer.from(one.slice())), { blockSize });
    t.same(reader.findings, []);
    t.equal(reader.framed, parts.length);
    t.ok(Buffer.concat(bytes).equals(stream));
  }
  t.equal(openDescriptors(), before);
});

t.test('a named pipe gives the same, however its bytes arrive', async (t) => {
  const folder = temporaryFolder(t);
  const file = fileOf(folder, 'a.xtc2', stream);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const bytes: Buffer[] = [];
  const writing = pipeline(createReadStream(file, { highWaterMark: 777 }), createWriteStream(pipe));
  const reader = await readAll(await openBytes(pipe), (one) => bytes.push(Buffer.from(one.slice())), {
    blockSize: 500,
  });
  await writing;
  t.same(reader.findings, []);
  t.ok(Buffer.concat(bytes).equals(stream));
});

t.test('headers only over a pipe passes over payloads', async (t) => {
  const folder = temporaryFolder(t);
  const large = Buffer.concat([parts[0]!, dgram({ nsec: 1 }, Buffer.alloc(3_000_000)), dgram({ nsec: 2 })]);
  const file = fileOf(folder, 'a.xtc2', large);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const name of [pipe, file]) {
    const seen: [number, boolean][] = [];
    const writing = name === pipe ? pipeline(createReadStream(file), createWriteStream(pipe)) : Promise.resolve();
    await readAll(await openBytes(name), (one) => seen.push([one.offset, one.whole]), {
      headersOnly: true,
      blockSize: 4096,
    });
    await writing;
    t.same(seen, [
      [0, true],
      [24, false],
      [3_000_048, true],
    ]);
  }
});

t.test('a file is read no further than its end when a dgram says more', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', stream.subarray(0, stream.length - 5));
  const reader = await readAll(await openBytes(file), () => {}, { headersOnly: true });
  t.match(reader.findings, [{ code: 'incomplete-payload', index: 50, resume: null }]);
});

t.test('standard input is read from where it stands', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', stream);
  const code = `import { openBytes } from './lib/stream/source.ts';
    import { readAll } from './test/stream/streams.ts';
    const seen = [];
    const reader = await readAll(await openBytes('-'), (one) => seen.push(one.offset));
    console.log(JSON.stringify([seen.length, seen[0], reader.findings.length]));`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const script = `{ head -c 24 >/dev/null; ${process.execPath} --import tsx --input-type=module -e "$CODE"; } < ${file}`;
  const { stdout } = await execa('bash', ['-c', script], { cwd, env: { CODE: code } });
  t.equal(stdout, '[50,0,0]', 'one dgram was taken by somebody else');
});

t.test('a stop signal ends the wait for bytes, and the rest is not called incomplete', async (t) => {
  const folder = temporaryFolder(t);
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = createWriteStream(pipe);
  writer.write(stream.subarray(0, 30));
  const stop = new AbortController();
  const seen: number[] = [];
  const reading = readAll(await openBytes(pipe), (one) => seen.push(one.index), { stop: stop.signal });
  await sleep(20);
  stop.abort();
  const reader = await reading;
  t.same(seen, [0]);
  t.same(reader.findings, []);
  writer.destroy();
});

t.test('a stop signal ends the wait for somebody to open the pipe', async (t) => {
  const pipe = join(temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  const source = await openBytes(pipe, stop.signal);
  await readAll(source, () => t.fail('there is no dgram'), { stop: stop.signal });
});

t.test('what cannot be read is an InputError with the name (exit status 2)', async (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing.xtc2');
  await t.rejects(openBytes(missing), { code: 'unreadable-input', message: 'no such file', place: { file: missing } });
  await t.rejects(openBytes(folder), { code: 'unreadable-input', message: 'is a directory', place: { file: folder } });
  await t.rejects(openBytes(join(fileOf(folder, 'x', Buffer.alloc(0)), 'y')), { code: 'unreadable-input' });
});

t.test('a device is a stream like any other', async (t) => {
  t.match((await readAll(await openBytes('/dev/null'), () => {})).findings, [{ code: 'empty-file' }]);
  t.ok(existsSync('/dev/zero'));
});

t.test('closing works any number of times', async (t) => {
  const source = await openBytes(fileOf(temporaryFolder(t), 'a.xtc2', stream));
  source.close();
  source.close();
  t.pass();
});
