/** Our server with the existing system's client and each of its faults; our clients with a stand-in of the existing server. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { SERVICE } from '../../lib/xtc/service.ts';
import { executable } from '../executable.ts';
import { needsShared } from '../golden.ts';
import {
  dgramsIn,
  fileOf,
  liveRun,
  newTag,
  objectsOf,
  type Process,
  rowsOf,
  serve,
  start,
  UPSTREAM_CLIENT,
  upstream,
} from './server-process.ts';

const here = dirname(fileURLToPath(import.meta.url));
const PYTHON = { PYTHONPATH: join(here, '../../python') };
const shared = needsShared('conformance', 'upstream_shm_client.py');
const hex = (dgram: Buffer) => crc32(dgram).toString(16).padStart(8, '0');
const isEvent = (dgram: Buffer) => dgram.readUInt32LE(8) >>> 24 === SERVICE.L1Accept;

/** Everything that a client of the existing system printed is sound, and what was in it went in. */
async function sound(t: Test, client: Process, input: readonly Buffer[], status = 0): Promise<number> {
  const { status: ended, stdout, words } = await client.done;
  t.equal(ended, status, words);
  const rows = rowsOf(stdout);
  const known = new Set(input.map(hex));
  const data = rows.filter(({ crc }) => crc !== undefined);
  t.ok(data.every(({ crc }) => known.has(crc!)));
  t.equal(data[0]?.service, 'Configure');
  t.equal(rows.at(-1)?.problems, 0, words);
  return data.filter(({ event }) => event === 'event').length;
}

for (const order of ['--distributed', '--serial']) {
  t.test(`${order}: after each fault of a bad client a good one gets Configure and events`, shared, async (t) => {
    const tag = newTag();
    const input = liveRun(200);
    const server = await serve(t, tag, [
      fileOf(t, input),
      order,
      '-c',
      '3',
      '--loop',
      '0',
      '-r',
      '1000',
      '--wait',
      '0',
    ]);
    for (const fault of ['token', 'connect', 'keep', 'transition', 'close:3', 'kill:3']) {
      const bad = upstream(t, tag, '--fault', fault, '--quiet', '--timeout', '60');
      // The stubborn ones stay while the good one works.
      if (fault === 'keep') await bad.says(/"L1Accept"|Enable/, 'lines');
      else if (fault === 'transition') await bad.says(/Enable/, 'lines');
      else await bad.done;
      const got = await sound(t, upstream(t, tag, '--crc', '--events', '20'), input);
      t.equal(got, 20, fault);
      bad.kill('SIGKILL');
      await bad.done;
    }
    server.kill('SIGTERM');
    const { words } = await server.done;
    t.notMatch(words, /NOT BALANCED/);
    t.same(objectsOf(tag), []);
  });
}

t.test('4 clients with holds, two Pythons and two of ours: everything received is what went in', shared, async (t) => {
  const tag = newTag();
  const input = liveRun(600, 2000);
  const server = await serve(t, tag, [fileOf(t, input), '-c', '4', '-n', '8', '--wait', '4', '-r', '1500']);
  const theirs = [upstream(t, tag, '--crc', '--hold', '3'), upstream(t, tag, '--crc', '--hold', '17')];
  const ours = ['every', 'depth=2'].map((how) =>
    start(t, executable('dgram-cat'), ['--format', 'xtc2', `shm:${tag}?${how}`]),
  );
  let events = 0;
  for (const client of theirs) events += await sound(t, client, input);
  const known = new Set(input.map(hex));
  for (const { done } of ours) {
    const { stdout } = await done;
    const got = await dgramsIn(t, stdout);
    t.ok(got.every((dgram) => known.has(hex(dgram))));
    t.equal(got.filter((dgram) => !isEvent(dgram)).length, 7);
  }
  const { words } = await server.done;
  t.ok(Number(/out (\d+)/.exec(words.slice(words.indexOf('<I>')))?.[1]) >= events);
});

const PRINT = `
import sys
from daqpipe import live
with live.Live(sys.argv[1], depth=int(sys.argv[2]), reconnect="reconnect" in sys.argv) as source:
    for dgram in source:
        sys.stdout.buffer.write(bytes(dgram.view))
        if dgram.service.name == "L1Accept":
            assert dgram["hsd"][0].raw.trace[0] == int(dgram["hsd"][0].raw.energy * 2), dgram
    sys.stderr.write("received %d = given %d + replaced %d + invalid %d\\n" % source.counts)
`;
const python = (t: Test, tag: string, depth = 64) => start(t, 'python3', ['-c', PRINT, tag, String(depth)], PYTHON);

t.test('daqpipe.live: transitions all and in order, events decoded, counts closed', async (t) => {
  const tag = newTag();
  const input = liveRun(200);
  await serve(t, tag, [fileOf(t, input), '-c', '1', '-r', '1000']);
  const { status, stdout, words } = await python(t, tag).done;
  t.equal(status, 0, words);
  const got = await dgramsIn(t, stdout);
  const known = new Set(input.map(hex));
  t.ok(got.length > 7 && got.every((dgram) => known.has(hex(dgram))));
  t.same(got.filter((dgram) => !isEvent(dgram)).map(hex), input.filter((dgram) => !isEvent(dgram)).map(hex));
  t.match(words, /received (\d+) = given \1 \+ replaced 0 \+ invalid 0/);
});

t.test('daqpipe.live without a server ends with 2 and says so', async (t) => {
  const { status, words } = await start(t, 'python3', ['-m', 'daqpipe.live', newTag(), '--wait', '0.1'], PYTHON).done;
  t.equal(status, 2);
  t.match(words, /No such file/);
});

for (const order of ['distributed', 'serial']) {
  t.test(`${order}: shm:TAG and daqpipe.live with a server that is not ours`, shared, async (t) => {
    const tag = newTag();
    const input = liveRun(150);
    const args = [join(here, 'standin_server.py'), dirname(UPSTREAM_CLIENT), tag, fileOf(t, input), order, '2', '300'];
    const server = start(t, 'python3', args);
    const clients = [start(t, executable('dgram-cat'), ['--format', 'xtc2', `shm:${tag}?every`]), python(t, tag)];
    const known = new Set(input.map(hex));
    const counts: number[] = [];
    for (const { done } of clients) {
      const { status, stdout, words } = await done;
      t.equal(status, 0, words);
      const got = await dgramsIn(t, stdout);
      t.ok(got.every((dgram) => known.has(hex(dgram))));
      t.equal(got.filter((dgram) => !isEvent(dgram)).length, 7);
      t.match(words, /invalid 0/);
      counts.push(got.filter(isEvent).length);
    }
    const { stdout, words } = await server.done;
    const { events, given, returned } = JSON.parse(stdout.toString() || '{}') as Record<string, number>;
    t.equal(events, 150, words);
    t.equal(returned, given, 'every buffer came back');
    t.ok(given! > 0);
    t.same(order === 'serial' ? counts : [counts[0]! + counts[1]!], order === 'serial' ? [given, given] : [given]);
  });
}

t.test('examples/live/running_mean.py runs', async (t) => {
  const tag = newTag();
  await serve(t, tag, [fileOf(t, liveRun(200)), '--loop', '0', '-r', '500']);
  const example = join(here, '../../examples/live/running_mean.py');
  const { status, stdout, words } = await start(t, 'python3', [example, tag, 'gmd', 'fex', 'count', '3'], PYTHON).done;
  t.equal(status, 0, words);
  t.match(stdout.toString(), /gmd count, event 3: mean/);
});
