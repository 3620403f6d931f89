/** Events that travel together (spec mapreduce.md 6.4): what the ingester puts in is what the worker takes out. */

import t from 'tap';
import { batchParts } from '../../../lib/mapreduce/ingest/batch.ts';
import { EventFrames, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { readIngesterMessage } from '../../../lib/mapreduce/work/ingester-message.ts';
import { Random } from '../../random.ts';

const MAP = '00000000-0000-4000-8000-000000000000';

function randomMessages(random: Random): Message[] {
  return Array.from({ length: 2 + random.below(62) }, (_, event) => {
    const names = ['det', 'a "quoted" one', '__proto__'].filter(() => random.chance(0.6));
    const streams = names.map((name) => {
      const frames = Array.from({ length: random.below(3) }, () => Buffer.alloc(random.below(100), random.below(256)));
      return { name, data: { typ: frames.length === 0 ? 'MISSING' : 'STINS', frames } };
    });
    const again = random.chance(0.1);
    const origin = again ? 'dead' : null;
    return { worker: 'w', event, attempt: again ? 2 : 1, origin, streams, of: new EventFrames(event, []) };
  });
}

t.test('200 batches come out as they went in', async (t) => {
  const random = new Random(20261121);
  for (let round = 0; round < 200; round++) {
    const messages = randomMessages(random);
    const [header, body] = batchParts(messages, MAP);
    const expected = messages.map(({ event: event_number, attempt, origin, streams }) => ({
      event_number,
      attempt,
      ...(origin === null ? {} : { origin }),
      map: MAP,
      streams: streams.map(({ name, data }) => [name, data]),
    }));
    const read = readIngesterMessage([Buffer.from(header), body]);
    const found = read.map(({ streams, ...rest }) => ({ ...rest, streams: [...streams] }));
    t.strictSame(found, expected);
  }
});

t.test('a batch that does not fit together is refused', async (t) => {
  const good = { batch: [[1, 0, 1, null]], shapes: [{ det: { typ: 'S', length: 2 } }], sizes: [1, 2], map: MAP };
  const read = (header: object, ...parts: Buffer[]) =>
    readIngesterMessage([Buffer.from(JSON.stringify(header)), ...parts]);
  t.same(read(good, Buffer.from('abc'))[0]?.streams.get('det')?.frames.join(), 'a,bc');
  const body = Buffer.alloc(3);
  for (const [header, ...parts] of [
    [good],
    [good, body, body],
    [good, Buffer.alloc(2)],
    [good, Buffer.alloc(4)],
    [{ ...good, sizes: [1, 1, 1] }, body],
    [{ ...good, sizes: [3] }, body],
    [{ ...good, sizes: [4, -1] }, body],
    [{ ...good, sizes: 3 }, body],
    [{ ...good, batch: {} }, body],
    [{ ...good, batch: [7] }, body],
    [{ ...good, batch: [[-1, 0, 1, null]] }, body],
    [{ ...good, batch: [[1, 1, 1, null]] }, body],
    [
      {
        ...good,
        batch: [
          [1, 0, 1, null],
          [2, 0, 1, null],
        ],
      },
      body,
    ],
    [{ ...good, shapes: [{ det: { typ: 'S', length: -2 } }] }, body],
  ] as const)
    t.throws(() => read(header, ...parts), /batch|part|bytes|event_number/);
});
