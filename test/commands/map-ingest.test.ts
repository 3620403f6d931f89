import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { openRecording } from '../../lib/mapreduce/record/reader.ts';
import { executable } from '../executable.ts';
import { batches, Ensemble } from '../mapreduce/control/ensemble.ts';
import { begun, Ingest, listed, redis, sender, series, shared, urlOf } from '../mapreduce/ingest/command.ts';
import { Controller, Worker } from '../mapreduce/ingest/stand-ins.ts';
import { until } from '../until.ts';

t.setTimeout(300_000);

t.test(
  'a series in the format of the reference: one message per worker, frames unchanged (spec mapreduce.md 6.1)',
  shared,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'ingest-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const source = await sender();
    const dump = join(folder, 'scan.cbors');
    const capture = join(folder, 'raw.cbors');
    const ingest = new Ingest([
      '--stream',
      'det',
      '--upstream',
      source.url,
      '--dump',
      dump,
      '--capture',
      `det=${capture}`,
    ]);
    const controller = new Controller(redis.client, 'det-ingester');
    const url = await urlOf(controller);
    const [w1, w2] = [new Worker('w1', url), new Worker('w2', url)];
    t.teardown(() => [w1, w2].map((worker) => worker.close()));
    await listed(controller, w1, w2);
    await controller.begin(['det']);
    const messages = series();
    await source.send(Buffer.from('{"htype":"image","frame":7}'), Buffer.from('before the header'));
    await source.send('{not JSON');
    for (const message of messages) await source.send(...message);
    await source.send('{"htype":"image","frame":9}', Buffer.from('behind the end'));
    await controller.assign(0, { det: ['w1', 'w2'] });
    for (let image = 0; image < 5; image++) await controller.assign(image + 1, { det: [image % 2 ? 'w2' : 'w1'] });
    await controller.assign(6, { det: [] });
    await controller.assign(7, { det: ['w1', 'w2'] });
    await until('all events', () => (w1.events.length === 5 && w2.events.length === 4) || undefined);
    t.same(w1.events, [0, 1, 3, 5, 7]);
    t.same(w2.events, [0, 2, 4, 7]);
    for (const { header, frames } of [...w1.received, ...w2.received]) {
      const sent = messages[header.event_number]!;
      t.same(Object.keys(header), ['event_number', 'streams', 'created_at'], 'the fields of the reference');
      t.same(header.streams, { det: { typ: 'STINS', length: sent.length } });
      t.ok(Buffer.concat(frames.det!).equals(Buffer.concat(sent)));
    }
    await controller.update(['det'], { finished: true });
    const said = await until(
      'the finish',
      async () => (await redis.client.xrange(`dranspose:ready:${controller.map}`, '-', '+'))[0],
    );
    t.same(JSON.parse(said[1][1]!), { state: 'finished', source: 'ingester', ingester: 'det-ingester' });
    t.equal(await ingest.stop(), 0, ingest.stderr);
    t.match(ingest.stderr, /det: received 8 = sent 7 \+ discarded 1$/m);
    t.match(
      ingest.stderr,
      /OK in 8 = out 7 \+ discarded 1; recorded 7, messages-bad 1, messages-before 1, messages-after 1/,
    );
    t.equal(await controller.config(), undefined, 'the configuration is taken away');
    const recording = await openRecording(dump);
    const recorded: number[] = [];
    for await (const { event_number, streams } of recording) {
      recorded.push(event_number);
      t.same(streams.get('det')?.frames, messages[event_number]);
    }
    t.same(recorded, [0, 1, 2, 3, 4, 5, 7]);
    source.socket.close();
  },
);

for (const flags of [[], ['--transport', 'redis']]) {
  const how = flags.length === 0 ? 'credits' : 'streams of Redis';
  t.test(`frames go when their events are over, told by ${how}; also by the next controller (spec 6.4)`, async (t) => {
    const ensemble = await Ensemble.start(t, {
      workers: 2,
      streams: [],
      ours: { workers: true, reducer: true },
      flags,
    });
    const source = await sender();
    t.teardown(() => source.socket.close());
    const ingest = new Ingest(['--stream', 'det', '--upstream', source.url], ensemble.redis.url);
    await until('workers at the ingester', async () => {
      const { ingesters } = await ensemble.get<{ ingesters: { connected_workers: object }[] }>('config');
      return Object.keys(ingesters[0]?.connected_workers ?? {}).length === 2 || undefined;
    });
    await ensemble.post(batches(300, 3));
    const images = async (from: number, to: number) => {
      for (let frame = from; frame < to; frame++)
        await source.send(JSON.stringify({ htype: 'image', frame }), Buffer.alloc(1000));
    };
    // A worker that is bound to a batch may wait for its other frames; all others can go.
    const kept = async () => Number(/kept-bytes (\d+)/.exec(await ingest.balance())?.[1] ?? 0);
    const nothingIsKept = () => until('frames let go', async () => (await kept()) === 0 || undefined);
    await source.send('{"htype":"header"}');
    await images(0, 150);
    await ensemble.complete(151);
    await nothingIsKept();
    const [w1, w2] = ensemble.workers;
    for (const worker of [w1!, w2!]) worker.stuckAt = 156;
    await images(150, 160);
    await ensemble.complete(156);
    await until('frames kept', async () => (await kept()) > 0 || undefined);
    await ensemble.control.end('SIGKILL');
    ensemble.control = ensemble.spawnControl();
    await ensemble.control.ready();
    await ensemble.complete(156);
    const few = await until('only frames of open events', async () => {
      const bytes = await kept();
      return bytes > 0 && bytes < 8 * 6000 ? bytes : undefined;
    });
    t.ok(few, `${few} bytes`);
    const info = await ensemble.get<{ ingesters: { held_from?: number | null }[] }>('config');
    t.equal(info.ingesters[0]?.held_from, null, 'nothing had to be let go for room');
    await ensemble.request('stop', { method: 'POST' });
    await nothingIsKept();
    await ingest.stop();
  });
}

t.test('many small events come whole and in order, however they travel together', async (t) => {
  const { source, ingest, controller, w1 } = await begun(t);
  const count = 500;
  await source.send('{"htype":"header"}');
  for (let frame = 0; frame < count; frame++)
    await source.send(JSON.stringify({ htype: 'image', frame }), Buffer.alloc(8, frame));
  for (let event = 0; event <= count; event++) await controller.assign(event, { det: ['w1'] });
  await until('all events', () => w1.events.length === count + 1 || undefined);
  t.same(
    w1.events,
    Array.from({ length: count + 1 }, (_, i) => i),
  );
  t.same(w1.received.at(-1)!.frames.det![1], Buffer.alloc(8, count - 1));
  t.equal(await ingest.stop(), 0);
  source.socket.close();
});

for (const ours of [false, true]) {
  const who = ours ? 'workers of ours; the ingester is killed amid the scan' : 'workers of the reference';
  t.test(`with map-control: a scan of 300 events completes, with ${who}`, async (t) => {
    const ensemble = await Ensemble.start(t, { workers: 2, streams: [], ours: { workers: ours, reducer: ours } });
    const source = await sender();
    t.teardown(() => source.socket.close());
    const args = ['--stream', 'det', '--upstream', source.url];
    let ingest = new Ingest(args, ensemble.redis.url);
    const connected = () =>
      until('workers at the ingester', async () => {
        const { ingesters } = await ensemble.get<{ ingesters: { connected_workers: object }[] }>('config');
        return Object.keys(ingesters[0]?.connected_workers ?? {}).length === 2 || undefined;
      });
    await connected();
    await ensemble.post(batches(300, 3));
    const image = (frame: number) => source.send(JSON.stringify({ htype: 'image', frame }), `frame ${frame}`);
    await source.send('{"htype":"header"}');
    for (let frame = 0; frame < 150; frame++) await image(frame);
    if (ours) {
      await ensemble.complete(100);
      await ingest.kill();
      ingest = new Ingest(args, ensemble.redis.url);
      await connected();
    }
    for (let frame = 150; frame < 300; frame++) await image(frame);
    await source.send('{"htype":"series_end"}');
    const { completed_events, total_events } = await ensemble.finished();
    t.same([completed_events, total_events], [302, 302]);
    const done = new Map(ensemble.workers.flatMap((worker) => worker.done).map(({ event, frames }) => [event, frames]));
    t.equal(done.size, 302);
    const wrong = [...done].filter(([event, frames]) => frames.length > 1 && frames[1] !== `frame ${event - 1}`);
    t.same(wrong, [], 'every frame came with its own event');
    t.same(ensemble.problems, []);
    t.equal(await ingest.stop(), ours ? 3 : 0, ingest.stderr);
    t.equal(ingest.stderr.includes('begun without us'), ours);
  });
}

t.test('mistakes on the command line are named, with exit status 2', async (t) => {
  const wrong = async (...args: string[]) => {
    const { exitCode, stderr } = await execa(executable('map-ingest'), ['--redis', redis.url, ...args], {
      reject: false,
    });
    return { exitCode, stderr };
  };
  t.match(await wrong(), { exitCode: 2, stderr: /which stream/ });
  t.match(await wrong('--stream', 'a:b', '--upstream', 'x'), { exitCode: 2, stderr: /no name/ });
  t.match(await wrong('--stream', 'a'), { exitCode: 2, stderr: /one --upstream per --stream/ });
  t.match(await wrong('--stream', 'a', '--upstream', 'x', '--kind', 'odd'), { exitCode: 2 });
  t.match(await wrong('--stream', 'a', '--upstream', 'tcp://h:1', '--bind', 'tcp://nowhere'), {
    exitCode: 2,
    stderr: /cannot bind/,
  });
});
