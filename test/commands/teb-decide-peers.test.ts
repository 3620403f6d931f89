/** teb-decide and who it works with: deciders that fail, readers and connections that go away, monitors, metrics (spec teb.md, 4, 11, 12). */

import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { bufferWord } from '../../lib/trigger/wire/buffer-word.ts';
import {
  begin,
  bytesOf,
  configFile,
  decide,
  event,
  PASS_ALL,
  PATIENT,
  scratch,
  script,
  summaryOf,
  TebProcess,
} from '../trigger/teb-command.ts';

t.test('a decider that is killed: the events are decided again, by the next process', async (t) => {
  const folder = scratch(t);
  const file = script(
    folder,
    `import os\nopen(${JSON.stringify(`${folder}/pid`)}, "w").write(str(os.getpid()))\n${PASS_ALL}`,
  );
  const teb = new TebProcess(['--config', configFile(folder, [0]), ...PATIENT, '--script', file], 1);
  teb.send(0, [...begin(0), event(0, 2000)]);
  t.match(await teb.decision(2000), { persist: 1 });
  process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
  teb.send(0, [event(0, 2010), event(0, 2020)]);
  t.match(await teb.decision(2020), { persist: 1 });
  teb.end();
  t.equal(await teb.status(), 0, teb.stderr);
  t.equal(teb.summary.restarts, 1);
  t.ok(teb.summary.forced <= 1);
});

t.test('a script that fails for ever, or hangs: policy decisions for everything read, status 3', async (t) => {
  const folder = scratch(t);
  const config = ['--config', configFile(folder, [0]), ...PATIENT, '--format', 'jsonl', '--stats'];
  const input = bytesOf([...begin(0), ...Array.from({ length: 50 }, (_, k) => event(0, 2000 + k))]);
  const raising = script(folder, 'raise RuntimeError("no such crystal")\n');
  const failed = await decide([...config, '--script', raising], input);
  t.equal(failed.status, 3);
  t.match(failed.stderr, /no such crystal/);
  t.match(failed.stderr, /<E> teb-decide: given-up: /);
  const { contributions, decided } = summaryOf(failed.stderr);
  t.equal(contributions, decided);
  const hanging = script(folder, PASS_ALL.replace('ds.result(True, 0)', 'import time; time.sleep(100)'));
  const args = [...config, '--script', hanging, '--decide-timeout', '150', '--restarts', '0'];
  const hung = await decide([...args, '--on-error', 'discard'], input);
  t.equal(hung.status, 3);
  t.equal(hung.lines.length, 54);
  t.ok(hung.lines.every(({ persist, svc, forced }) => persist === 0 && (svc !== 12 || forced === 1)));
  const stopped = await decide([...args, '--on-error', 'stop'], input);
  t.equal(stopped.status, 3);
  t.equal(summaryOf(stopped.stderr).decided, summaryOf(stopped.stderr).contributions);
});

t.test('what a script prints is a log, not data', async (t) => {
  const folder = scratch(t);
  const file = script(folder, PASS_ALL.replace('    ds', '    print("looking at", event)\n    ds'));
  const { status, stdout, stderr } = await decide(
    ['--config', configFile(folder, [0]), ...PATIENT, '--script', file],
    bytesOf([...begin(0), event(0, 2000)]),
  );
  t.equal(status, 0, stderr);
  t.equal(stdout.length, 5 * 40);
  t.match(stderr, /\[script\] looking at/);
});

t.test(
  'SIGTERM: open events are closed and published, files are left in order, status as if the inputs had ended',
  async (t) => {
    const folder = scratch(t);
    const summary = join(folder, 'summary.json');
    const args = [
      '--config',
      configFile(folder, [0, 0]),
      ...PATIENT,
      '--script',
      script(folder, PASS_ALL),
      '--summary',
      summary,
    ];
    const teb = new TebProcess(args, 2);
    for (const src of [0, 1]) teb.send(src, begin(src));
    teb.send(0, [event(0, 2000)]);
    teb.send(1, [event(1, 2000)]);
    teb.send(0, [event(0, 2010)]);
    await teb.decision(2000);
    teb.child.kill('SIGUSR1');
    await teb.until(() => /waiting 1/.test(teb.stderr));
    teb.child.kill('SIGTERM');
    t.equal(await teb.status(), 0, teb.stderr);
    t.match(teb.lines.at(-1), { pid: 2010, why: 'eof', missing: [1], persist: 1 });
    t.match(JSON.parse(readFileSync(summary, 'utf8')), { events: 2, fixed_up: 1 });
  },
);

t.test('the reader of an output goes away: the others still get everything, status 4', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 's');
  const teb = new TebProcess(
    ['--config', configFile(folder, [0]), ...PATIENT, '--out', 'all=-', '--out', `0=unix-listen:${path}`],
    1,
  );
  await teb.until(() => true);
  while (!existsSync(path)) await sleep(5);
  const reader = connect(path);
  teb.send(0, [...begin(0), event(0, 2000)]);
  await new Promise((resolve) => reader.once('data', resolve));
  reader.destroy();
  for (let pid = 2010; !/results for it are counted/.test(teb.stderr); pid++) {
    teb.send(0, [event(0, pid)]);
    await teb.decision(pid);
  }
  teb.send(0, [event(0, 9000)]);
  t.match(await teb.decision(9000), { persist: 1 });
  teb.end();
  t.equal(await teb.status(), 4);
  t.ok(teb.summary.undelivered[`unix-listen:${path}`]! > 0);
  t.match(teb.stderr, /<E> teb-decide: connection-lost/);
});

t.test('standard output closed: no more is read, status 4', async (t) => {
  const teb = new TebProcess(['--config', configFile(scratch(t), [0]), ...PATIENT], 1);
  teb.send(0, [...begin(0), event(0, 2000)]);
  await teb.decision(2000);
  teb.child.stdout!.destroy();
  let over = false;
  const ended = teb.status().then((status) => {
    over = true;
    return status;
  });
  for (let pid = 2010; !over; pid++) {
    teb.send(0, [event(0, pid)]);
    await sleep(2);
  }
  t.equal(await ended, 4);
});

t.test('a connection that breaks: status 4, or with --reconnect it is made again (S8)', async (t) => {
  const folder = scratch(t);
  for (const reconnect of [false, true]) {
    const args = [
      '--config',
      configFile(folder, [0, 1]),
      ...PATIENT,
      '--in',
      'tcp-listen:0',
      ...(reconnect ? ['--reconnect'] : []),
    ];
    const teb = new TebProcess(args, 1);
    teb.send(0, [...begin(0, 3)]);
    const slow = await connected(teb, 0);
    slow.write(bytesOf(begin(1, 3)));
    teb.send(0, [event(0, 2000, 3)]);
    slow.write(bytesOf([event(1, 2000, 3)]));
    t.match(await teb.decision(2000), { why: 'complete' });
    teb.send(0, [event(0, 2010, 3)]);
    slow.resetAndDestroy();
    t.match(await teb.decision(2010), { missing: [1], damage: 0x10 });
    if (reconnect) {
      const again = await connected(teb, 1);
      again.write(bytesOf([event(1, 2020, 3)]));
      await teb.until(() => /connected again/.test(teb.stderr));
      await sleep(50);
      teb.send(0, [event(0, 2020, 3)]);
      t.match(await teb.decision(2020), { why: 'complete' });
      again.end();
    }
    teb.end();
    t.equal(await teb.status(), reconnect ? 0 : 4, teb.stderr);
    t.equal(teb.summary.lost_source, 1);
  }
});

t.test('SIGTERM while a connection is away ends in order', async (t) => {
  const args = ['--config', configFile(scratch(t), [0]), ...PATIENT, '--in', 'tcp-listen:0', '--reconnect'];
  const teb = new TebProcess(args, 0);
  const source = await connected(teb, 0);
  source.write(bytesOf([...begin(0), event(0, 2000)]));
  await teb.decision(2000);
  source.resetAndDestroy();
  await teb.until(() => /trying to connect again/.test(teb.stderr));
  teb.child.kill('SIGTERM');
  t.equal(await teb.status(), 0, teb.stderr);
  t.match(teb.summary, { lost_source: 1, results: 5 });
});

/** Connects to the port that was taken as the n-th. */
async function connected(teb: TebProcess, n: number): Promise<Socket> {
  const ports = () => [...teb.stderr.matchAll(/is tcp:127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
  await teb.until(() => ports().length > n);
  const socket = connect(ports()[n]!, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

t.test('monitors: no buffers before they are announced, each is dealt once', async (t) => {
  const folder = scratch(t);
  const config = configFile(folder, [0], { mebs: [{ id: 0, alias: 'm', buffers: 4 }] });
  const args = ['--config', config, ...PATIENT, '--mon-in', `unix-listen:${folder}/free`];
  const teb = new TebProcess(args, 1);
  while (!existsSync(`${folder}/free`)) await sleep(5);
  const monitor = connect(`${folder}/free`);
  teb.send(0, [...begin(0), event(0, 2000, 1, [7, 9])]);
  t.match(await teb.decision(2000), { monitor: 0, monbuf: '00000000' });
  const words = Buffer.alloc(9);
  words.writeUInt32LE(bufferWord(0, 2), 0);
  words.writeUInt32LE(bufferWord(0, 1), 4);
  monitor.write(words.subarray(0, 7));
  const dealt: string[] = [];
  for (let pid = 2010; dealt.length < 2; pid++) {
    if (dealt.length === 1) monitor.write(words.subarray(7, 8));
    teb.send(0, [event(0, pid, 1, [7, 9])]);
    const { monitor: bits, monbuf } = await teb.decision(pid);
    if (bits !== 0) dealt.push(monbuf);
  }
  t.same(dealt, ['40000002', '40000001']);
  teb.end();
  t.equal(await teb.status(), 0, teb.stderr);
  t.same(teb.summary.monitored, [2]);
  monitor.destroy();
});

t.test('metrics have the names of the existing system', async (t) => {
  const args = [
    '--config',
    configFile(scratch(t), [0, 0]),
    ...PATIENT,
    '--metrics',
    '0',
    '-p',
    '0',
    '-u',
    'teb0',
    '--instrument',
    'tst',
  ];
  const teb = new TebProcess(args, 2);
  teb.send(0, [...begin(0), event(0, 2000)]);
  teb.send(1, begin(1));
  await teb.decision(1003);
  await teb.until(() => /metrics at/.test(teb.stderr));
  const url = /metrics at (\S+)/.exec(teb.stderr)![1]!;
  const text = await (await fetch(url)).text();
  const labels = 'instrument="tst",partition="0"';
  t.match(text, new RegExp(`^TEB_TrCt\\{.*alias="teb0".*${labels}.*\\} 4$`, 'm'));
  t.match(text, /^EB_EvOcCt\{[^}]*\} 1$/m);
  t.match(text, /^teb_awaited\{[^}]*source="1"[^}]*\} 1$/m);
  t.match(text, /^teb_rejected\{[^}]*reason="late"[^}]*\} 0$/m);
  t.match(text, /^daqpipe_unaccounted\{[^}]*\} 0$/m);
  teb.end();
  t.equal(await teb.status(), 0);
});

t.test('contributions over zmq; a message that is no whole records is counted', async (t) => {
  const folder = scratch(t);
  const { Push } = await import('zeromq');
  const push = new Push({ linger: 1000 });
  await push.bind(`ipc://${folder}/z`);
  const teb = new TebProcess(['--config', configFile(folder, [0]), ...PATIENT, '--in', `zmq:ipc://${folder}/z`], 0);
  const good = bytesOf([...begin(0), event(0, 2000)]);
  await push.send(good);
  await push.send(good.subarray(0, 50));
  await push.send(bytesOf([event(0, 2010)]));
  await push.send(Buffer.alloc(0));
  t.equal(await teb.status(), 1, teb.stderr);
  push.close();
  t.match(teb.summary, { bad_frame: 1, results: 6 });
});
