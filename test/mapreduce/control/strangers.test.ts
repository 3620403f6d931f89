/** What strangers send to the controller over credits is counted, and disturbs nobody (spec mapreduce.md 14, 18). */

import { randomBytes, randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { Dealer } from 'zeromq';
import { Credits, type Hello, type Standing } from '../../../lib/mapreduce/control/credits.ts';
import { Random } from '../../random.ts';
import { until } from '../../until.ts';
import { batches, Ensemble } from './ensemble.ts';

const [MAP, WORKER] = [randomUUID(), randomUUID()];

interface Heard {
  readonly credits: Credits;
  readonly url: string;
  readonly reports: string[];
  readonly said: string[];
}

/** A controller that knows the worker w1. */
async function listening(t: Test, look: () => void = () => {}): Promise<Heard> {
  const [reports, said]: string[][] = [[], []];
  const credits: Credits = new Credits({
    say: (message) => said!.push(message),
    standing: ({ service, map }: Hello) => (service === WORKER && map === MAP ? 'member' : 'stranger'),
    look: async () => look(),
    received: (map, taken, hellos) => {
      for (const report of taken) reports!.push(`${report.source} ${report.report}`);
      for (const { role, name } of hellos) credits.send(role, name, map, { again: true, reports: 0 });
    },
  });
  t.teardown(() => credits.close());
  return { credits, url: await credits.listen('tcp://127.0.0.1:*'), reports: reports!, said: said! };
}

function peer(t: Test, url: string): { socket: Dealer; say: (message: object) => Promise<void> } {
  const socket = new Dealer({ linger: 0 });
  t.teardown(() => socket.close());
  socket.connect(url);
  return { socket, say: (message) => socket.send(JSON.stringify(message)) };
}

const hello = (service_uuid: string, more: object = {}) => ({
  ...{ role: 'worker', name: 'w1', service_uuid, map: MAP, next: 0, connection: 1, ...more },
});
const done = (report: number, more: object = {}) => ({
  ...{ state: 'idle', source: 'worker', worker: 'w1', completed: [report], has_result: [false] },
  ...{ service_uuid: WORKER, report, ...more },
});

t.test('a stranger under the name of a worker is told nothing, and the worker goes on being told', async (t) => {
  const { credits, url, reports } = await listening(t);
  const worker = peer(t, url);
  await worker.say({ hello: hello(WORKER), reports: [done(1)] });
  t.match(JSON.parse(String(await worker.socket.receive())), { again: true });
  const stranger = peer(t, url);
  await stranger.say({ hello: hello(randomUUID(), { connection: 9 }), reports: [] });
  await stranger.say({ hello: hello(WORKER, { map: randomUUID() }), reports: [] });
  await until('they are counted', () => credits.strange === 2);
  credits.send('worker', 'w1', MAP, { reports: 1 });
  t.match(JSON.parse(String(await worker.socket.receive())), { number: 1, reports: 1 });
  t.equal(credits.service('worker', 'w1', MAP), WORKER);
  t.same(reports, ['worker 1']);
});

t.test('nobody reports in the name of another, without a number, or before a hello', async (t) => {
  const { credits, url, reports, said } = await listening(t);
  const { socket, say } = peer(t, url);
  const odd = [
    { reports: [done(1)] },
    { hello: hello(WORKER), reports: [done(1, { worker: 'w2' })] },
    { hello: hello(WORKER), reports: [done(1, { service_uuid: randomUUID() })] },
    { hello: hello(WORKER), reports: [done(1, { report: undefined })] },
    ...[0, -1, 0.5, 2 ** 53].map((report) => ({ hello: hello(WORKER), reports: [done(report)] })),
    {
      hello: hello(WORKER),
      reports: [{ state: 'idle', source: 'reducer', accepted: [[1, 'w1']], report: 1, service_uuid: WORKER }],
    },
  ];
  for (const message of odd) await say(message);
  await say({ hello: hello(WORKER), reports: [] });
  await socket.receive();
  t.equal(credits.unreadable, odd.length);
  t.same(reports, []);
  t.equal(said.length, 1, 'said once');
});

t.test('who is not in the configurations yet is looked for once', async (t) => {
  let known = false;
  let looks = 0;
  const heard: string[] = [];
  const credits: Credits = new Credits({
    say: (message) => t.fail(message),
    standing: () => (known ? 'member' : 'stranger'),
    look: async () => {
      looks++;
      known = true;
    },
    received: (_, reports) => heard.push(...reports.map(({ source }) => source)),
  });
  t.teardown(() => credits.close());
  await peer(t, await credits.listen('tcp://127.0.0.1:*')).say({ hello: hello(WORKER), reports: [done(1)] });
  await until('it is heard', () => heard.length === 1);
  t.match({ looks, strange: credits.strange }, { looks: 1, strange: 0 });
});

t.test('one of ours that has another map is not answered, and is no stranger', async (t) => {
  const standings: Standing[] = ['elsewhere', 'stranger'];
  let asked = 0;
  const credits: Credits = new Credits({
    say: (message) => t.fail(message),
    standing: () => standings[asked++ >> 1]!,
    look: async () => {},
    received: () => t.fail('it was heard'),
  });
  t.teardown(() => credits.close());
  const { say } = peer(t, await credits.listen('tcp://127.0.0.1:*'));
  for (const strange of [0, 1]) {
    await say({ hello: hello(WORKER), reports: [done(1)] });
    // Once before the look, and once after it.
    await until('it was looked for', () => asked === 2 * strange + 2);
    t.equal(credits.strange, strange);
  }
});

t.test('mutants of messages, very many reports, and a message that is no text: the next one is answered', async (t) => {
  const { credits, url, said } = await listening(t);
  const random = new Random(11);
  const good = Buffer.from(JSON.stringify({ hello: hello(WORKER), reports: [done(1), done(2)] }));
  const noise = peer(t, url);
  for (let i = 0; i < 3000; i++) {
    const mutant = Buffer.from(good);
    for (let n = random.below(4); n >= 0; n--) mutant[random.below(mutant.length)] = random.below(256);
    await noise.socket.send(random.chance(0.1) ? randomBytes(random.below(100)) : mutant);
  }
  await noise.socket.send('['.repeat(1 << 20));
  const finished = { state: 'finished', source: 'worker', worker: 'w1', service_uuid: WORKER, report: 1 };
  await noise.say({ hello: hello(WORKER), reports: Array(200_000).fill(finished) });
  // Longer than any text may be; the connection is closed.
  await noise.socket.send(Buffer.alloc(65 << 20));
  const worker = peer(t, url);
  await worker.say({ hello: hello(WORKER, { connection: 1e6 }), reports: [] });
  t.match(JSON.parse(String(await worker.socket.receive())), { again: true });
  t.ok(credits.unreadable > 1000);
  t.equal(said.length, 1);
});

t.test('a scan beside somebody who says that everything is done, accepted and finished', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 5 });
  const map = await ensemble.post(batches(100, 1));
  const { redis, keys } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  const [[, fields]] = (await redis.xrevrange(keys.updates, '+', '-', 'COUNT', 1)) as [[string, string[]]];
  const { control } = JSON.parse(fields[1]!) as { control: string };
  const service_uuid = randomUUID();
  const { say } = peer(t, control);
  const named = { service_uuid, report: 1 };
  const accepted = Array.from({ length: 100 }, (_, i) => [i, 'w1']);
  for (let connection = 0; connection < 20; connection++) {
    for (const [role, name] of [
      ['worker', 'w1'],
      ['worker', 'w2'],
      ['ingester', 'det-ingester'],
      ['reducer', 'reducer'],
    ])
      await say({ hello: { role, name, service_uuid, map, next: 0, connection } });
    await say({ reports: [{ state: 'idle', source: 'reducer', accepted, refused: accepted, ...named }] });
    await say({ reports: [{ state: 'finished', source: 'reducer', ...named }] });
  }
  const progress = await ensemble.finished();
  t.match(progress, { completed_events: 102, damaged: 0 });
  t.equal(await ensemble.control.end(), 0);
  t.match(ensemble.control.stderr, /strange [1-9]/);
});
