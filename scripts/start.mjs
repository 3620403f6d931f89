// `npm start`: the main job on data the project makes itself, showing a person what happened. Everything goes to a temporary folder.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const folder = mkdtempSync(join(tmpdir(), 'daqpipe-'));
const environment = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}`, RUN: folder };
let problems = 0;

/** Shows a command line as a person would type it, runs it in bash, and shows what it printed. */
function show(title, command, { lines = 12, expect = 0 } = {}) {
  console.log(`\n${bold(title)}\n$ ${command}`);
  const { stdout, stderr, status } = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const printed = stdout.trimEnd().split('\n');
  console.log(printed.slice(0, lines).join('\n'));
  if (printed.length > lines) console.log(`... ${printed.length - lines} more lines`);
  if (stderr.trim() !== '') console.log(dim(stderr.trim()));
  if (status !== expect) {
    problems++;
    console.log(`ended with status ${status} instead of ${expect}`);
  }
}

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const bold = (text) => (colour ? `\x1b[1m${text}\x1b[0m` : text);
const dim = (text) => (colour ? `\x1b[2m${text}\x1b[0m` : text);

try {
  console.log(bold('daqpipe: data acquisition as Unix commands'));
  show(
    '1. Simulate a run of two detectors, and look at it',
    'dgram-gen -n 200 > $RUN/run.xtc2 && dgram-cat $RUN/run.xtc2',
  );
  show('2. What is in an event?', 'dgram-cat -d --service L1Accept -n 1 $RUN/run.xtc2', { lines: 20 });
  show('3. Rates, sizes, damage', 'dgram-cat --stats $RUN/run.xtc2', { lines: 30 });
  show(
    '4. A configuration document becomes a Configure dgram, and comes back',
    'json2xtc examples/config/hsd_0.json $RUN/config.xtc2 && xtc2json $RUN/config.xtc2 | head -5',
  );
  show(
    '5. Python in the data path: find photons in camera images, in two processes, and drop the images',
    'dgram-gen examples/runs/area-camera.yaml -n 200 > $RUN/raw.xtc2 && drp-python examples/drp/photons.py -W 2 -i $RUN/raw.xtc2 -o $RUN/fex.xtc2 && dgram-cat -d --alg fex --service L1Accept -n 1 $RUN/fex.xtc2',
    { lines: 20 },
  );
  console.log(`\nWith the images ${size('raw.xtc2')}, with features instead of them ${size('fex.xtc2')}`);
  show(
    '6. What would a script do? Ask before the run',
    'drp-python --check examples/drp/photons.py -i $RUN/raw.xtc2 2>/dev/null',
    { lines: 20 },
  );
  show('7. Is every file sound?', 'for f in $RUN/*.xtc2; do dgram-cat --check $f | head -1; done');
  show(
    '8. Does every readout group overlap the common group? Prove it, pulse by pulse',
    'rog-validate --partition examples/timing/two-cameras.yaml',
    { lines: 14 },
  );
  show('9. And a partition that would lose events', 'rog-validate --partition examples/timing/lost-events.yaml', {
    lines: 14,
    expect: 1,
  });
  show(
    '10. The whole trigger chain: four detectors, decisions in Python, recorded files, a viewer',
    'examples/trigger/pipeline.sh $RUN/recorded 2>/dev/null',
    { lines: 20 },
  );
  show(
    '11. Constants: fetched once, given to two processes that start when they like',
    'examples/calib/one-per-detector.sh 2>/dev/null | tail -3',
  );
  show(
    '12. Accumulate over four workers and two collectors: a record per heartbeat',
    'dgram-gen -n 1500 2>/dev/null | graph-run examples/graph/energy.yaml --heartbeat 500ev -W 4 -L 2 --names mean,spectrum.counts',
  );
  show(
    '13. The same kind of pipelines as supervised processes',
    'daq-run start examples/supervise/camera.yaml --foreground -o $RUN/logs',
  );
  // Map-reduce keeps its state in Redis, which is no part of this package.
  if (spawnSync('redis-server', ['--version']).status === 0) {
    show(
      '14. Events over many workers: Redis, controller, ingester, workers and reducer from one file; the sum of 100 images is 40400',
      'map-up examples/mapreduce/scan.yaml --result $RUN/sums.json && grep \'"total": 40400\' $RUN/sums.json',
    );
  } else console.log('\n14. map-up is left out: there is no redis-server here');
  const beamline = 'examples/beamline.cnf -p 9 -D run=$RUN/beam -D events=200 -o $RUN/beam-logs';
  show(
    '15. A whole beamline: 20 processes from one process file, a run of 200 events; what came in, went out and was not passed on',
    `daq-run start ${beamline} > $RUN/started && sleep 3 && daq-run stop ${beamline} | sed -n '/ stage /,$p' | grep -v 'adds up' && for f in $RUN/beam/recorded/*; do echo $(basename $f): $(dgram-cat --check $f); done`,
    { lines: 30 },
  );
  console.log('Without events=200 it goes on: daq-run start examples/beamline.cnf; its comments say the rest.');
  console.log(
    `\n${problems === 0 ? 'All of it worked.' : `${problems} steps went wrong.`} Next: README.md, or "daqpipe" for the list of commands.`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = problems === 0 ? 0 : 1;

function size(name) {
  return `${(statSync(join(folder, name)).size / 1e6).toFixed(1)} MB`;
}
