/**
 * `npm run long:live`: 1000 connects and disconnects at one server, half of them holding an event or lying, while four clients with random holds
 * read; then more random schedules of the core. Minutes, not seconds.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { executable } from '../executable.ts';
import { fileOf, liveRun, newTag, objectsOf, rawClient, serve, start } from './server-process.ts';

const CONNECTS = 1000;
const SCHEDULES = '300000';

const undo: (() => unknown)[] = [];
const scope = { teardown: (end: () => unknown) => void undo.push(end) };
const tag = newTag();
const server = await serve(scope, tag, [
  fileOf(scope, liveRun(500)),
  '--loop',
  '0',
  '-r',
  '1000',
  '-c',
  '8',
  '-n',
  '8',
]);
const readers = [0, 1, 2, 3].map(() =>
  start(scope, executable('dgram-cat'), ['--format', 'xtc2', '-o', '/dev/null', `shm:${tag}?every`]),
);
for (let i = 0; i < CONNECTS; i++) {
  const client = await rawClient(scope, tag);
  if (client === undefined) continue;
  if (i % 2 === 0) client.queue().tryReceive(Buffer.alloc(16));
  if (i % 5 === 0) client.answer(i);
  if (i % 7 === 0) client.returns().trySend(Buffer.alloc(16, i));
  client.close();
  if (i % 100 === 99) process.stdout.write(`${i + 1} connects\n`);
}
for (const reader of readers) reader.kill('SIGTERM');
for (const { done } of readers) process.stdout.write((await done).words);
server.kill('SIGTERM');
const { words } = await server.done;
process.stdout.write(`${words.split('\n').filter(Boolean).at(-1)}\n`);
const left = objectsOf(tag);
if (words.includes('NOT BALANCED') || left.length > 0) throw new Error(`left over: ${left.join(' ')}`);
for (const end of undo.reverse()) await end();
const core = fileURLToPath(new URL('live-core.test.ts', import.meta.url));
const { status } = spawnSync(process.execPath, ['--import', 'tsx', core], {
  stdio: 'inherit',
  env: { ...process.env, DAQPIPE_SCHEDULES: SCHEDULES },
});
process.exitCode = status ?? 1;
