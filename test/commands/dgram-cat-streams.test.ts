/** `dgram-cat` between sockets, files and scrapers: the real executable. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { executable, run } from '../executable.ts';
import { sampleRun } from '../stream/sample-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'daqpipe-cat-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'run.xtc2');
const whole = Buffer.concat(sampleRun(500, 100));
writeFileSync(file, whole);

function start(test: { teardown(end: () => void): void }, ...args: string[]): ChildProcess {
  const child = spawn(executable('dgram-cat'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  test.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** What a child has said on stderr up to a text. */
async function said(child: ChildProcess, wanted: RegExp): Promise<string> {
  let all = '';
  while (!wanted.test(all)) {
    const [bytes] = (await once(child.stderr!, 'data')) as [Buffer];
    all += bytes.toString();
  }
  return all;
}

t.test('a stream through a socket is unchanged, and both ends finish', async (t) => {
  const url = `zmq+ipc://${join(folder, 'a.sock')}`;
  const reader = run('dgram-cat', ['--format', 'xtc2', url]);
  const writer = await run('dgram-cat', ['--format', 'xtc2', '-o', url, file]);
  t.same([writer.status, writer.stderr, writer.stdout.length], [0, '', 0]);
  const { status, stdout, stderr } = await reader;
  t.same([status, stderr], [0, '']);
  t.ok(stdout.equals(whole));
  t.notOk(readdirSync(folder).includes('a.sock'));
});

t.test('tcp with a port of its own choice, merged from two sockets', async (t) => {
  const urls = [];
  const writers = [];
  for (let i = 0; i < 2; i++) {
    const writer = start(t, '--format', 'xtc2', '-o', 'zmq+tcp://:0', file);
    const [, url] = / is (zmq\+tcp:\/\/127\.0\.0\.1:\d+)/.exec(await said(writer, / is .*\n/))!;
    urls.push(url!);
    writers.push(writer);
  }
  const { status, stdout } = await run('dgram-cat', ['--merge', '--service', 'L1Accept', ...urls]);
  t.equal(status, 0);
  t.equal(stdout.toString().split('\n').length, 1001);
  for (const writer of writers) if (writer.exitCode === null) await once(writer, 'exit');
  t.same(
    writers.map(({ exitCode }) => exitCode),
    [0, 0],
  );
});

t.test('a reader that stops early: the writer says so, with status 3', async (t) => {
  const large = join(folder, 'large.xtc2');
  writeFileSync(large, Buffer.concat(sampleRun(200, 50_000)));
  const url = `zmq+ipc://${join(folder, 'b.sock')}`;
  const [reader, writer] = await Promise.all([
    run('dgram-cat', ['-n', '3', url]),
    run('dgram-cat', ['--format', 'xtc2', '-o', url, large]),
  ]);
  t.equal(reader.status, 0);
  t.equal(reader.stdout.toString().split('\n').length, 4);
  t.equal(writer.status, 3);
  t.match(writer.stderr, /b\.sock: the reader went away before the end of the stream/);
});

t.test('a writer that is killed: the reader keeps what came and says so, with status 3', async (t) => {
  const url = `zmq+ipc://${join(folder, 'c.sock')}`;
  const writer = start(t, '--format', 'xtc2', '-o', url);
  writer.stdin!.write(whole);
  const reader = start(t, '--format', 'jsonl', '--no-data', url);
  const lines = text(reader.stdout!);
  await once(reader.stdout!, 'readable');
  // Given to the socket before anything was read back; the rest follows at once.
  writer.kill('SIGKILL');
  const [[status], messages] = await Promise.all([once(reader, 'exit'), text(reader.stderr!)]);
  t.equal(status, 3);
  t.match(messages, /c\.sock: the writer went away without ending the stream/);
  t.ok((await lines).split('\n').length > 1);
});

t.test('SIGINT while nobody reads: in order and soon', async (t) => {
  const url = `zmq+ipc://${join(folder, 'd.sock')}`;
  const reader = start(t, url);
  const writer = start(t, '--format', 'xtc2', '--metrics', '0', '-o', `zmq+ipc://${join(folder, 'e.sock')}`, file);
  await said(writer, /metrics at/);
  for (let i = 0; i < 100 && !readdirSync(folder).includes('e.sock'); i++) await new Promise((r) => setTimeout(r, 20));
  writer.kill('SIGINT');
  const [status] = await once(writer, 'exit');
  t.equal(status, 3, 'the stream was lost');
  t.notOk(readdirSync(folder).includes('e.sock'));
  reader.kill('SIGTERM');
  t.same(await once(reader, 'exit'), [143, null]);
});

t.test('-o FILE appears whole; what the view cannot write is refused', async (t) => {
  const out = join(folder, 'out.xtc2');
  t.equal((await run('dgram-cat', ['--format', 'xtc2', '-o', out, file])).status, 0);
  t.ok(readFileSync(out).equals(whole));
  const smd = join(folder, 'out.smd.xtc2');
  t.equal((await run('dgram-cat', ['--format', 'smd', '-o', smd, file])).status, 0);
  t.ok(readFileSync(smd).equals((await run('dgram-cat', ['--format', 'smd', file])).stdout));
  t.equal((await run('dgram-cat', ['--format', 'xtc2', '-o', out, '-n', '1', out])).status, 0, 'onto itself');
  t.ok(readFileSync(out).equals(whole.subarray(0, sampleRun(0)[0]!.length)));
  const failed = await run('dgram-cat', ['--format', 'xtc2', '-o', out, join(folder, 'none')]);
  t.equal(failed.status, 2);
  t.ok(readFileSync(out).length > 0, 'a failure leaves the old file');
  t.same(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
  t.match(await run('dgram-cat', ['-o', out, file]), { status: 2, stderr: /--output goes with --format/ });
  t.match(await run('dgram-cat', ['nothere:x']), { status: 2, stderr: /no kind of stream "nothere:"; known are FILE/ });
});

t.test('SIGUSR1 prints the balance; --metrics shows the same numbers until the end', async (t) => {
  const child = start(t, '--service', 'L1Accept', '--metrics', '0', '-u', 'cat0');
  child.stdin!.write(whole);
  const [, url] = /^cat0: metrics at (http:\/\/127\.0\.0\.1:\d+\/metrics)$/m.exec(await said(child, /metrics at.*\n/))!;
  let metrics = '';
  while (!metrics.includes('daqpipe_in_total{command="dgram-cat",alias="cat0"} 503'))
    metrics = await (await fetch(url!)).text();
  t.match(metrics, 'daqpipe_out_total{command="dgram-cat",alias="cat0"} 500');
  t.match(metrics, 'daqpipe_not_out_total{reason="not-selected",command="dgram-cat",alias="cat0"} 3');
  t.match(metrics, 'daqpipe_unaccounted{command="dgram-cat",alias="cat0"} 0');
  t.match(metrics, `daqpipe_bytes_total{command="dgram-cat",alias="cat0"} ${whole.length}`);
  child.kill('SIGUSR1');
  t.match(await said(child, /\n/), /^cat0: in 503 = out 500 \+ not-selected 3\n$/);
  child.stdin!.end();
  child.stdout!.resume();
  t.same(await once(child, 'exit'), [0, null]);
  await t.rejects(fetch(url!));
});

t.test('merged events: contributions to events that are not written are not out', async (t) => {
  const child = start(t, '--merge', '--format', 'xtc2', '-n', '2', '--metrics', '0', file, file, '-o', 'zmq+tcp://:0');
  const url = /metrics at (\S+)/.exec(await said(child, /metrics at.*\n/))![1]!;
  let metrics = '';
  // Nobody reads, so it stays; Configure and BeginRun of both files are out, the part of the third event is not.
  while (!/daqpipe_out_total\S+ 4/.test(metrics)) metrics = await (await fetch(url)).text();
  t.match(metrics, /daqpipe_in_total\S+ 5\n/);
  t.match(metrics, /daqpipe_not_out_total\S+ 1\n/);
});

t.test('--metrics: addresses that cannot be had are usage errors', async (t) => {
  t.match(await run('dgram-cat', ['--metrics', 'x:y', file]), { status: 2, stderr: /is not \[HOST:\]PORT/ });
});
