/** The three ways to place calib-pub: beside a DRP, on a node, for a detector (spec calib-pub.md, section 1). */

import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';
import { constantsFolder, PubProcess, privateFolder } from '../calib/pub-process.ts';
import { executable, PROJECT, run } from '../executable.ts';

interface Told {
  run: number;
  detectors: string[];
  constants: { ctype: string }[];
}

/** What calib-sub shows of one local endpoint. */
async function shown(detector: string, env: Record<string, string>): Promise<Told> {
  const { stdout, stderr, status } = await run('calib-sub', ['-d', detector, '--json', '--wait', '60'], { env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.toString()) as Told;
}

/** A run of segments of one detector; the BeginRun says nothing of experiment and run. */
function streamOf(segments: readonly (readonly [number, string])[]): Buffer {
  const dgrams = [SERVICE.Configure, SERVICE.BeginRun, SERVICE.EndRun].map((service, i) => {
    const writer = new DgramWriter();
    writer.begin({ sec: 1_000_000_000 + i, nsec: 0, env: makeEnv(service, 1) });
    if (service === SERVICE.Configure) {
      segments.forEach(([segment, detId], namesId) => {
        const fields = [{ name: 'image', type: 'UINT16' as const, rank: 2 }];
        const common = { nodeId: 1, detType: 'epix10ka', detName: 'epix', alg: 'raw', version: [1, 0, 0] as const };
        writer.names(namesBlockOf({ ...common, namesId, segment, detId, fields }));
      });
    }
    return Buffer.from(writer.finish());
  });
  return Buffer.concat(dgrams);
}

t.test('for a detector: two DRPs, one publisher, each content fetched once', async (t) => {
  const PATH = `${PROJECT}/bin${delimiter}${process.env.PATH}`;
  executable('calib-pub');
  const { stdout } = await execa(join(PROJECT, 'examples/calib/one-per-detector.sh'), { env: { PATH } });
  t.match(stdout, /both have the same constants\n3 contents were fetched, for two DRPs/);
});

t.test("serial numbers of all segments from the collection's result", async (t) => {
  const folder = privateFolder(t);
  const env = { XDG_RUNTIME_DIR: folder };
  const source = constantsFolder(folder);
  const drp = (alias: string, detId: string) => ({
    proc_info: { alias },
    connect_info: { detType: 'epix10ka', detId },
  });
  const drps = [drp('epix_1', '3'), drp('epix_0', '1'), drp('timing_0', '9'), drp('epix_3', '7'), drp('epix_2', '5')];
  const file = join(folder, 'connect.json');
  const write = (count: number) => writeFileSync(file, JSON.stringify({ body: { drp: { ...drps.slice(0, count) } } }));
  const args = [
    '-d',
    'epix',
    '--scope',
    'detector',
    '--connect-json',
    file,
    '--exp',
    'tst1',
    '--run',
    '7',
    '--source',
    source,
  ];
  write(4);
  const gap = await run('calib-pub', args, { env });
  t.equal(gap.status, 1);
  t.match(gap.stderr, /epix: segment 2 is missing/);
  write(5);
  const pub = new PubProcess(t, args, env);
  await pub.says(/npy-frames at/);
  t.match(await shown('epix', env), {
    run: 7,
    detectors: ['epix'],
    constants: [{ ctype: 'geometry' }, { ctype: 'pedestals' }],
  });
});

t.test('for a detector, a Configure with a segment missing is an error', async (t) => {
  const folder = privateFolder(t);
  const stream = join(folder, 'run.xtc2');
  writeFileSync(
    stream,
    streamOf([
      [0, '1'],
      [2, '5'],
    ]),
  );
  const args = ['-d', 'epix', '--from-stream', stream, '--source', constantsFolder(folder)];
  const env = { XDG_RUNTIME_DIR: folder };
  const whole = await run('calib-pub', [...args, '--scope', 'detector'], { env });
  t.equal(whole.status, 1);
  t.match(whole.stderr, /segment 1 is missing/);
  const own = await run('calib-pub', args, { env });
  t.equal(own.status, 0, 'beside a DRP its own segments are all that is wanted');
  t.match(own.stderr, /says neither experiment nor run/);
});

t.test('on a node: a socket for each segment, all with all detectors', async (t) => {
  const folder = privateFolder(t);
  const env = { XDG_RUNTIME_DIR: folder };
  const dets = ['--det', 'epix=epix10ka:5,7', '--det', 'opal=opal:1'];
  const names = ['-d', 'epix:0', '-d', 'epix:1', '-d', 'opal:0'];
  const rest = ['--exp', 'tst1', '--run', '7', '--source', constantsFolder(folder)];
  const pub = new PubProcess(t, [...names, ...dets, ...rest], env);
  await pub.says(/opal_0\.sock/);
  for (const name of ['epix_0', 'epix:1', 'opal_0']) t.same((await shown(name, env)).detectors, ['epix', 'opal'], name);
  pub.child.kill('SIGTERM');
  t.match(await pub.ended, { status: 143 });
  t.match(pub.stderr, /in 3 = out 3/);
});

t.test('without runinfo the detectors are published without constants', async (t) => {
  const folder = privateFolder(t);
  const env = { XDG_RUNTIME_DIR: folder };
  const stream = join(folder, 'run.xtc2');
  writeFileSync(stream, streamOf([[0, '1']]));
  const rest = [
    '--from-stream',
    stream,
    '--expect',
    '1',
    '--expect-timeout',
    '60',
    '--source',
    constantsFolder(folder),
  ];
  const pub = new PubProcess(t, ['-d', 'epix:0', ...rest], env);
  await pub.says(/npy-frames at/);
  t.match(await shown('epix:0', env), { run: 0, detectors: ['epix'], constants: [] });
  t.match(await pub.ended, { status: 0 });
});
