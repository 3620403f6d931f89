/** Headers are written once for messages that are alike (spec mapreduce.md 6.1): what is remembered must not reach another message. */

import t from 'tap';
import { EventFrames, type Message } from '../../../lib/mapreduce/ingest/event-frames.ts';
import { Headers } from '../../../lib/mapreduce/ingest/header.ts';
import { Random } from '../../random.ts';

const MAP = '00000000-0000-4000-8000-000000000000';
const AT = '2026-11-21T00:00:00.000Z';

t.test('the start event for one newcomer and then for another one', async (t) => {
  const headers = new Headers(MAP);
  const of = new EventFrames(0, []);
  const streams = [{ name: 'det', data: { typ: 'STINS', frames: [Buffer.of(1)] } }];
  const headerFor = (worker: string) =>
    JSON.parse(headers.text({ worker, event: 0, attempt: 2, origin: worker, streams, of }, 'ours', AT)) as object;
  t.match(headerFor('w1'), { event_number: 0, attempt: 2, origin: 'w1' });
  t.match(headerFor('w2'), { event_number: 0, attempt: 2, origin: 'w2' });
});

t.test('10,000 messages have the header that one who remembers nothing writes', async (t) => {
  const random = new Random(20261122);
  const headers = new Headers(MAP);
  const events = Array.from({ length: 3 }, (_, event) => new EventFrames(event, []));
  const frames = [[Buffer.of(1)], [Buffer.of(2), Buffer.of(3)]].map((parts) => ({ typ: 'STINS', frames: parts }));
  const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
  let different = 0;
  for (let round = 0; round < 10_000; round++) {
    const of = pick(events);
    const names = pick([['det'], ['other'], ['det', 'other']]);
    const message: Message = {
      ...{ worker: pick(['w1', 'w2']), event: of.number, attempt: 1 + random.below(2), of },
      origin: pick([null, 'w1', 'w2']),
      streams: names.map((name) => ({ name, data: pick(frames) })),
    };
    const to = pick(['reference', 'ours', 'shared'] as const);
    if (headers.text(message, to, AT) !== new Headers(MAP).text(message, to, AT)) different++;
  }
  t.equal(different, 0);
});
