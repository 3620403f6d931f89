/** Workers that are killed, stopped, started again and replaced, in a real cluster (spec graph.md 2.3, 2.8, 2.12). */

import t from 'tap';
import { run } from '../executable.ts';
import { Cluster, inconsistencies, simulatedRun, sum } from '../graph/cluster.ts';

t.test('a worker is killed and started again: what it had is unanswered, everything else is in', async (t) => {
  const { head, events, tail } = await simulatedRun(1500);
  const cluster = new Cluster(t, {
    workers: 3,
    collectors: 1,
    manage: ['--heartbeat', '50ev', '--deadline', '1s'],
  });
  cluster.write(head, ...events.slice(0, 500));
  await cluster.included(450);
  await cluster.workers[1]!.kill();
  cluster.write(...events.slice(500, 1000));
  await cluster.manager.says(/worker 1 is given up from heartbeat \d+ on: it is gone/);
  cluster.workers[1] = cluster.startWorker(1);
  await cluster.manager.says(/worker 1 has its part from heartbeat \d+ on/);
  cluster.write(...events.slice(1000), tail);
  await cluster.end();
  const { records } = cluster.global;
  const included = sum(records, 'included');
  t.same(inconsistencies(records, included), [], cluster.words());
  t.equal(sum(records, 'dealt'), 1500);
  const lost = Number(/worker 1: dealt \d+ = answered \d+ \+ unanswered (\d+)/.exec(cluster.manager.stderr)?.[1] ?? 0);
  t.equal(included + lost, 1500, cluster.manager.stderr);
  t.ok(lost < 200, `${lost} events were with it`);
  t.notMatch(cluster.manager.stderr, /worker [02]:/, 'the others lost nothing');
  t.notMatch(cluster.manager.stderr, /NOT BALANCED/);
  t.equal((await cluster.manager.ended).status, lost > 0 ? 3 : 0);
});

t.test('a worker that hangs is missing, then given up; well again, all that it had is merged late', async (t) => {
  const { head, events, tail } = await simulatedRun(600);
  const cluster = new Cluster(t, {
    workers: 2,
    collectors: 2,
    manage: ['--heartbeat', '200ms', '--deadline', '800ms', '--dead-after', '2'],
  });
  cluster.write(head, ...events.slice(0, 200));
  await cluster.included(150);
  cluster.workers[0]!.child.kill('SIGSTOP');
  cluster.write(...events.slice(200, 400));
  await cluster.manager.says(
    /worker 0 is given up from heartbeat \d+ on: (it missed 2 heartbeats in a row|local collector 0 is away)/,
  );
  t.ok(
    cluster.global.records.some(({ missing, closed }) => missing[0] === 0 && closed === 'deadline'),
    'it stands in missing',
  );
  const before = sum(cluster.global.records, 'included');
  cluster.write(...events.slice(400, 500));
  await cluster.included(before + 90);
  cluster.workers[0]!.child.kill('SIGCONT');
  await cluster.workers[0]!.says(/saying hello again/);
  cluster.write(...events.slice(500), tail);
  await cluster.end();
  const { records } = cluster.global;
  t.equal(sum(records, 'included'), 600, cluster.words());
  t.ok(sum(records, 'late') > 0);
  t.same(inconsistencies(records, 600), []);
  t.match(cluster.manager.stderr, /<I> graph-manage: OK in 600 = out 600/);
  for (const process of [cluster.manager, cluster.global, ...cluster.workers]) {
    t.equal((await process.ended).status, 0, process.stderr);
  }
});

t.test('a worker asked to leave answers what it has; a second one with its number takes its place', async (t) => {
  const { head, events, tail } = await simulatedRun(900);
  const cluster = new Cluster(t, { workers: 2, collectors: 1, manage: ['--heartbeat', '50ev', '--deadline', '20s'] });
  cluster.write(head, ...events.slice(0, 300));
  await cluster.included(250);
  cluster.workers[0]!.child.kill('SIGTERM');
  cluster.write(...events.slice(300, 600));
  t.match(await cluster.workers[0]!.ended, { status: 0 });
  await cluster.included(500);
  const old = cluster.workers[1]!;
  cluster.workers[1] = cluster.startWorker(1);
  t.match(await old.ended, { status: 1 });
  t.match(old.stderr, /refused: another process has taken its place/);
  cluster.write(...events.slice(600, 800));
  await cluster.manager.says(/worker 1 has its part/);
  cluster.write(...events.slice(800), tail);
  await cluster.end();
  const { records } = cluster.global;
  const included = sum(records, 'included');
  t.same(inconsistencies(records, included), [], cluster.words());
  const lost = 900 - included;
  t.ok(lost <= 50, 'the open heartbeat of the one whose place was taken');
  if (lost > 0) t.match(cluster.manager.stderr, `unanswered ${lost}; missed 1 heartbeats`);
  t.notMatch(cluster.manager.stderr, /worker 0: .* unanswered [1-9]/, 'who left has answered everything');
});

t.test('a worker that does not belong to the cluster is refused', async (t) => {
  const { all } = await simulatedRun(10);
  const cluster = new Cluster(t, { workers: 1, collectors: 1 });
  const stranger = cluster.startWorker(7);
  t.match(await stranger.ended, { status: 1 });
  t.match(stranger.stderr, /refused: there is no worker 7/);
  cluster.write(all);
  await cluster.end();
  t.equal(sum(cluster.global.records, 'included'), 10);
  t.match(await run('graph-worker', []), { status: 2 });
  t.match(await run('graph-worker', ['--id', '0', '--manager', 'nonsense']), { status: 2 });
});
