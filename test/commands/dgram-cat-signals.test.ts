/** dgram-cat and signals, while it waits. */

import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import t from 'tap';
import { executable } from '../executable.ts';
import { writtenSeeds } from '../fuzz/seeds.ts';
import { temporaryFolder } from '../stream/streams.ts';
import { dgram } from '../xtc/raw.ts';

const DGRAM_CAT = executable('dgram-cat');
const [flat] = writtenSeeds() as [Buffer, Buffer, Buffer];

/** A dgram-cat that waits at a named pipe after its first dgrams. */
async function waiting(folder: string, args: readonly string[] = []) {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const child = execa(DGRAM_CAT, ['--format', 'jsonl', '--no-data', ...args, pipe], { reject: false });
  const writer = createWriteStream(pipe);
  writer.on('error', () => {});
  writer.write(flat);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { child, writer };
}

t.test('SIGINT and SIGTERM end in order: what came is written, status 128 + n', async (t) => {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { child, writer } = await waiting(temporaryFolder(t));
    child.kill(signal);
    const result = await child;
    writer.destroy();
    t.equal(result.exitCode, status, signal);
    t.equal(result.stdout.split('\n').length, 10);
  }
});

t.test('SIGUSR1 does not kill and opens no debugger', async (t) => {
  const { child, writer } = await waiting(temporaryFolder(t));
  child.kill('SIGUSR1');
  await new Promise((resolve) => child.stderr.once('data', resolve));
  writer.end(dgram({ sec: 5000 }));
  const result = await child;
  t.equal(result.exitCode, 0);
  t.equal(result.stdout.split('\n').length, 11);
  t.notMatch(result.stderr, /[Dd]ebugger/);
});

t.test('SIGINT ends the wait for somebody who writes', async (t) => {
  const pipe = join(temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const child = execa(DGRAM_CAT, [pipe], { reject: false });
  // Its answer to SIGUSR1 says that the signals are in its hands.
  let words = '';
  child.stderr.on('data', (text: Buffer) => {
    words += text.toString();
  });
  for (let i = 0; i < 200 && !/in 0|balance/.test(words); i++) {
    await sleep(i === 0 ? 1000 : 100);
    child.kill('SIGUSR1');
  }
  child.kill('SIGINT');
  t.equal((await child).exitCode, 130);
});
