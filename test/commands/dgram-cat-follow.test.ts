/** dgram-cat -f: files that grow, end, and go on in chunks. */

import { appendFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import t from 'tap';
import { executable, run } from '../executable.ts';
import { writtenSeeds } from '../fuzz/seeds.ts';
import { fileOf, streamOf, temporaryFolder } from '../stream/streams.ts';
import { CONFIGURE, data, dgram, ENABLE, names, shapes, shapesData, u32 } from '../xtc/raw.ts';

const DGRAM_CAT = executable('dgram-cat');
const [flat] = writtenSeeds() as [Buffer, Buffer, Buffer];
const lines = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1);

t.test('-f follows a growing file to EndRun', async (t) => {
  const whole = streamOf(1);
  const file = fileOf(temporaryFolder(t), 'a.xtc2', whole.subarray(0, 100));
  const child = execa(DGRAM_CAT, ['-f', '--timeout', '20', '--format', 'xtc2', file], {
    encoding: 'buffer',
    reject: false,
  });
  for (let at = 100; at < whole.length; at += 300) {
    await sleep(30);
    appendFileSync(file, whole.subarray(at, at + 300));
  }
  const result = await child;
  t.equal(result.exitCode, 0);
  t.ok(Buffer.from(result.stdout).equals(whole));
});

t.test('-f without EndRun gives up after the time-out, with status 3 and without calling the tail wrong', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', flat.subarray(0, flat.length - 30));
  const { status, stdout, stderr } = await run('dgram-cat', ['-f', '--timeout', '0', '--format', 'jsonl', file]);
  t.equal(status, 3);
  t.equal(lines(stdout).length, 8);
  t.match(stderr, /nothing came/);
  t.notMatch(stderr, /incomplete/);
});

t.test('-f goes on with the chunk that an Enable announces, with its descriptions (section 14)', async (t) => {
  const folder = join(temporaryFolder(t), 'data');
  mkdirSync(folder);
  const CHUNKINFO = names(
    [
      { name: 'filename', type: 10, rank: 1 },
      { name: 'chunkid', type: 2 },
    ],
    { id: 0x1fc, det: 'chunkinfo', alg: 'chunkinfo' },
  );
  const RAW = names([{ name: 'x', type: 2 }]);
  const value = (x: number) => shapesData([data(u32(x))]);
  const name = Buffer.from('/elsewhere/run-c001.xtc2\0');
  const announcement = shapesData([shapes([name.length]), data(name, u32(1))], 0x1fc);
  const first = fileOf(
    folder,
    'run-c000.xtc2',
    Buffer.concat([
      dgram({ service: CONFIGURE }, CHUNKINFO, RAW),
      dgram({ nsec: 1 }, value(1)),
      dgram({ service: ENABLE, nsec: 2 }, announcement),
    ]),
  );
  const second = Buffer.concat([dgram({ nsec: 3 }, value(2)), dgram({ service: 5, nsec: 4 })]);
  for (const format of ['jsonl', 'xtc2']) {
    const child = execa(DGRAM_CAT, ['-f', '--timeout', '20', '--format', format, first], {
      encoding: 'buffer',
      reject: false,
    });
    await sleep(300);
    renameSync(fileOf(folder, 'part', second), join(folder, 'run-c001.xtc2'));
    const result = await child;
    const stdout = Buffer.from(result.stdout);
    t.equal(result.exitCode, 0, Buffer.from(result.stderr).toString());
    if (format === 'jsonl')
      t.match(JSON.parse(lines(stdout)[3]!), { index: 0, data: { det: { '0': { raw: { x: 2 } } } } });
    else t.ok(stdout.equals(Buffer.concat([readFileSync(first), second])));
  }
});
