/** The live server's core under seeded random schedules (spec live.md, Contract and requirements 3, 5, 6, 8, 9). */

import t from 'tap';
import type { Order } from '../../lib/live/server/event-dealer.ts';
import type { Reserve } from '../../lib/live/server/share.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { Random } from '../random.ts';
import { Model } from './model.ts';

const SCHEDULES = Number(process.env.DAQPIPE_SCHEDULES ?? 20_000);

function schedule(seed: number): Model {
  const random = new Random(seed);
  const clients = 1 + random.below(4);
  const order: Order = random.chance(0.4) ? 'serial' : 'distributed';
  const buffers = clients + random.below(7);
  const reserve = buffers > 2 && random.chance(0.3) ? [{ mask: 4, buffers: 1 + random.below(buffers - 2) }] : [];
  const model = new Model(random, { buffers, clients, order, reserve });
  const stuck = random.chance(0.3) ? 0.5 : 0;
  for (const service of [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable]) model.pass(service);
  const steps = 20 + random.below(60);
  for (let step = 0; step < steps; step++) {
    model.now += random.below(20) / 100;
    const everybody = [...model.live];
    const client = everybody[random.below(everybody.length)];
    const what = random.below(100);
    if (what < 35) model.event();
    else if (what < 42) model.transition(random.chance(0.6));
    else if (what < 50) model.join(!random.chance(stuck));
    else if (what < 55) model.core.tick(model.now);
    else if (client === undefined) continue;
    else if (what < 56) model.leave(client);
    else if (what < 58) model.bogusReturn(client);
    else if (what < 75) client.takeEvent();
    else if (!client.answers) continue;
    else if (what < 88) model.returnEvent(client);
    else model.returnTransition(client);
    model.check();
  }
  model.finish();
  return model;
}

t.test(`${SCHEDULES} schedules: one hand per buffer, nothing lost, closed counts, transitions in order`, async (t) => {
  const totals = { delivered: 0, stolen: 0, noBuffer: 0, recalled: 0, left: 0 };
  const evicted = { silent: 0, overrun: 0, garbage: 0, holding: 0 };
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    try {
      const { core } = schedule(seed);
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += core.events.counts[name];
      for (const name of Object.keys(evicted) as (keyof typeof evicted)[]) evicted[name] += core.evicted[name];
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  for (const [name, count] of Object.entries(totals)) t.ok(count > SCHEDULES / 20, `${name} happened ${count} times`);
  t.ok(evicted.silent > 0, 'clients that never answer are disconnected');
  t.equal(evicted.garbage, 0);
});

function enabled(buffers: number, clients: number, order: Order = 'distributed', reserve: Reserve[] = []): Model {
  const model = new Model(new Random(7), { buffers, clients, order, reserve });
  for (const service of [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable]) model.pass(service);
  return model;
}

t.test('distributed: events are dealt in turn; a full client is passed over; then the oldest is stolen', async (t) => {
  const model = enabled(4, 2);
  model.join(true);
  model.join(true);
  const [a, b] = [...model.live];
  for (let i = 0; i < 4; i++) model.event();
  t.same([a!.queue.length, b!.queue.length], [2, 2]);
  t.equal(model.core.events.counts.stolen, 0);
  model.event();
  t.equal(model.core.events.counts.stolen, 1);
  a!.takeEvent();
  t.equal([...a!.hand.values()][0], 2, 'event 0 was stolen, event 2 is what the first client sees');
});

t.test('a taken event is never stolen: with all in hand the new one is dropped', async (t) => {
  const model = enabled(2, 1);
  model.join(true);
  const [client] = [...model.live];
  for (let i = 0; i < 2; i++) {
    model.event();
    client!.takeEvent();
  }
  model.event();
  t.equal(model.core.events.counts.noBuffer, 1);
  t.equal(model.core.events.counts.stolen, 0);
});

t.test('serial: every client sees every event, and what a dying one held goes to the next', async (t) => {
  const model = enabled(6, 3, 'serial');
  for (let i = 0; i < 3; i++) model.join(true);
  const [a, b, c] = [...model.live];
  model.event();
  t.same([a!.queue.length, b!.queue.length, c!.queue.length], [1, 0, 0]);
  a!.takeEvent();
  model.returnEvent(a!);
  t.same([b!.queue.length, c!.queue.length], [1, 0]);
  b!.takeEvent();
  model.leave(b!);
  t.equal(c!.queue.length, 1);
  c!.takeEvent();
  model.returnEvent(c!);
  t.equal(model.core.events.inside, 0);
  t.equal(model.core.events.counts.delivered, 1);
});

for (const order of ['distributed', 'serial'] as const) {
  t.test(`${order}: clients that keep what they take leave something for a good one`, async (t) => {
    for (const clients of [2, 3, 5]) {
      const model = enabled(8, clients, order);
      for (let i = 0; i < clients; i++) model.join(true);
      const everybody = [...model.live];
      const good = everybody.at(-1)!;
      let got = 0;
      for (let i = 0; i < 200; i++) {
        model.event();
        for (const client of everybody) while (client !== good && client.queue.length > 0) client.takeEvent();
        good.takeEvent();
        if (i >= 100) got += good.hand.size;
        model.returnEvent(good);
        model.check();
      }
      t.equal(got, 100, `${clients} clients`);
    }
  });
}

t.test(
  'a client that returns no transition gets 10, then 32 wait, then it is disconnected; others get all',
  async (t) => {
    const model = enabled(4, 2);
    model.join(false);
    model.join(true);
    const [stuck, good] = [...model.live];
    stuck!.self.proved = true; // it answered once, so patience is not what ends it
    for (let i = 0; i < 36; i++) {
      model.transition(true);
      good!.readSocket();
      while (good!.transitionsInHand.length > 0) model.returnTransition(good!);
    }
    t.equal(stuck!.closed, undefined);
    t.equal(stuck!.self.unreturned.size, 10);
    for (let i = 0; i < 10; i++) {
      model.transition(true);
      while (good!.socket.length + good!.transitionsInHand.length > 0) model.returnTransition(good!);
    }
    t.equal(stuck!.closed, 'overrun');
    t.same(good!.seen, model.expected.get(good!));
    t.equal(model.core.transitions.room, 18 - 4);
  },
);

t.test('a share for a slow group is neither taken nor stolen by fast ones', async (t) => {
  const model = enabled(4, 1, 'distributed', [{ mask: 4, buffers: 2 }]);
  model.join(true);
  for (let i = 0; i < 10; i++) model.event(1);
  const [client] = [...model.live];
  t.equal(client!.queue.length, 2, 'fast events have two of four buffers');
  for (let i = 0; i < 2; i++) model.event(4);
  for (let i = 0; i < 10; i++) model.event(1);
  t.equal(model.slowQueued(client!), 2, 'both slow events are still there');
  model.event(4);
  t.ok(model.slowQueued(client!) >= 2);
});
