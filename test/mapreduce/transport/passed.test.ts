import t from 'tap';
import { Credits, type Hello } from '../../../lib/mapreduce/control/credits.ts';
import type { Registry } from '../../../lib/mapreduce/redis/registry.ts';
import { CreditsIngesterLink } from '../../../lib/mapreduce/transport/credit-links.ts';
import type { FeedNews } from '../../../lib/mapreduce/transport/types.ts';

/** An ingester that begins amid a map is told of events that are over how many there are, once (spec mapreduce.md 5.2). */

const feed = (event_number: number) => ({ event_number, assignments: { det: [] }, attempt: 1, origin: null });

/** A controller at event 51. */
async function controller(answers: (hello: Hello) => readonly number[]): Promise<{ credits: Credits; url: string }> {
  const credits: Credits = new Credits({
    say: (message) => t.fail(message),
    standing: () => 'member',
    look: async () => {},
    received: (map, _, hellos) => {
      for (const hello of hellos) {
        const events = answers(hello);
        const passed = hello.next === 0 ? { before: 50, places: { det: 49 } } : undefined;
        const message = { again: true, reports: 0, feed: events.map(feed), over: [[0, 49]], passed } as const;
        credits.send('ingester', hello.name, map, message);
      }
    },
  });
  return { credits, url: await credits.listen('tcp://127.0.0.1:*') };
}

t.test('what is passed counts once, also if the controller is another one before anything else is told', async (t) => {
  const first = await controller(() => [0]);
  const nexts: number[] = [];
  const second = await controller(({ next }) => {
    nexts.push(next);
    return [50];
  });
  const registry = { serviceUuid: 'service' } as unknown as Registry;
  const link = new CreditsIngesterLink({
    ...{ registry, map: 'm', name: 'i', say: (message: string) => t.fail(message), control: first.url, ofMap: true },
  });
  const news: FeedNews[] = [];
  for await (const one of link.feed()) {
    news.push(one);
    if (news.length === 1) link.moved(second.url);
    if (one.events.some(({ event_number }) => event_number === 50)) break;
  }
  t.same(
    news.map(({ events, passed }) => [events.map(({ event_number }) => event_number), passed?.places.det]),
    [
      [[0], 49],
      [[50], undefined],
    ],
  );
  t.same(nexts, [50]);
  await link.close();
  await first.credits.close();
  await second.credits.close();
});
