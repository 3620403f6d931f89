/** map-ingest when frames are lost, workers come late, and it is itself killed amid a map. */

import t from 'tap';
import { begun, Ingest, listed, redis, sender, series, shared, urlOf } from '../mapreduce/ingest/command.ts';
import { Controller, Worker } from '../mapreduce/ingest/stand-ins.ts';
import { until } from '../until.ts';

t.setTimeout(300_000);

t.test(
  'a lost frame is missing, a worker that comes late gets what waits, frames are sent again (spec 3.2, 3.6)',
  shared,
  async (t) => {
    const { source, ingest, controller, url, w1 } = await begun(t);
    const messages = series();
    for (const [i, message] of messages.entries()) if (i !== 2) await source.send(...message);
    for (let event = 0; event < 8; event++) await controller.assign(event, { det: [event < 6 ? 'w1' : 'w2'] });
    await until('six events', () => w1.events.length === 6 || undefined);
    t.same(w1.received[2]!.header.streams, { det: { typ: 'MISSING', length: 0 } });
    t.same(w1.received[2]!.frames, { det: [] });
    t.same(w1.received[3]!.frames.det, messages[3], 'those behind the gap find their own events');
    t.match(w1.received[3]!.header, { map: controller.map, attempt: 1 });
    const w2 = new Worker('w2', url);
    t.teardown(() => w2.close());
    await until('what waited', () => w2.events.length === 2 || undefined);
    t.same(w2.received[1]!.frames.det, messages[7]);
    await controller.again(4, { det: ['w2'] }, 2, 'w1');
    await until('the event again', () => w2.events.length === 3 || undefined);
    t.same(w2.events, [6, 7, 4]);
    t.same(w2.received[2]!.frames.det, messages[4]);
    t.equal(await ingest.stop(), 3);
    t.match(ingest.stderr, /det: received 7 = sent 7; missing 1$/m);
    source.socket.close();
  },
);

t.test('killed amid a series: the next one goes on by frame number, and what died with it is missing', async (t) => {
  const source = await sender();
  const args = ['--stream', 'det', '--upstream', source.url];
  const image = (frame: number) =>
    source.send(
      JSON.stringify({ htype: 'image', frame, shape: [1], type: 'uint8', compression: 'none' }),
      Buffer.of(frame),
    );
  const first = new Ingest(args);
  const controller = new Controller(redis.client, 'det-ingester', { ours: true });
  let w1 = new Worker('w1', await urlOf(controller));
  await listed(controller, w1);
  await controller.begin(['det']);
  await source.send('{"htype":"header","filename":"x"}');
  for (let event = 0; event < 4; event++) await controller.assign(event, { det: ['w1'] });
  for (let frame = 0; frame < 5; frame++) await image(frame);
  await until('four events', () => w1.events.length === 4 || undefined);
  await first.kill();
  w1.close();
  await redis.client.del('dranspose:ingester:det-ingester:config');
  const second = new Ingest(args);
  w1 = new Worker('w1', await urlOf(controller));
  t.teardown(() => w1.close());
  await listed(controller, w1);
  for (let event = 4; event < 10; event++) await controller.assign(event, { det: ['w1'] });
  for (let frame = 6; frame < 9; frame++) await image(frame);
  await until('the rest', () => w1.events.at(-1) === 9 || undefined);
  const got = Object.fromEntries(
    w1.received.map(({ header, frames }) => [header.event_number, frames.det?.[1]?.[0] ?? header.streams.det!.typ]),
  );
  t.match(got, { 6: 'MISSING', 7: 6, 8: 7, 9: 8 });
  t.equal(await second.stop(), 3);
  t.match(second.stderr, /begun without us/);
  source.socket.close();
});

for (const ours of [true, false]) {
  const who = ours ? 'ours' : 'the reference';
  t.test(
    `begun amid a map of ${who}: nothing is sent for what is done already (spec mapreduce.md 3.6, 6.1)`,
    async (t) => {
      const source = await sender();
      const args = ['--stream', 'det', '--upstream', source.url];
      const image = (frame: number) => source.send(JSON.stringify({ htype: 'image', frame }), Buffer.of(frame));
      const first = new Ingest(args);
      const controller = new Controller(redis.client, 'det-ingester', { ours });
      let w1 = new Worker('w1', await urlOf(controller));
      await listed(controller, w1);
      await controller.begin(['det']);
      await source.send('{"htype":"header","filename":"x"}');
      for (let event = 0; event < 6; event++) await controller.assign(event, { det: ['w1', 'w2'] });
      for (let frame = 0; frame < 5; frame++) await image(frame);
      await until('six events', () => w1.events.length === 6 || undefined);
      await first.kill();
      w1.close();
      await redis.client.del('dranspose:ingester:det-ingester:config');
      if (ours) {
        await controller.over([0, 1], [3, 3]);
        await controller.reported('w1', [2, 4]);
      } else await controller.reported('w1', [0, 1, 2, 3, 4]);
      const second = new Ingest(args);
      const url = await urlOf(controller);
      w1 = new Worker('w1', url);
      const w2 = new Worker('w2', url);
      t.teardown(() => [w1, w2].map((worker) => worker.close()));
      await listed(controller, w1, w2);
      await controller.assign(6, { det: ['w1', 'w2'] });
      await image(5);
      await until('the rest', () => (w1.events.at(-1) === 6 && w2.events.at(-1) === 6) || undefined);
      t.same(w1.events, [5, 6]);
      t.same(w2.events, ours ? [2, 4, 5, 6] : [0, 1, 2, 3, 4, 5, 6], 'the other worker is still owed');
      t.equal(w1.received[0]!.header.streams.det!.typ, 'MISSING');
      t.same(w1.received[1]!.frames.det![1], Buffer.of(5));
      t.equal(await second.stop(), 3);
      source.socket.close();
    },
  );
}
