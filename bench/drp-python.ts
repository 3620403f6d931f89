/**
 * drp-python against its limits. Run: npm run bench drp-python
 *
 * (a) --ipc posix, one worker, no edit, against a plain C driver of the same protocol that is compiled here; both need the stand-in of the
 *     existing worker from the shared folder, and run on one core each time, because otherwise the scheduler decides
 * (b) --ipc sysv, the same small dgrams, against (a)
 * (c) 4 MiB dgrams, no edit, against what the design needs: reading the file in blocks, and one copy of every dgram into a slot
 * (d) two workers with a CPU-bound script, against one
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { namesBlockOf } from '../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../lib/xtc/service.ts';
import { DgramWriter } from '../lib/xtc/writer.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'bin', 'drp-python');
const conformance = join(root, '..', 'shared', 'conformance');
const folder = mkdtempSync(join(tmpdir(), 'drp-bench-'));
const ROUNDS = 3;
/** As drp-python reads, and as many slots as a worker has. */
const BLOCK = 1 << 20;
const SLOTS = 4;

const camera = namesBlockOf({
  nodeId: 1,
  namesId: 0,
  detType: 'opal',
  detName: 'bench',
  segment: 0,
  alg: 'raw',
  version: [1, 0, 0],
  fields: [
    { name: 'image', type: 'UINT16', rank: 1 },
    { name: 'number', type: 'UINT32' },
  ],
});

/** A run of `events` events with `pixels` 16-bit pixels each. Returns the size of an event. */
function makeRun(file: string, events: number, pixels: number): number {
  const writer = new DgramWriter();
  const fd = openSync(file, 'w');
  let nsec = 1;
  const header = (service: number) => ({ sec: 1000, nsec: nsec++, env: makeEnv(service, 1), src: 1 });
  const put = (service: number) => {
    writer.begin(header(service));
    if (service === SERVICE.Configure) writer.names(camera);
    writeSync(fd, writer.finish());
  };
  for (const service of [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable]) put(service);
  writer.begin(header(SERVICE.L1Accept));
  writer.data(camera, { image: new Uint16Array(pixels), number: 1 });
  const event = Buffer.from(writer.finish());
  const per = Math.max(1, Math.floor((1 << 22) / event.length));
  const block = Buffer.concat(Array.from({ length: per }, () => event));
  for (let left = events; left > 0; left -= per) {
    for (let k = 0; k < per; k++) block.writeUInt32LE(nsec++, k * event.length);
    writeSync(fd, block.subarray(0, Math.min(per, left) * event.length));
  }
  for (const service of [SERVICE.Disable, SERVICE.EndStep, SERVICE.EndRun]) put(service);
  closeSync(fd);
  return event.length;
}

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Events per second as the command reports them; the best of a few rounds. */
function rate(args: readonly string[], env: Record<string, string> = {}, prefix: readonly string[] = []): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [program, ...rest] = [...prefix, command, ...args];
    const { stderr, status } = spawnSync(program!, rest, { encoding: 'utf8', env: { ...process.env, ...env } });
    const found = /(\d+) events\/s/.exec(stderr);
    if (status !== 0 || !found) throw new Error(`drp-python ${args.join(' ')}: ${stderr}`);
    best = Math.max(best, Number(found[1]));
  }
  return best;
}

const oneCore = ['taskset', '-c', '0'];
const k = (value: number) => `${(value / 1000).toFixed(1)} k/s`;

function posixAgainstC(file: string): number | undefined {
  if (!existsSync(conformance)) {
    console.log('(a) skipped: the stand-in of the existing worker is absent (../shared/conformance)');
    return undefined;
  }
  const driver = join(folder, 'drp-driver');
  execFileSync('cc', ['-O2', '-o', driver, join(root, 'bench', 'drp-driver.c'), '-lrt']);
  const noop = join(conformance, 'behave_noop.py');
  let reference = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const words = [driver, file, noop, '1048576', 'python3', '-u', join(conformance, 'upstream_drp_client.py')];
    const { stdout } = spawnSync(oneCore[0]!, [...oneCore.slice(1), ...words], { encoding: 'utf8' });
    const [events, seconds] = stdout.trim().split(' ').map(Number);
    reference = Math.max(reference, events! / seconds!);
  }
  const env = { PYTHONPATH: join(conformance, 'standin') };
  const ours = rate(
    [noop, '--ipc', 'posix', '-W', '1', '-D', 'bench_0', '-p', '5', '-i', file, '-o', '/dev/null'],
    env,
    oneCore,
  );
  console.log(
    `(a) posix, one worker, no edit, one core: ${(ours / reference).toFixed(2)} of the C driver (goal >= 0.8) ${k(ours)} / ${k(reference)}`,
  );
  return ours;
}

/**
 * Seconds for what no design avoids: the file is read in blocks of 1 MiB, and every dgram is copied once, into slots of the size and the
 * number that drp-python has. The blocks of a dgram lie side by side in memory that is used again, as in a reader.
 */
function neededSeconds(file: string, dgramBytes: number): number {
  const slots = Array.from({ length: SLOTS }, () => Buffer.allocUnsafeSlow(dgramBytes).fill(1));
  const memory = Buffer.allocUnsafeSlow(2 * dgramBytes + BLOCK).fill(1);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const fd = openSync(file, 'r');
    const start = process.hrtime.bigint();
    let have = 0;
    let dgrams = 0;
    for (let got = readSync(fd, memory, 0, BLOCK, null); got > 0; got = readSync(fd, memory, have, BLOCK, null)) {
      have += got;
      if (have < dgramBytes) continue;
      memory.copy(slots[dgrams++ % SLOTS]!, 0, 0, dgramBytes);
      have -= dgramBytes;
      memory.copyWithin(0, dgramBytes, dgramBytes + have);
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e9);
    closeSync(fd);
  }
  return best;
}

/** How much faster two independent Python processes are than one after the other, now, on this machine. */
function coresNow(): number {
  const words = ['-c', 'for i in range(100):\n s = 0\n for k in range(200000): s += k'];
  const time = (line: string) => {
    const start = process.hrtime.bigint();
    execFileSync('sh', ['-c', line, 'sh', 'python3', ...words]);
    return Number(process.hrtime.bigint() - start);
  };
  const one = time('"$@"');
  return (2 * one) / time('"$@" & "$@"; wait');
}

try {
  const small = join(folder, 'small.xtc2');
  const smallSize = makeRun(small, 100_000, 50);
  const noop = script('noop.py', 'def event(evt):\n    pass\n');
  console.log(`small dgrams: ${smallSize} bytes, ${cpus().length} cores`);
  const posix = posixAgainstC(small);
  const sysv = rate([noop, '-W', '1', '-i', small, '-o', '/dev/null'], {}, oneCore);
  const again = posix === undefined ? '' : `${(sysv / posix).toFixed(1)}x of (a) (goal >= 5x), `;
  console.log(`(b) sysv, one worker, no edit, one core: ${again}${k(sysv)}, ${(1e6 / sysv).toFixed(2)} us per event`);
  const touch = script(
    'touch.py',
    'from daqpipe import drp\ndef configure(cfg):\n    global fex\n    fex = cfg.add("fex", version=(0, 0, 1), n="uint32")\ndef event(evt):\n    evt.add(fex, n=evt.det.raw.number)\n',
  );
  const fex = rate([touch, '-W', '1', '-i', small, '-o', '/dev/null'], {}, oneCore);
  console.log(
    `    where the time goes: transport and loop ${(1e6 / sysv).toFixed(2)} us, reading one field and adding one ${(1e6 / fex - 1e6 / sysv).toFixed(2)} us of Python per event`,
  );

  const large = join(folder, 'large.xtc2');
  const events = 200;
  const largeSize = makeRun(large, events, 2 << 20);
  const needed = neededSeconds(large, largeSize);
  const big = rate([noop, '-W', '1', '--pebble', '5M', '-i', large, '-o', '/dev/null']);
  console.log(
    `(c) ${(largeSize / 1e6).toFixed(1)} MB dgrams, no edit: ${(events / big / needed).toFixed(2)}x reading and one copy alone (goal <= 1.5x) ${((big * largeSize) / 1e9).toFixed(1)} GB/s`,
  );

  const busy = script('busy.py', 'def event(evt):\n    s = 0\n    for i in range(20000):\n        s += i\n');
  const work = join(folder, 'work.xtc2');
  makeRun(work, 3000, 50);
  const cores = coresNow();
  const one = rate([busy, '-W', '1', '-i', work, '-o', '/dev/null']);
  const two = rate([busy, '-W', '2', '-i', work, '-o', '/dev/null']);
  console.log(
    `(d) CPU-bound script, two workers: ${(two / one).toFixed(2)}x one (goal >= 1.8x; two independent Pythons now: ${cores.toFixed(2)}x) ${two.toFixed(0)}/s / ${one.toFixed(0)}/s`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
