/** `runs:` sinks: one file for each run, as the existing system records. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSink } from '../../lib/stream/open.ts';
import { RunFileName } from '../../lib/stream/runs/name.ts';
import { RunSplitter } from '../../lib/stream/runs/splitter.ts';
import type { RunInfo } from '../../lib/xtc/run-info.ts';
import { envService, SERVICE } from '../../lib/xtc/service.ts';
import { run } from '../executable.ts';
import { Random } from '../random.ts';

/** A stream of one Configure and several runs, made by the simulator. */
async function stream(folder: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const number of [14, 15]) {
    const description = join(folder, `${number}.yaml`);
    writeFileSync(
      description,
      `experiment: tstx00117\nrun: ${number}\nevents: 20\ndetectors:\n  - {name: hsd, kind: waveform, samples: 64}\n`,
    );
    const { stdout, stderr, status } = await run('dgram-gen', [description]);
    if (status !== 0) throw new Error(stderr);
    parts.push(stdout);
  }
  return Buffer.concat(parts);
}

function dgramsOf(bytes: Buffer): Buffer[] {
  const dgrams: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += dgrams.at(-1)!.length) {
    dgrams.push(bytes.subarray(at, at + 12 + bytes.readUInt32LE(at + 20)));
  }
  return dgrams;
}

const serviceOf = (dgram: Buffer) => envService(dgram.readUInt32LE(8));

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-runs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test('names: experiment, run and chunk; nothing from the data leads out of the folder', (t) => {
  const name = new RunFileName('out/{exp}/{exp}-r{run}-s001-c{chunk}.xtc2');
  t.equal(name.of({ exp: 'tstx00117', run: 14 }, 0), 'out/tstx00117/tstx00117-r0014-s001-c000.xtc2');
  t.equal(name.of({ exp: '../../etc', run: 14 }, 2), 'out/noexp/noexp-r0014-s001-c002.xtc2');
  t.equal(name.of({ exp: undefined, run: undefined }, 0), 'out/noexp/noexp-r0000-s001-c000.xtc2');
  t.throws(() => new RunFileName('a.xtc2'), { message: /needs \{run\}/ });
  t.throws(() => new RunFileName('{run}{day}'), { message: /no \{day\}/ });
  t.end();
});

t.test('runs are found whatever pieces the bytes come in', async (t) => {
  const folder = folderOf(t);
  const bytes = await stream(folder);
  const found = (pieces: readonly Buffer[]) => {
    const runs: { info: RunInfo; bytes: Buffer; ended: boolean }[] = [];
    const splitter = new RunSplitter({
      begin: (info, head) => runs.push({ info, bytes: Buffer.concat(head), ended: false }),
      bytes: (view) => {
        runs.at(-1)!.bytes = Buffer.concat([runs.at(-1)!.bytes, view]);
      },
      end: () => {
        runs.at(-1)!.ended = true;
      },
    });
    for (const piece of pieces) splitter.take(piece);
    return runs;
  };
  const whole = found([bytes]);
  t.same(
    whole.map(({ info }) => info),
    [
      { exp: 'tstx00117', run: 14 },
      { exp: 'tstx00117', run: 15 },
    ],
  );
  t.ok(whole.every(({ ended }) => ended));
  const wanted = dgramsOf(bytes).filter((dgram) => serviceOf(dgram) !== SERVICE.Unconfigure);
  t.same(Buffer.concat(whole.map((run) => run.bytes)), Buffer.concat(wanted), 'every dgram of the runs, in order');
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(4) ** random.below(7);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    t.same(found(pieces), whole, `seed ${seed}`);
  }
  t.same(found(dgramsOf(bytes)), whole, 'dgram by dgram');
});

t.test('a second BeginRun of one Configure makes a file that begins with the Configure', async (t) => {
  const folder = folderOf(t);
  const dgrams = dgramsOf(await stream(folder));
  const again = dgrams.findLastIndex((dgram) => serviceOf(dgram) === SERVICE.Configure);
  const sink = await openSink(`runs:${folder}/out/r{run}.xtc2`);
  for (const [i, dgram] of dgrams.entries()) if (i !== again) sink.bytes(dgram);
  await sink.drain();
  await sink.close();
  for (const number of [14, 15]) {
    const name = join(folder, 'out', `r00${number}.xtc2`);
    t.equal((await run('dgram-cat', ['--check', name])).status, 0, name);
    t.same(dgramsOf(readFileSync(name))[0], dgrams[0]);
  }
});

t.test('a run under way is .inprogress; an end in order gives it its name, nothing is written over', async (t) => {
  const folder = folderOf(t);
  const dgrams = dgramsOf(await stream(folder));
  const part = Buffer.concat(dgrams.slice(0, 12));
  const open = (pattern: string) => openSink(`runs:${folder}/${pattern}`);
  const sink = await open('r{run}-c{chunk}.xtc2');
  sink.bytes(part);
  await sink.drain();
  t.same(readFileSync(join(folder, 'r0014-c000.xtc2.inprogress')), part, 'what was drained can be read');
  sink.abandon();
  t.ok(existsSync(join(folder, 'r0014-c000.xtc2.inprogress')), 'it stays when the writer is killed');

  const next = await open('r{run}-c{chunk}.xtc2');
  next.bytes(part);
  await next.close();
  t.same(readFileSync(join(folder, 'r0014-c001.xtc2')), part, 'the next chunk');
  t.same(readFileSync(join(folder, 'r0014-c000.xtc2.inprogress')), part, 'the first is untouched');

  const fixed = await open('r{run}-c001.xtc2');
  t.throws(() => fixed.bytes(part), { message: /recorded already/ });
  fixed.abandon();
  t.same(readdirSync(folder).filter((name) => name.startsWith('r')).length, 2);
});

t.test('data without BeginRun, and without Configure, are recorded all the same', async (t) => {
  const folder = folderOf(t);
  const dgrams = dgramsOf(await stream(folder));
  const events = Buffer.concat(dgrams.filter((dgram) => serviceOf(dgram) === SERVICE.L1Accept));
  const sink = await openSink(`runs:${folder}/{exp}-{run}-{chunk}.xtc2`);
  sink.bytes(events);
  sink.bytes(dgrams[0]!);
  sink.bytes(events);
  await sink.close();
  t.same(readFileSync(join(folder, 'noexp-0000-000.xtc2')), events);
  t.same(readFileSync(join(folder, 'noexp-0000-001.xtc2')), Buffer.concat([dgrams[0]!, events]));
});
