/** Work and feed on the wire of the credits: groups come out as the items that went in. */

import t from 'tap';
import { type Fields, fieldsOf } from '../../../lib/mapreduce/redis/fields.ts';
import { groupFeed, groupWork, ungrouped } from '../../../lib/mapreduce/transport/groups.ts';
import { feedOf, workOf } from '../../../lib/mapreduce/transport/items.ts';
import type { Feed, Work } from '../../../lib/mapreduce/transport/types.ts';
import { Random } from '../../random.ts';

/** Over the wire and back. */
const sent = <T extends Feed | Work>(groups: readonly object[], read: (fields: Fields) => T) =>
  (JSON.parse(JSON.stringify(groups)) as unknown[]).flatMap((group) => ungrouped(fieldsOf(group, 'group'), read));

function randomItems(random: Random): { work: Work[]; feed: Feed[] } {
  const some = (names: readonly string[]) => names.filter(() => random.chance(0.8));
  const work: Work[] = [];
  const feed: Feed[] = [];
  for (let event_number = 0; event_number < random.below(60); event_number++) {
    const again = random.chance(0.05);
    const common = { event_number, attempt: again ? 2 : 1 };
    work.push({ ...common, origin: again ? 'w2' : 'w1', streams_from: some(['a', 'b']) });
    const assignments = Object.fromEntries(some(['s', 't']).map((stream) => [stream, some(['w1', 'w2'])]));
    feed.push({ ...common, origin: again ? 'w2' : null, assignments });
  }
  return { work, feed };
}

t.test('1,000 lists come out as they went in', async (t) => {
  const random = new Random(20261121);
  for (let round = 0; round < 1000; round++) {
    const { work, feed } = randomItems(random);
    const [foundWork, foundFeed] = [sent(groupWork(work), workOf), sent(groupFeed(feed), feedOf)];
    if (JSON.stringify([foundWork, foundFeed]) !== JSON.stringify([work, feed])) {
      t.strictSame(foundWork, work);
      t.strictSame(foundFeed, feed);
    }
  }
  t.pass();
});

t.test('events alike are one group, and what is no list is refused', async (t) => {
  const work = [1, 2, 5].map((event_number) => ({ event_number, attempt: 1, origin: 'w', streams_from: ['a'] }));
  t.strictSame(groupWork(work), [{ events: [1, 2, 5], attempt: 1, origin: 'w', streams_from: ['a'] }]);
  const rest = { attempt: 1, origin: 'w', streams_from: ['a'] };
  for (const events of [7, ['7'], [-1], [0.5]]) t.throws(() => ungrouped({ events, ...rest }, workOf), /events/);
  t.throws(() => ungrouped({ events: [7] }, workOf), /origin/);
});
