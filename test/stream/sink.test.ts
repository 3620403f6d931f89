/** Sinks of dgrams: stdout, files that appear whole, pipes. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Lifecycle } from '../../lib/cli/lifecycle.ts';
import { Output } from '../../lib/cli/output.ts';
import { openSink } from '../../lib/stream/open.ts';
import { OutputSink } from '../../lib/stream/sink.ts';
import { sampleRun } from './sample-run.ts';

function folderOf(test: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-sink-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

t.test('a file appears when it is complete', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'run.xtc2');
  writeFileSync(file, 'before');
  const sink = await openSink(file);
  for (const dgram of sampleRun(100)) sink.bytes(dgram);
  await sink.drain();
  t.equal(readFileSync(file, 'utf8'), 'before', 'the old one stays until then');
  await sink.close();
  await sink.close();
  sink.abandon();
  t.ok(readFileSync(file).equals(Buffer.concat(sampleRun(100))));
  t.same(readdirSync(folder), ['run.xtc2']);
});

t.test('an abandoned file leaves no trace, nor does a hard end', async (t) => {
  const folder = folderOf(t);
  const lifecycle = new Lifecycle();
  const [first, second] = [await openSink(join(folder, 'a')), await openSink(join(folder, 'b'), { lifecycle })];
  for (const sink of [first, second]) {
    for (const dgram of sampleRun(3)) sink.bytes(dgram);
    await sink.drain();
  }
  t.equal(readdirSync(folder).length, 2);
  first.abandon();
  lifecycle.runEmergencies();
  t.same(readdirSync(folder), []);
  await first.close();
  t.same(readdirSync(folder), [], 'closing afterwards changes nothing');
});

t.test('what cannot be written is an error at once', async (t) => {
  const folder = folderOf(t);
  await t.rejects(openSink(join(folder, 'none', 'a')), { code: 'output-failed', message: /no such folder/ });
  await t.rejects(openSink(folder), { code: 'output-failed', message: /directory/ });
});

t.test('a named pipe is written as it is, and its reader sees the end', async (t) => {
  const folder = folderOf(t);
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const dgrams = sampleRun(2000);
  const { promises } = await import('node:fs');
  const reading = promises.readFile(pipe);
  const sink = await openSink(pipe);
  for (const dgram of dgrams) sink.bytes(dgram);
  await sink.close();
  t.ok((await reading).equals(Buffer.concat(dgrams)));
  t.same(readdirSync(folder), ['pipe']);
});

t.test('- is the stdout that was given', async (t) => {
  const out = new Output();
  const sink = await openSink('-', { stdout: out });
  t.type(sink, OutputSink);
  t.equal(sink.name, '-');
  t.notOk(sink.full);
});
