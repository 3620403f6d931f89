/** `map-up` with real processes: from file to result, by HTTP, from a process file, and with deaths. */

import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { freePorts } from '../../lib/mapreduce/up/folder.ts';
import { executable, PROJECT, run } from '../executable.ts';
import { childrenOf, commandLineOf, isThere } from '../mapreduce/up/processes.ts';
import { until } from '../until.ts';

const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const SLOW = `export default class {
  async processEvent(event) {
    const { htype, frame } = JSON.parse(event.streams.get('det').frames[0].toString());
    await new Promise((done) => setTimeout(done, 20));
    return htype === 'image' ? { sum: frame } : undefined;
  }
}`;
const IMAGES = `{kind: stins, file: ${EXAMPLES}/images.cbors}`;
const REDUCER = `${EXAMPLES}/histogram-reducer.mjs`;

t.setTimeout(180_000);

function folderOf(t: Test, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'map-up-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function started(t: Test, args: readonly string[]) {
  const child = execa(executable('map-up'), args, { reject: false, stdin: 'ignore' });
  let words = '';
  child.stderr.on('data', (text) => {
    words += String(text);
  });
  t.teardown(() => child.kill('SIGKILL'));
  return { child, words: () => words };
}

async function completed(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/progress`).catch(() => undefined);
  return answer ? ((await answer.json()) as { completed_events: number }).completed_events : 0;
}

t.test('the example, from its file to its result', async (t) => {
  const folder = folderOf(t, {});
  const result = join(folder, 'sums.json');
  const { status, stdout, stderr } = await run('map-up', [join(EXAMPLES, 'scan.yaml'), '--result', result]);
  t.equal(status, 0, stderr);
  t.match(
    stdout.toString(),
    /events: total 102 = complete 102\ndet: received 102 = sent 102\nresults: sent 100 = accepted 100/,
  );
  const { total, sums, counts, counts_attrs } = JSON.parse(readFileSync(result, 'utf8'));
  t.equal(total, 40_400, 'sum of 8 * (frame + 1)');
  t.equal(Object.keys(sums).length, 100);
  t.equal(counts.length, 20);
  t.same(counts_attrs, { bin: 100 });
  t.notOk(readdirSync(EXAMPLES).includes('logs'), 'a clean run leaves no logs');
});

t.test('Python, JSON, logs, parameters', async (t) => {
  const folder = folderOf(t, {
    'scan.json': JSON.stringify({
      streams: { det: { kind: 'stins', file: `${EXAMPLES}/images.cbors` } },
      workers: { payload: 'sums:Sums', count: 1 },
      reducer: 'sums:Histogram',
      map: { events: 100 },
      parameters: { threshold: 50, treshold: 60 },
    }),
    'sums.py': readFileSync(join(EXAMPLES, 'sums.py'), 'utf8'),
  });
  const result = join(folder, 'sums.json');
  const args = [join(folder, 'scan.json'), '--result', result, '-o', join(folder, 'logs')];
  const { status, stderr } = await run('map-up', args);
  t.equal(status, 0, stderr);
  t.match(stderr, /no class has a parameter treshold; there are .*threshold/);
  t.match(stderr, /the map runs: map-control watch --url http:\S+; results: http:/);
  t.equal(
    JSON.parse(readFileSync(result, 'utf8')).total,
    8 * Array.from({ length: 51 }, (_, i) => i + 50).reduce((a, b) => a + b),
  );
  const logs = readdirSync(join(folder, 'logs'), { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  t.equal(logs.length, 5);
});

t.test('it stays, takes maps over HTTP, tells a death at once, and leaves nothing', async (t) => {
  const folder = folderOf(t, {
    'slow.mjs': SLOW,
    'scan.yaml': `streams: {det: ${IMAGES}}\nworkers: {payload: slow.mjs, count: 2}\nreducer: ${REDUCER}\n`,
    'map.json': JSON.stringify({ parts: { p: { det: [[{ constraint: 0 }]] } }, sequence: Array(100).fill('p') }),
  });
  const { child, words } = started(t, [join(folder, 'scan.yaml')]);
  const url = await until('the ensemble', () => /--url (http:\S+)/.exec(words())?.[1]);
  const children = childrenOf(child.pid!);
  for (const pid of children) t.notMatch(commandLineOf(pid), /redis:\/\/:/, 'no password');
  const post = execa(executable('map-control'), ['post', join(folder, 'map.json'), '--wait', '--url', url], {
    reject: false,
  });
  const worker = children.find((pid) => commandLineOf(pid).includes('--name worker-1'))!;
  await until('some events', async () => (await completed(url)) > 10);
  process.kill(worker, 'SIGKILL');
  const { exitCode, stdout } = await post;
  t.equal(exitCode, 0, stdout);
  t.match(stdout, /complete\): 102 of 102 events$/);
  await until(
    'the words',
    () => /finished \(complete\): 102 of 102 events; ready for another map/.test(words()) || undefined,
  );
  child.kill('SIGUSR1');
  await until('the balance', () => /^map-up: events: total 102 = complete 102$/m.test(words()) || undefined);
  child.kill('SIGINT');
  const end = await child;
  t.equal(end.exitCode, 0, end.stderr);
  t.match(end.stdout, /events: total 102 = complete 102\n/);
  t.match(end.stdout, /worker-1: started again once; it counts from then on/);
  t.match(end.stderr, /worker-1 ended with 137; it is started again/);
  t.notOk(children.some(isThere));
});

t.test('a map that runs is ended in order; what is not done is counted', async (t) => {
  const [port] = await freePorts(1);
  const scan = `streams: {det: ${IMAGES}}\nworkers: slow.mjs\nreducer: ${REDUCER}\nmap: {events: 100}\ncontrol: {port: ${port}}\n`;
  const folder = folderOf(t, { 'slow.mjs': SLOW, 'scan.yaml': scan });
  const { child } = started(t, [join(folder, 'scan.yaml'), '-o', join(folder, 'logs')]);
  await until('some events', async () => (await completed(`http://127.0.0.1:${port}`)) > 10);
  child.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await child;
  t.equal(exitCode, 3, stderr);
  t.match(stderr, /the logs are in/);
  const [, total, complete, unfinished] = (/total (\d+) = complete (\d+) \+ unfinished (\d+)/.exec(stdout) ?? []).map(
    Number,
  );
  t.same([total, complete! + unfinished!], [102, 102], stdout);
});

t.test('kill -9 of map-up takes everybody with it', async (t) => {
  const folder = folderOf(t, {
    'scan.yaml': `streams: {det: ${IMAGES}}\nworkers: ${EXAMPLES}/sums-worker.mjs\nreducer: ${REDUCER}\n`,
  });
  const { child, words } = started(t, [join(folder, 'scan.yaml')]);
  await until('the ensemble', () => words().includes('ready for maps'));
  const children = childrenOf(child.pid!);
  t.ok(children.length >= 6, `${children.length} children`);
  child.kill('SIGKILL');
  await child;
  await until('the end of all', () => !children.some(isThere));
});

t.test('a process file', async (t) => {
  const worker = `map-work --js ${EXAMPLES}/sums-worker.mjs`;
  const folder = folderOf(t, {
    'map.json': JSON.stringify({ parts: { p: { det: [[{ constraint: 0 }]] } }, sequence: Array(100).fill('p') }),
  });
  const [control, http] = await freePorts(2);
  writeFileSync(
    join(folder, 'b.cnf'),
    `procmgr_config = [
  {id: 'w0', flags: 's', cmd: '${worker}'}, {id: 'w1', flags: 's', cmd: '${worker}'},
  {id: 'det', flags: 's', cmd: 'map-ingest --kind stins --stream det --upstream file:${EXAMPLES}/images.cbors'},
  {id: 'red', flags: 's', cmd: 'map-reduce --js ${REDUCER} --bind tcp://127.0.0.1:* --port ${http}'},
  {id: 'ctl', flags: 's', cmd: 'map-control --port ${control}'}]
`,
  );
  const result = join(folder, 'r.json');
  const args = [join(folder, 'b.cnf'), '--map', join(folder, 'map.json'), '--once', '--result', result];
  const { status, stdout, stderr } = await run('map-up', args, { env: { REDIS_URL: '' } });
  t.equal(status, 0, stderr);
  t.match(stdout.toString(), /events: total 102 = complete 102/);
  t.equal(JSON.parse(readFileSync(result, 'utf8')).total, 40_400);
});

t.test('what cannot be', async (t) => {
  const folder = folderOf(t, {
    'typo.yaml': 'streams: {det: x}\nworker: m:W\n',
    'class.yaml': `streams: {det: ${IMAGES}}\nworkers: none:Such\nreducer: ${REDUCER}\n`,
    'x.txt': '',
  });
  const typo = await run('map-up', [join(folder, 'typo.yaml')]);
  t.match(typo, { status: 2, stderr: /typo.yaml:2:1: worker: there is no such key/ });
  t.match(await run('map-up', [join(folder, 'x.txt')]), { status: 2, stderr: /a scan file ends in/ });
  t.match(await run('map-up', [join(folder, 'typo.yaml'), '--result', 'x.csv']), {
    status: 2,
    stderr: /ends in .json/,
  });
  const missing = await run('map-up', [join(folder, 'class.yaml'), '-o', join(folder, 'logs')]);
  t.match(missing, {
    status: 1,
    stderr: /worker-\d cannot start: .*none:Such: ModuleNotFoundError: No module named 'none'/,
  });
  t.notMatch(missing.stderr, /started again/);
});

t.test('why events have failed, and why somebody does not stay, is said', async (t) => {
  const folder = folderOf(t, {
    'raises.mjs': `export default class {
      processEvent({ event_number }) { if (event_number === 7) throw new Error('seven'); }
    }`,
    'raises.yaml': `streams: {det: ${IMAGES}}\nworkers: raises.mjs\nreducer: ${REDUCER}\nmap: {events: 10}\n`,
    'absent.yaml': `streams: {det: {kind: stins, file: absent.cbors}}\nworkers: raises.mjs\nreducer: ${REDUCER}\nmap: {events: 2}\n`,
  });
  const raised = await run('map-up', [join(folder, 'raises.yaml'), '-o', join(folder, 'logs')]);
  t.match(raised, { status: 3, stderr: /worker-\d: event 7: Error: seven/ });
  const absent = await run('map-up', [join(folder, 'absent.yaml'), '-o', join(folder, 'logs')]);
  t.match(absent, {
    status: 3,
    stderr: /det-ingester ended with 2; it is started again: .*absent.cbors: no such file/,
  });
});

t.test("the port of the controller is somebody else's", async (t) => {
  const other = createServer((_, answer) => answer.end('<html>')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const folder = folderOf(t, {
    'scan.yaml': `streams: {det: ${IMAGES}}\nworkers: m.mjs\nreducer: ${REDUCER}\nmap: {events: 2}\ncontrol: {port: ${port}}\n`,
  });
  const { status, stderr } = await run('map-up', [join(folder, 'scan.yaml'), '-o', join(folder, 'logs')]);
  t.equal(status, 1);
  t.match(stderr, /control cannot start: .*the port is in use/);
  const asked = await run('map-control', ['status', '--url', `http://127.0.0.1:${port}`]);
  t.match(asked, { status: 1, stderr: /what answers is no map-control \(HTTP 200\)/ });
});
