/** eb-join --record runs:PATTERN: each run in files of its own, and the small data of a run point into the file of that run. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../executable.ts';
import { scratch } from '../trigger/streams.ts';

const CONFIG = { common: 0, drps: [{ id: 0, alias: 'timing_0', rog: 0, buffers: 4096 }], mebs: [] };

t.test('two runs, two pairs of files', async (t) => {
  const folder = scratch(t);
  const parts: Buffer[] = [];
  for (const number of [14, 15]) {
    const description = join(folder, `${number}.yaml`);
    const detector = `detectors:\n  - {name: hsd, kind: waveform, samples: ${number}}\n`;
    writeFileSync(description, `experiment: tstx00117\nrun: ${number}\nevents: 20\n${detector}`);
    parts.push((await run('dgram-gen', [description])).stdout);
  }
  writeFileSync(join(folder, 'two.xtc2'), Buffer.concat(parts));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
  const outcome = await run('eb-join', [
    ...['--receiver', '0', '--config', join(folder, 'config.json'), '--events', join(folder, 'two.xtc2')],
    // Nobody decides, so everything is recorded, and said to be undecided.
    ...['--results', '/dev/null', '--on-missing', 'record'],
    ...['--record', `runs:${folder}/{exp}-r{run}-s001-c{chunk}.xtc2`],
    ...['--smd', `runs:${folder}/smalldata/{exp}-r{run}-s001-c000.smd.xtc2`],
  ]);
  t.equal(outcome.status, 1, outcome.stderr);
  for (const number of [14, 15]) {
    const big = join(folder, `tstx00117-r00${number}-s001-c000.xtc2`);
    const small = join(folder, 'smalldata', `tstx00117-r00${number}-s001-c000.smd.xtc2`);
    const check = await run('dgram-cat', ['--check', big, small]);
    t.equal(check.status, 0, String(check.stdout));
    t.equal(readFileSync(big).length, parts[number - 14]!.length, 'all of the run');
    const index = async (file: string) =>
      String((await run('dgram-cat', ['--format', 'jsonl', '--service', 'L1Accept', file])).stdout)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const [events, pointers] = [await index(big), await index(small)];
    t.same(
      pointers.map(({ data }) => data.smdinfo['0'].offsetAlg),
      events.map(({ offset, size }) => ({ intOffset: offset, intDgramSize: size })),
    );
    t.equal(events.length, 20);
  }
});
