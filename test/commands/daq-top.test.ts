/** `daq-top`, the real executable, over real processes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { serveMetrics } from '../../lib/cli/metrics.ts';
import { executable, run } from '../executable.ts';
import { type Process, start } from '../live/server-process.ts';
import { transitionDgram } from '../stream/sample-run.ts';
import { needsTerminal, terminalOf } from '../terminal.ts';

/** A run-time folder of its own, so that other processes of this user do not show. */
const folder = mkdtempSync(join(tmpdir(), 'daqpipe-top-'));
const own = { XDG_RUNTIME_DIR: folder, TMPDIR: folder };
const env = { ...process.env, ...own };
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** A process that waits for dgrams, and its address. */
async function stage(t: Test, alias: string): Promise<{ process: Process; address: string }> {
  const child = start(t, executable('dgram-cat'), ['-', '-u', alias, '--metrics', '0'], own);
  const announced = /metrics at http:\/\/([\d.:]+)\/metrics/;
  await child.says(announced);
  return { process: child, address: announced.exec(child.words())![1]! };
}

const top = (...args: string[]) => run('daq-top', args, { env });

t.test('processes are found by themselves, in a table and in JSON; one that was killed is passed over', async (t) => {
  // Others of this user show too.
  const mine = `t${process.pid}-`;
  const one = await stage(t, `${mine}one`);
  await stage(t, `${mine}two`);
  one.process.write(transitionDgram(2, 0));
  let rows: { name: string; in: { total: number } }[] = [];
  for (let i = 0; i < 100 && rows[0]?.in.total !== 1; i++) {
    const { status, stdout } = await top('--json', '--interval', '0', '--sort', 'process', '--filter', mine);
    t.equal(status, 0);
    rows = JSON.parse(stdout.toString()).processes;
  }
  t.match(rows, [
    { name: `${mine}one`, command: 'dgram-cat', state: 'up', in: { total: 1 }, unaccounted: 0 },
    { name: `${mine}two`, state: 'up', in: { total: 0 } },
  ]);
  const table = await top('-i', '0.1', '--filter', mine);
  t.equal(table.status, 0);
  t.match(table.stdout.toString(), /^PROCESS[^\n]*\n(?:t\d+-(?:one|two) +up +0 +0 [^\n]*\n){2}$/);
  one.process.kill('SIGKILL');
  await one.process.done;
  const rest = await top('--json', '-i', '0', '--filter', mine);
  t.match(JSON.parse(rest.stdout.toString()).processes, [{ name: `${mine}two` }]);
});

t.test('nothing to show is an answer too', async (t) => {
  const { status, stderr } = await top(mkdtempSync(join(folder, 'empty-')));
  t.equal(status, 1);
  t.match(stderr, /no process to show/);
});

t.test('addresses, a list of them, URLs and folders; who does not answer is an answer', async (t) => {
  const { address } = await stage(t, 'cat');
  const list = join(folder, 'list');
  writeFileSync(list, `# ours\n${address}  # the first\n\n`);
  const announced = join(folder, 'daqpipe');
  for (const word of [address, list, `http://${address}`, `http://${address}/metrics`, announced]) {
    const { status, stdout } = await top(word, '--filter', 'cat', '-i', '0', '--json');
    t.equal(status, 0, word);
    t.match(JSON.parse(stdout.toString()).processes.at(-1), { name: 'cat', state: 'up' }, word);
  }
  const silent = await top('1', '-i', '0');
  t.equal(silent.status, 1);
  t.match(silent.stdout.toString(), /silent .*nobody listens there/);
});

t.test('nonsense is said as such', async (t) => {
  const server = createServer((request, response) =>
    request.url === '/metrics' ? response.end('<html>') : response.writeHead(500).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { status, stdout } = await top(String(port), `http://127.0.0.1:${port}/other`, '-i', '0');
  t.equal(status, 1);
  t.match(stdout.toString(), /line 1 is no metric/);
  t.match(stdout.toString(), /status 500/);
});

t.test('an open balance ends with 1', async (t) => {
  const server = await serveMetrics('0', { balance: () => ({ in: 5, out: 3, losses: {} }) }, { command: 'leaky' });
  t.teardown(() => server.close());
  const { status, stdout } = await top(server.url, '-i', '0');
  t.equal(status, 1);
  t.match(stdout.toString(), /leaky +up +- +- +- +2 /);
});

t.test('mistakes on the command line', async (t) => {
  const list = join(folder, 'bad');
  writeFileSync(list, 'what is this\n');
  for (const [args, message] of [
    [['nowhere'], /neither \[HOST:\]PORT/],
    [['99999'], /is not \[HOST:\]PORT/],
    [['-i', 'x'], /no number of seconds/],
    [['--sort', 'x'], /Expected --sort=x to be one of/],
    [[list], /is no address/],
  ] as const) {
    const { status, stderr } = await top(...args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, message);
  }
});

t.test('the screen: a process that vanishes stays visible as gone; NO_COLOR is honoured', needsTerminal, async (t) => {
  const { process: child } = await stage(t, 'victim');
  const terminal = terminalOf(t, `${executable('daq-top')} -i 0.1`, { ...own, NO_COLOR: '1' });
  await terminal.shows(/victim +up/);
  child.kill('SIGKILL');
  await terminal.shows(/victim +gone/);
  terminal.press('q');
  t.equal(await terminal.status(), 0);
  t.match(terminal.picture, /^\x1b\[\?1049h/);
  t.match(terminal.picture, /\x1b\[\?1049l/);
  t.notMatch(terminal.picture, /\x1b\[3[0-9]m/, 'no colours');
});
