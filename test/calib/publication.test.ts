/** Who gets which run (spec calib-pub.md, section 5): named cases, then random schedules against the rules themselves. */

import t from 'tap';
import {
  LATE_POLICIES,
  type Newcomer,
  type Order,
  Publication,
  type PublicationPolicy,
} from '../../lib/calib/publish/publication.ts';
import { imbalance } from '../../lib/cli/balance.ts';
import { Random } from '../random.ts';

const policy = (changes: Partial<PublicationPolicy> = {}): PublicationPolicy => ({
  late: 'once',
  expect: 0,
  expectTimeout: 10,
  ...changes,
});
const sends = (orders: readonly Order[]) => orders.flatMap((order) => (order.kind === 'send' ? [...order.to] : []));

t.test('those who are there get it at once, those who come later alone, nobody after the end', async (t) => {
  const publication = new Publication(policy());
  publication.subscribedBy(1, 'local');
  publication.begin();
  t.same(publication.subscribedBy(2, 'local'), [], 'the constants are not there yet');
  t.same(publication.ready(0), [{ kind: 'send', seq: 1, to: [1, 2] }]);
  t.same(publication.subscribedBy(3, 'local'), [{ kind: 'send', seq: 1, to: [3] }]);
  publication.end();
  t.same(publication.subscribedBy(4, 'local'), []);
  publication.begin();
  t.same(publication.ready(1), [{ kind: 'send', seq: 2, to: [1, 2, 3, 4] }]);
});

t.test('--expect holds the message until all are there, or too long', async (t) => {
  const publication = new Publication(policy({ expect: 2 }));
  publication.begin();
  publication.subscribedBy(1, 'local');
  t.same(publication.ready(5), []);
  t.equal(publication.deadline, 15);
  t.same(publication.subscribedBy(2, 'local'), [{ kind: 'send', seq: 1, to: [1, 2] }]);
  t.equal(publication.deadline, undefined);
  publication.begin();
  publication.left(2);
  t.same(publication.ready(20), []);
  t.same(publication.tick(29), []);
  t.same(publication.tick(30), [
    { kind: 'absent', seq: 2, present: 1 },
    { kind: 'send', seq: 2, to: [1] },
  ]);
  publication.end();
  t.equal(publication.counts.absent, 0, 'two belonged to run 2, although one left');
});

t.test('a newcomer over a network may be one that lost its connection (--late once)', async (t) => {
  const alone = new Publication(policy());
  alone.subscribedBy(1, 'remote');
  alone.begin();
  alone.ready(0);
  t.same(sends(alone.subscribedBy(2, 'remote')), [2], 'nobody has left');
  alone.left(1);
  t.same(sends(alone.subscribedBy(3, 'remote')), [], 'it may be 1');
  t.same(sends(alone.subscribedBy(4, 'local')), [4], 'on one node connections do not break');
  t.same(sends(alone.subscribedBy(5, 'repeatable')), [5], 'it drops what it has');
  const expecting = new Publication(policy({ expect: 2 }));
  expecting.subscribedBy(1, 'remote');
  expecting.begin();
  expecting.ready(0);
  expecting.tick(10);
  t.same(sends(expecting.subscribedBy(2, 'remote')), [2], 'one of the two expected ones is missing');
  t.same(sends(expecting.subscribedBy(3, 'remote')), []);
});

t.test('after a restart inside a run only those are served who can tell a repetition', async (t) => {
  const publication = new Publication(policy({ expect: 4 }));
  publication.subscribedBy(1, 'local');
  publication.begin(4);
  publication.subscribedBy(2, 'repeatable');
  t.same(sends(publication.ready(0)), [2]);
  t.same(sends(publication.subscribedBy(3, 'local')), []);
  t.same(sends(publication.subscribedBy(4, 'repeatable')), [4]);
  publication.begin();
  t.same(publication.ready(0), [{ kind: 'send', seq: 2, to: [1, 2, 3, 4] }]);
  t.match(publication.counts, { withheld: 2, absent: 0 });
});

t.test('a subscription that is taken back and renewed on one connection is one subscriber', async (t) => {
  const publication = new Publication(policy());
  publication.subscribedBy(1, 'local');
  publication.begin();
  publication.ready(0);
  publication.unsubscribedBy(1);
  t.same(publication.subscribedBy(1, 'local'), []);
});

/** The rules, kept in the plainest way: what each connection was sent, by run. */
class Witness {
  readonly got = new Map<number, number[]>();
  /** Who must have run `seq` when it ends, because it was there or came in time. */
  readonly due = new Set<number>();
  open = 0;

  take(orders: readonly Order[], phase: string): void {
    for (const order of orders) {
      if (order.kind !== 'send') continue;
      if (this.open === 0 || order.seq !== this.open)
        throw new Error(`run ${order.seq} is sent while ${this.open} is open`);
      if (phase === 'fetching') throw new Error('sent before it was there');
      for (const id of order.to) {
        const list = this.got.get(id) ?? [];
        if (list.includes(order.seq)) throw new Error(`${id} gets run ${order.seq} twice`);
        this.got.set(id, [...list, order.seq]);
        this.due.delete(id);
      }
    }
  }
}

/** One random schedule. @returns what happened, for coverage */
function schedule(seed: number): Publication {
  const random = new Random(seed);
  const late = LATE_POLICIES[random.below(3)]!;
  const expect = random.chance(0.5) ? 0 : random.below(5);
  const publication = new Publication({ late, expect, expectTimeout: 5 });
  const witness = new Witness();
  const kinds = new Map<number, Newcomer>();
  const inside: [number, number][] = [];
  let phase = 'none';
  let now = 0;
  let ids = 0;
  let expired = false;
  const take = (orders: readonly Order[]) => {
    witness.take(orders, phase);
    for (const order of orders) {
      if (order.kind === 'absent') expired = true;
      else for (const id of order.to) inside.push([id, order.seq]);
    }
    if (phase === 'holding' && publication.deadline === undefined) {
      phase = 'open';
      if (witness.due.size > 0) throw new Error(`${[...witness.due]} were there and got nothing`);
    }
  };
  for (let step = 0; step < 24; step++) {
    now += random.below(3);
    const some = [...kinds.keys()][random.below(kinds.size)];
    switch (random.below(8)) {
      case 0:
        witness.open = publication.begin();
        witness.due.clear();
        for (const id of kinds.keys()) witness.due.add(id);
        phase = 'fetching';
        break;
      case 1:
        if (phase === 'fetching') phase = 'holding';
        take(publication.ready(now));
        break;
      case 2:
      case 3: {
        const kind = (['repeatable', 'local', 'remote'] as const)[random.below(3)]!;
        const id = ++ids;
        kinds.set(id, kind);
        if (phase === 'fetching' || phase === 'holding') witness.due.add(id);
        const wasOpen = phase === 'open';
        const orders = publication.subscribedBy(id, kind);
        if (wasOpen && (late === 'always' || (late === 'once' && kind !== 'remote')) && sends(orders)[0] !== id) {
          throw new Error(`${id} is late and gets nothing`);
        }
        take(orders);
        break;
      }
      case 4:
        if (some === undefined) break;
        publication.left(some);
        kinds.delete(some);
        witness.due.delete(some);
        break;
      case 5: {
        const [id, seq] = inside.splice(random.below(inside.length), 1)[0] ?? [];
        if (id !== undefined && seq !== undefined) publication.delivered(id, seq);
        break;
      }
      case 6:
        if (random.chance(0.3)) {
          publication.end();
          witness.open = 0;
          witness.due.clear();
          phase = 'none';
        }
        break;
      default: {
        const { deadline } = publication;
        take(publication.tick(now));
        if (deadline !== undefined && now >= deadline && publication.deadline !== undefined)
          throw new Error('it waits too long');
      }
    }
    if (publication.subscribed !== kinds.size) throw new Error('somebody was forgotten');
    if (imbalance(publication.balance()) !== 0) throw new Error(`not balanced: ${JSON.stringify(publication.counts)}`);
    if (expired && expect === 0) throw new Error('nobody was expected');
  }
  return publication;
}

t.test('random schedules: everybody once, nobody twice, nothing outside a run, closed balance', async (t) => {
  const seen: Record<string, number> = {};
  for (let seed = 0; seed < 100_000; seed++) {
    try {
      for (const [name, count] of Object.entries(schedule(seed).counts)) seen[name] = (seen[name] ?? 0) + count;
    } catch (error) {
      return t.fail(`seed ${seed}: ${(error as Error).message}`);
    }
  }
  for (const [name, count] of Object.entries(seen)) if (name !== 'underWay') t.ok(count > 1000, `${name}: ${count}`);
});
