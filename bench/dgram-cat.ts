/**
 * Reading dgrams, against plain 1 MiB reads of the same file in Node. Run: npm run bench dgram-cat
 * The file has 1,000,000 dgrams of about 850 bytes with 6 ShapesData and 32 fields each, and a second one 1000 of 1 MiB.
 */

import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DgramReader, type DgramReaderOptions } from '../lib/stream/dgram-reader.ts';
import { FileSource } from '../lib/stream/source.ts';
import { namesBlockOf } from '../lib/xtc/describe.ts';
import type { Dgram } from '../lib/xtc/dgram.ts';
import { makeEnv, SERVICE } from '../lib/xtc/service.ts';
import type { ShapesData } from '../lib/xtc/shapes-data.ts';
import { Walker } from '../lib/xtc/walk.ts';
import { DgramWriter } from '../lib/xtc/writer.ts';
import { childCpu, compare } from './harness.ts';

const EVENTS = 1_000_000;
const LARGE_EVENTS = 1000;
const folder = mkdtempSync(join(tmpdir(), 'daqpipe-bench-'));
const small = join(folder, 'small.xtc2');
const large = join(folder, 'large.xtc2');
const bin = join(fileURLToPath(new URL('..', import.meta.url)), 'bin', 'dgram-cat');

/** Two segments of a digitiser with raw, fex and a second raw block: 32 fields in 6 blocks. */
const descriptions = [0, 1].flatMap((segment) => [
  namesBlockOf({
    nodeId: 1,
    namesId: segment * 3,
    detType: 'hsd',
    detName: 'hsd',
    segment,
    alg: 'raw',
    version: [1, 0, 0],
    fields: [
      { name: 'energy', type: 'DOUBLE' },
      { name: 'a', type: 'FLOAT', rank: 2 },
      { name: 'n', type: 'INT64' },
      { name: 'b', type: 'FLOAT', rank: 2 },
    ],
  }),
  namesBlockOf({
    nodeId: 1,
    namesId: segment * 3 + 1,
    detType: 'hsd',
    detName: 'hsd',
    segment,
    alg: 'fex',
    version: [1, 0, 0],
    fields: [...'abcdefgh']
      .map((name) => ({ name, type: 'INT32' as const }))
      .concat([{ name: 'i', type: 'INT32' as const }])
      .concat([{ name: 'j', type: 'INT32' as const }]),
  }),
  namesBlockOf({
    nodeId: 1,
    namesId: segment * 3 + 2,
    detType: 'cspad',
    detName: 'cspad',
    segment,
    alg: 'raw',
    version: [1, 0, 0],
    fields: [
      { name: 'image', type: 'UINT16', rank: 2 },
      { name: 'gain', type: 'UINT8', rank: 1 },
    ],
  }),
]);
const values = {
  energy: 1.5,
  n: 3,
  a: { shape: [3, 3], data: new Float32Array(9) },
  b: { shape: [3, 3], data: new Float32Array(9) },
  c: 1,
  d: 2,
  e: 3,
  f: 4,
  g: 5,
  h: 6,
  i: 7,
  j: 8,
  image: { shape: [3, 6], data: new Uint16Array(18) },
  gain: new Uint8Array(16),
};
const scalars = { ...values, a: 1, b: 2 };

function write(file: string, events: number, imageSize: number): number {
  const writer = new DgramWriter();
  const fd = openSync(file, 'w');
  const header = (service: number, nsec: number) => ({ sec: 1, nsec, env: makeEnv(service, 1) });
  writer.begin(header(SERVICE.Configure, 0));
  for (const names of descriptions) writer.names(names);
  writeSync(fd, writer.finish());
  const image = {
    ...values,
    ...(imageSize > 0 ? { image: { shape: [1, imageSize], data: new Uint16Array(imageSize) } } : {}),
  };
  writer.begin(header(SERVICE.L1Accept, 1));
  for (const names of descriptions) writer.data(names, names.alg === 'fex' ? scalars : image);
  const event = writer.finish();
  const perBlock = Math.max(1, Math.min(1000, Math.floor((1 << 22) / event.length)));
  const block = Buffer.concat(Array.from({ length: perBlock }, () => event));
  for (let left = events; left > 0; left -= perBlock)
    writeSync(fd, block.subarray(0, Math.min(left, perBlock) * event.length));
  closeSync(fd);
  return event.length;
}

function plainRead(file: string): void {
  const fd = openSync(file, 'r');
  const block = Buffer.allocUnsafeSlow(1 << 20);
  let position = 0;
  for (let bytes = 1; bytes > 0; position += bytes) bytes = readSync(fd, block, 0, block.length, position);
  closeSync(fd);
}

async function pass(file: string, options: DgramReaderOptions, take: (dgram: Dgram) => void): Promise<void> {
  const fd = openSync(file, 'r');
  const reader = new DgramReader(new FileSource(file, fd, fstatSync(fd).size), options);
  let dgrams = 0;
  do {
    while (reader.next()) {
      dgrams++;
      take(reader.dgram);
    }
  } while (await reader.fill());
  if (reader.findings.length > 0 || dgrams < 2) throw new Error(`the pass over ${file} failed`);
}

const sums = new Float64Array(2);

function countBlock(): void {
  sums[0] = sums[0]! + 1;
}

function touch(block: ShapesData): void {
  const { count, names } = block;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += names.fields[i]!.rank === 0 ? block.number(i) : block.bytes[block.at(i)]!;
  sums[0] = sums[0]! + count;
  sums[1] = sums[1]! + sum;
}

try {
  const size = write(small, EVENTS, 0);
  console.log(`${EVENTS} dgrams of ${size} bytes`);
  const plain = { name: '1 MiB reads', run: () => plainRead(small) };
  const work = { amount: EVENTS, unit: ' dgrams' };
  const walkAll = () => {
    const walker = new Walker();
    const visitor = { header: countBlock };
    return pass(small, {}, (dgram) => walker.walk(dgram, visitor));
  };
  const touchAll = () => {
    const walker = new Walker();
    const visitor = { data: touch };
    return pass(small, {}, (dgram) => walker.walk(dgram, visitor));
  };
  await compare({
    name: 'headers',
    reference: plain,
    candidate: { name: 'DgramReader', run: () => pass(small, {}, () => {}) },
    goal: 1.4,
    work,
  });
  await compare({
    name: 'walk of all ShapesData',
    reference: plain,
    candidate: { name: 'Walker', run: walkAll },
    goal: 1.7,
    work,
  });
  await compare({
    name: 'every field touched',
    reference: plain,
    candidate: { name: 'ShapesData', run: touchAll },
    goal: 5,
    work,
  });

  const bare = childCpu(
    `${process.execPath} -e "const fs=require('fs'),b=Buffer.allocUnsafeSlow(1<<20),f=fs.openSync('${small}');while(fs.readSync(f,b)>0);"`,
  );
  for (const [name, options] of [
    ['--format jsonl --no-data', '--format jsonl --no-data'],
    ['lines --no-data', '--no-data'],
    ['--stats', '--stats'],
    ['--check', '--check'],
    ['--format xtc2', '--format xtc2'],
  ]) {
    const seconds = Math.min(
      childCpu(`${bin} ${options} ${small} > /dev/null`),
      childCpu(`${bin} ${options} ${small} > /dev/null`),
    );
    console.log(
      `whole process ${name}: ${(seconds / bare).toFixed(2)}x a process that only reads (${seconds.toFixed(2)} s / ${bare.toFixed(2)} s), ${(EVENTS / seconds / 1e3).toFixed(0)} k dgrams/s`,
    );
  }

  const largeSize = write(large, LARGE_EVENTS, 262_144);
  console.log(`${LARGE_EVENTS} dgrams of ${largeSize} bytes`);
  const plainLarge = { name: '1 MiB reads', run: () => plainRead(large) };
  await compare({
    name: 'large dgrams, headers',
    reference: plainLarge,
    candidate: { name: 'headersOnly', run: () => pass(large, { headersOnly: true }, () => {}) },
    goal: 1.2,
  });
  await compare({
    name: 'large dgrams, whole',
    reference: plainLarge,
    candidate: { name: 'DgramReader', run: () => pass(large, {}, () => {}) },
    goal: 1.2,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
