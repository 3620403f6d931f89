import t from 'tap';
import { EventFrames, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { type Attempted, Outbox } from '../../../lib/mapreduce/ingest/outbox.ts';
import { Random } from '../../random.ts';

function message(event: number, size = 10): Message {
  const data = { typ: 'T', frames: [Buffer.alloc(size)] };
  return {
    worker: 'w',
    event,
    attempt: 1,
    origin: null,
    streams: [{ name: 's', data }],
    of: new EventFrames(event, []),
  };
}

/** A socket of which the test decides what it says. */
function outbox(answer: () => Attempted) {
  const sent: number[][] = [];
  const delivered: number[] = [];
  const undeliverable: number[] = [];
  const box = new Outbox({
    send: async (messages) => {
      const said = answer();
      if (said === 'sent') sent.push(messages.map(({ event }) => event));
      return said;
    },
    delivered: ({ event }) => delivered.push(event),
    undeliverable: ({ event }) => undeliverable.push(event),
  });
  return { box, sent, delivered, undeliverable };
}

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('small events travel together, large ones alone, in order (spec mapreduce.md 6.4)', async (t) => {
  const { box, sent, delivered } = outbox(() => 'sent');
  box.batches = true;
  for (let event = 0; event < 5; event++) box.put(message(event));
  box.put(message(5, 1 << 20));
  box.put(message(6));
  await turns();
  t.same(sent, [[0, 1, 2, 3, 4], [5], [6]]);
  t.same(delivered, [0, 1, 2, 3, 4, 5, 6]);
});

t.test('a worker that is away keeps its messages until it is back or they are over', async (t) => {
  let said: Attempted = 'away';
  const { box, sent, undeliverable } = outbox(() => said);
  const first = message(0);
  box.put(first);
  await turns();
  first.of.released = 'over';
  box.put(message(1));
  t.same(undeliverable, [0], 'an event that is over is not kept for it');
  said = 'sent';
  box.back();
  await turns();
  t.same(sent, [[1]]);
});

t.test('a full worker is asked again without a busy loop, and nothing is lost, doubled or out of order', async (t) => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    let asked = 0;
    let open = false;
    const { box, sent, delivered, undeliverable } = outbox(() => {
      asked++;
      return open || random.chance(0.5) ? 'sent' : random.chance(0.7) ? 'full' : 'away';
    });
    box.batches = random.chance(0.5);
    for (let event = 0; event < 40; event++) {
      box.put(message(event));
      if (random.chance(0.3)) await turns(2);
      if (random.chance(0.3)) box.back();
    }
    open = true;
    while (box.length > 0) {
      box.back();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await turns();
    const all = Array.from({ length: 40 }, (_, event) => event);
    t.same([sent.flat(), delivered, undeliverable], [all, all, []], `seed ${seed}`);
    t.ok(asked < 2000);
  }
});
