/** calib-serve as a process: its address, its log, its faults, its balance. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { put, sixOf, temporaryFolder } from '../calib/numpy-file.ts';
import { executable, PROJECT, run } from '../executable.ts';

interface Served {
  url: string;
  child: ChildProcess;
  /** Waits for a text on stderr. */
  said: (text: RegExp) => Promise<string>;
  /** Ends it. @returns exit status, 128 + n for a signal */
  end: () => Promise<number>;
}

async function serve(t: Test, ...args: string[]): Promise<Served> {
  const child = spawn(executable('calib-serve'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  let stderr = '';
  let changed = () => {};
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
    changed();
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const [url] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return {
    url,
    child,
    said: async (text) => {
      while (!text.test(stderr)) {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
      return stderr;
    },
    end: async () => {
      child.kill('SIGTERM');
      const [code] = (await ended) as [number];
      return code;
    },
  };
}

async function documents(url: string, path: string, query: object): Promise<Record<string, unknown>[]> {
  const asked = await fetch(`${url}/${path}?query_string=${encodeURIComponent(JSON.stringify(query))}`);
  return (await asked.json()) as Record<string, unknown>[];
}

t.test('the example folder: documents by run, contents, and the log', async (t) => {
  const log = join(temporaryFolder(t), 'requests.jsonl');
  const { url, end } = await serve(t, join(PROJECT, 'examples/calib'), '--log', log, '-p', '3');
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/calib_ws$/);
  const early = await documents(url, 'cdb_any/epix', { detector: 'epix', run: { $lte: 9 } });
  t.same(early.map(({ ctype }) => ctype).sort(), ['geometry', 'pedestals']);
  const later = await documents(url, 'cdb_any/epix', { detector: 'epix', run: { $lte: 12 } });
  const pedestals = later.find(({ run, ctype }) => ctype === 'pedestals' && run === 10);
  t.match(pedestals, { run_end: 19, comment: /cooling/, data_dtype: 'float32', data_shape: '(16, 16)' });
  const bytes = Buffer.from(await (await fetch(`${url}/cdb_any/gridfs/${pedestals!.id_data}`)).arrayBuffer());
  t.same([bytes.length, bytes.readFloatLE(0)], [1024, 101]);
  const one = (await (await fetch(`${url}/cdb_any/epix/${pedestals!._id}`)).json()) as object;
  t.same(one, pedestals);
  const own = await documents(url, 'cdb_epix/epix', {});
  t.same(
    own.map(({ ctype }) => ctype),
    ['pixel_mask'],
  );
  t.equal(await end(), 143);
  const lines = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.equal(lines.length, 5);
  t.match(lines[0], { path: '/calib_ws/cdb_any/epix', status: 200, query: '{"detector":"epix","run":{"$lte":9}}' });
});

t.test('what is asked wrongly is answered, counted and balanced', async (t) => {
  const { url, child, said, end } = await serve(t, join(PROJECT, 'examples/calib'), '--metrics', '0');
  const status = async (path: string, init?: RequestInit) => (await fetch(`${url}${path}`, init)).status;
  t.equal(await status('/cdb_x/nothing'), 200, 'an empty list');
  t.equal(await status('/cdb_x/gridfs/0123'), 404);
  t.equal(await status('/../../etc/passwd'), 404);
  t.equal(await status('/a/b/c/d'), 404);
  t.equal(await status('/cdb_x/epix?query_string={"run":{"$where":"1"}}'), 400);
  t.equal(await status('/cdb_x/epix?query_string=nonsense'), 400);
  t.equal(await status('/cdb_x/epix', { method: 'POST', body: '{}' }), 405);
  t.equal(await status('/%ff'), 404);
  child.kill('SIGUSR1');
  await said(/in 8 = out 1 \+ not-found 4 \+ refused 3/);
  const metrics = /metrics at (\S+)/.exec(await said(/metrics at/))![1]!;
  const text = await (await fetch(metrics)).text();
  t.match(text, /daqpipe_in_total\{command="calib-serve"\} 8/);
  t.match(text, /daqpipe_unaccounted\{command="calib-serve"\} 0/);
  t.equal(await end(), 143);
  t.match(await said(/<I>/), /<I> calib-serve: OK in 8 = out 1/);
});

t.test('faults on purpose: statuses at first, then constants that break off', async (t) => {
  const { url, said, end } = await serve(
    t,
    join(PROJECT, 'examples/calib'),
    '--fail',
    '503:2',
    '--cut',
    '100',
    '-u',
    'standin',
  );
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await fetch(`${url}/cdb_x/epix`)).status);
  t.same(statuses, [503, 503, 200]);
  const docs = await documents(url, 'cdb_x/epix', {});
  const long = docs.find(({ ctype }) => ctype === 'pedestals')!;
  await t.rejects((await fetch(`${url}/cdb_x/gridfs/${long.id_data}`)).arrayBuffer());
  const short = docs.find(({ ctype }) => ctype === 'geometry')!;
  t.equal((await fetch(`${url}/cdb_x/gridfs/${short.id_data}`)).status, 200);
  await end();
  t.match(await said(/<I>/), /<I> standin: OK in 6 = out 3 \+ failed-on-purpose 3/);
});

t.test('--det: a folder under its unique id, and its long one in the list of names', async (t) => {
  const folder = temporaryFolder(t);
  put(folder, 'epix/gain.npy', sixOf('<f4', 2));
  const { url } = await serve(t, folder, '--det', 'epix=epix100:1111111111,2222222222');
  const long = 'epix100_1111111111_2222222222';
  t.same(await documents(url, 'cdb_detnames/epix100', { long }), [{ long, short: 'epix' }]);
  t.match(await documents(url, 'cdb_x/epix', { detector: 'epix' }), [{ ctype: 'gain', detector: 'epix' }]);
  t.match(await documents(url, `cdb_x/${long}`, {}), [{ ctype: 'gain', detector: long }]);
});

t.test('a file that is no constant fails its request, with its name, and nothing else', async (t) => {
  const folder = temporaryFolder(t);
  put(folder, 'epix/gain.npy', 'this is no array at all');
  put(folder, 'opal/gain.npy', sixOf('<f4', 2));
  const { url, said } = await serve(t, folder);
  const answer = await fetch(`${url}/cdb_x/epix`);
  t.equal(answer.status, 500);
  t.match(await answer.text(), /epix\/gain\.npy: this is no file of numpy\.save/);
  await said(/epix\/gain\.npy: this is no file/);
  t.equal((await fetch(`${url}/cdb_x/opal`)).status, 200);
});

t.test('mistakes on the command line', async (t) => {
  t.match(await run('calib-serve', ['/nowhere']), { status: 2, stderr: /nowhere: no such file/ });
  t.match(await run('calib-serve', []), { status: 2 });
  const folder = join(PROJECT, 'examples/calib');
  t.match(await run('calib-serve', [folder, '--fail', 'often']), { status: 2, stderr: /CODE or CODE:N/ });
  t.match(await run('calib-serve', [folder, '--det', 'epix']), { status: 2, stderr: /NAME=TYPE/ });
  t.match(await run('calib-serve', [folder, '--log', '/nowhere/log']), { stderr: /nowhere\/log: cannot write/ });
  t.match(await run('calib-serve', [folder, '--host', '192.0.2.1']), { status: 2, stderr: /cannot listen/ });
});
