/** Collectors and managers that are killed and started again, in a real cluster (spec graph.md 2.2, 2.8). */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../executable.ts';
import { Cluster, inconsistencies, lastOf, newFolder, simulatedRun, sum, until } from '../graph/cluster.ts';

t.test('a local collector is killed and started again: what it held is unanswered, the rest goes on', async (t) => {
  const { head, events, tail } = await simulatedRun(1600);
  const cluster = new Cluster(t, {
    workers: 4,
    collectors: 2,
    manage: ['--heartbeat', '40ev', '--deadline', '1s'],
  });
  cluster.write(head, ...events.slice(0, 400));
  await cluster.included(350);
  await cluster.locals[1]!.kill();
  cluster.write(...events.slice(400, 800));
  await cluster.manager.says(/worker 3 is given up from heartbeat \d+ on: local collector 1 is away/);
  cluster.locals[1] = cluster.startLocal(1);
  await cluster.manager.says(/worker 3 has its part from heartbeat \d+ on/);
  cluster.write(...events.slice(800), tail);
  await cluster.end();
  const { records } = cluster.global;
  const included = sum(records, 'included');
  t.same(inconsistencies(records, included), [], cluster.words());
  t.equal(sum(records, 'dealt'), 1600);
  const lost = [...cluster.manager.stderr.matchAll(/worker (\d): dealt \d+ = answered \d+ \+ unanswered (\d+)/g)];
  t.equal(
    lost.reduce((all, [, , count]) => all + Number(count), included),
    1600,
    cluster.manager.stderr,
  );
  t.ok(
    lost.every(([, worker, count]) => worker === '2' || worker === '3' || count === '0'),
    'workers of the other node lost nothing',
  );
});

t.test('a local collector that hangs is away; well again, it comes back by itself and nothing is lost', async (t) => {
  const { head, events, tail } = await simulatedRun(600);
  const cluster = new Cluster(t, {
    workers: 2,
    collectors: 2,
    manage: ['--heartbeat', '200ms', '--deadline', '800ms', '--dead-after', '2'],
  });
  cluster.write(head, ...events.slice(0, 200));
  await cluster.included(150);
  cluster.locals[1]!.child.kill('SIGSTOP');
  cluster.write(...events.slice(200, 400));
  await cluster.manager.says(/worker 1 is given up from heartbeat \d+ on: local collector 1 is away/);
  cluster.locals[1]!.child.kill('SIGCONT');
  await cluster.manager.says(/worker 1 has its part from heartbeat \d+ on/);
  cluster.write(...events.slice(400), tail);
  await cluster.end();
  const { records } = cluster.global;
  t.equal(sum(records, 'included'), 600, cluster.words());
  t.same(inconsistencies(records, 600), []);
  t.ok(records.some(({ missing }) => missing[0] === 1));
});

t.test('the global collector is killed and started again: its state goes on behind what was closed', async (t) => {
  const { head, events, tail } = await simulatedRun(1200);
  const cluster = new Cluster(t, {
    workers: 2,
    collectors: 1,
    state: true,
    manage: ['--heartbeat', '40ev', '--deadline', '1s'],
  });
  cluster.write(head, ...events.slice(0, 400));
  await cluster.included(350);
  const first = cluster.global;
  await first.kill();
  cluster.write(...events.slice(400, 800));
  cluster.global = cluster.startGlobal();
  await cluster.global.says(/going on behind heartbeat \d+/);
  await cluster.included(300);
  cluster.write(...events.slice(800), tail);
  await cluster.end();
  const records = [...first.records, ...cluster.global.records];
  const counted = lastOf(records, 'sum.count') as number;
  t.same(inconsistencies(cluster.global.records, counted), [], cluster.words());
  t.ok(counted >= sum(records, 'included'), 'nothing that a record counted is missing');
  const lost = 1200 - counted;
  t.ok(lost <= 200, `${lost} events were in answers that were not closed`);
  t.ok(cluster.global.records[0]!.heartbeat > first.records.at(-1)!.heartbeat, 'no heartbeat comes twice');
  t.match(cluster.global.stderr, new RegExp(`in 1200 = out ${counted}( \\+ unanswered ${lost})?;`));
});

t.test('the manager is killed and started again: numbers go on, a new run begins', async (t) => {
  const { head, events, tail } = await simulatedRun(600);
  const cluster = new Cluster(t, { workers: 2, collectors: 2, manage: ['--heartbeat', '40ev', '--deadline', '1s'] });
  cluster.write(head, ...events.slice(0, 300));
  await cluster.included(280);
  await cluster.manager.kill();
  await cluster.global.says(/the manager is away/);
  const before = cluster.global.records.length;
  cluster.manager = cluster.startManager();
  await cluster.manager.says(/going on with heartbeat \d+, event \d+/);
  cluster.write(head, ...events, tail);
  await cluster.end();
  const records = cluster.global.records;
  const after = records.slice(before);
  t.same(inconsistencies(after, 600), [], cluster.words());
  t.match(cluster.manager.stderr, /<I> graph-manage: OK in 600 = out 600/);
  t.ok(records.every(({ heartbeat }, i) => i === 0 || heartbeat > records[i - 1]!.heartbeat));
  const left = [...cluster.workers].map(({ stderr }) => Number(/(\d+) events of a heartbeat/.exec(stderr)?.[1] ?? 0));
  t.equal(
    left.reduce((a, b) => a + b, 0),
    20,
    'the open heartbeat of the lost manager is named',
  );
});

t.test('a state of another program is refused; a state ahead of the manager too', async (t) => {
  const folder = newFolder(t);
  const file = join(folder, 'state');
  writeFileSync(file, 'not a state at all');
  const args = ['--global', '--manager', `zmq+ipc://${folder}/m.sock`, '--state', file];
  const { status, stderr } = await run('graph-collect', args);
  t.equal(status, 1);
  t.match(stderr, /state: this is no state of a graph/);
  t.equal(readFileSync(file, 'utf8'), 'not a state at all');
});

t.test('usage', async (t) => {
  t.match(await run('graph-collect', []), { status: 2, stderr: /either --local N or --global/ });
  t.match(await run('graph-collect', ['--local', '0', '--global']), { status: 2 });
  t.match(await run('graph-collect', ['--local', '0', '--state', 'x']), { status: 2 });
});

t.test('a collector that waits for a manager ends at a signal, and leaves no socket', async (t) => {
  const cluster = new Cluster(t, { workers: 0, collectors: 1 });
  await cluster.manager.kill();
  await until(() => existsSync(join(cluster.folder, 'm-local0.sock')), 'the socket of the local collector');
  for (const process of [cluster.locals[0]!, cluster.global]) {
    process.child.kill('SIGTERM');
    t.match(await process.ended, { status: 0 });
  }
  t.notOk(existsSync(join(cluster.folder, 'm-local0.sock')));
});
