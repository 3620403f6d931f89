/**
 * eb-join against a plain copy of the same bytes through the same pipes (a loop of system calls, and dgram-cat): small events and large
 * ones, as XTC2 and as records with pulse ids, all recorded. Results come from a file. Start-up is part of all of them.
 * Run: npm run bench eb-join
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultBytes } from '../test/trigger/result-bytes.ts';
import { asRecords, asXtc, detectorRun } from '../test/trigger/streams.ts';
import { compare } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-eb-join-'));
const file = (name: string) => join(folder, name);
writeFileSync(file('config.json'), JSON.stringify({ common: 0, drps: [{ id: 0, alias: 'd', rog: 0, buffers: 4096 }] }));

/** Reads and writes as eb-join does, and does nothing in between. */
const COPY = `
const { readSync, writeSync } = require('node:fs');
const block = Buffer.allocUnsafeSlow(256 * 1024);
for (let n; (n = readSync(0, block)) > 0; ) for (let at = 0; at < n; ) at += writeSync(1, block, at, n - at);
`;
writeFileSync(file('copy.cjs'), COPY);

function pipeline(middle: string, input: string): string {
  return `cat ${input} | ${middle} | cat > /dev/null`;
}

try {
  for (const [name, events, padding, goal] of [
    ['events of 200 bytes', 300_000, 104, 4],
    ['events of 100 kB', 6000, 100_000, 2],
  ] as const) {
    const run = detectorRun(events, { padding });
    writeFileSync(
      file('results'),
      Buffer.concat(run.map(({ pid, svc, rogs }) => resultBytes({ pid, svc, rogs, persist: 1 }))),
    );
    for (const [format, bytes] of [
      ['xtc2', asXtc],
      ['ebd', asRecords],
    ] as const) {
      writeFileSync(file('events'), bytes(run));
      const joined = `bin/eb-join --receiver 0 --config ${file('config.json')} --results ${file('results')} --record -`;
      const copies = [['system calls', `node ${file('copy.cjs')}`, goal] as const];
      const others = format === 'xtc2' ? [['dgram-cat', 'bin/dgram-cat --format xtc2 -', goal / 2] as const] : [];
      for (const [copy, command, most] of [...copies, ...others]) {
        await compare({
          name: `eb-join, ${name}, ${format}`,
          reference: { name: copy, run: () => wall(pipeline(command, file('events'))) },
          candidate: { name: 'eb-join', run: () => wall(pipeline(joined, file('events'))) },
          goal: most,
          clock: 'wall',
          rounds: 3,
          work: { amount: events, unit: 'events' },
        });
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function wall(command: string): void {
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}
