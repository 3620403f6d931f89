import t from 'tap';
import { Intervals } from '../../lib/intervals.ts';
import { orderedJson } from '../../lib/json/ordered.ts';
import { Assigner } from '../../lib/mapreduce/assign/assigner.ts';
import type { AssignerOptions } from '../../lib/mapreduce/assign/types.ts';
import { readMap } from '../../lib/mapreduce/map/read.ts';
import { AcceptedKeys } from '../../lib/mapreduce/reduce/accepted-keys.ts';
import { Random } from '../random.ts';

/** What is kept of events that are over: next to nothing (spec mapreduce.md 3.4, 5.2). */

const PART = 1000;

function assigner(parts: number, batch: number, options: Partial<AssignerOptions> = {}): Assigner {
  const cells = Array.from({ length: PART }, (_, i) => [{ constraint: Math.floor(i / batch) }]);
  const map = { parts: { p: { a: cells } }, sequence: Array<string>(parts).fill('p') };
  const read = readMap(orderedJson(Buffer.from(JSON.stringify(map))));
  return new Assigner(read, { depth: 1, future: 10_000, redo: 'rest', wrap: true, ...options });
}

/** Workers take turns until an event is reached; every event has a result. */
function work(one: Assigner, through: number): void {
  for (const { name } of one.workers.live) one.report(name, [], []);
  for (let turn = 0; one.front <= through; turn++) {
    const { live } = one.workers;
    const { name, deliveries } = live[turn % live.length]!;
    const events = deliveries.map(({ share }) => [share.event, share.origin] as const);
    one.report(
      name,
      events.map(([event]) => event),
      events.map(() => true),
    );
    for (const [event, origin] of events) one.result(event, origin);
    one.takeOutcome();
  }
}

for (const [redo, batch] of [
  ['rest', 1],
  ['group', 1],
  ['group', 10],
] as const)
  t.test(`a snapshot does not grow: depth 1, ${batch} events per constraint, redo "${redo}"`, async (t) => {
    const one = assigner(20, batch, { redo });
    for (const name of ['w1', 'w2', 'w3', 'w4']) one.join(name, ['generic']);
    work(one, 2 * PART);
    const early = JSON.stringify(one.save()).length;
    work(one, 19 * PART);
    const saved = one.save();
    const late = JSON.stringify(saved).length;
    t.ok(late < early + 500, `${early} bytes after ${2 * PART} events, ${late} after ${19 * PART}`);
    t.ok(one.ledger.over > 19 * PART - 100, `events before ${one.ledger.over} are over`);
    t.equal(saved.results, one.ledger.complete + 3, 'the start event has four results');
  });

t.test('a result of a lost share that comes when the event is over is a duplicate, and named', async (t) => {
  const one = assigner(1, 1, { depth: 2 });
  one.join('w1', ['generic']);
  one.join('w2', ['generic']);
  work(one, 10);
  const [delivery] = one.workers.mustFind('w1').deliveries;
  const { event } = delivery!.share;
  one.takeOutcome();
  one.evict(one.front);
  one.gone('w1');
  t.ok(one.takeOutcome().lost.some(({ event_number }) => event_number === event));
  work(one, 100);
  t.ok(one.ledger.over > event);
  const { results, duplicates } = one.ledger;
  one.result(event, 'w1');
  t.same(one.takeOutcome().late, [{ event_number: event, origin: 'w1' }]);
  t.equal(one.ledger.results, results);
  t.equal(one.ledger.duplicates, duplicates + 1);
  one.result(event - 1, 'w2');
  t.same(one.takeOutcome().late, [], 'of an event that is whole');
  const accepted = new Map(one.save().accepted.map(([name, ends]) => [name, new Intervals(ends)]));
  t.ok(accepted.get('w1')?.has(event), 'so a reducer that begins again does not take it either');
});

t.test('the start event is never over for those who come late', async (t) => {
  const one = assigner(1, 1);
  one.join('w1', ['generic']);
  work(one, 100);
  one.join('w2', ['generic']);
  one.report('w2', [], []);
  const accepted = () => one.save().accepted.find(([name]) => name === 'w2')?.[1];
  t.same(accepted(), [[1, one.ledger.over - 1]]);
  one.report('w2', [0], [true]);
  t.ok(one.ledger.anyOutstanding, 'its result is waited for');
  one.result(0, 'w2');
  t.same(accepted(), [[0, one.ledger.over - 1]]);
});

t.test('intervals filled at random are those of a set', async (t) => {
  const random = new Random(4);
  for (let round = 0; round < 2000; round++) {
    const intervals = new Intervals();
    const naive = new Set<number>();
    for (let n = random.below(12); n > 0; n--) {
      const from = random.below(40);
      const to = random.chance(0.5) ? from : from + random.below(12) - 1;
      if (from !== to) intervals.fill(from, to);
      else if (intervals.add(from) === naive.has(from)) t.fail(`${from} in ${JSON.stringify(intervals.ends)}`);
      for (let one = from; one <= to; one++) naive.add(one);
    }
    const plain = new Intervals();
    for (const one of naive) plain.add(one);
    if (JSON.stringify(plain.ends) !== JSON.stringify(intervals.ends)) return t.same(intervals.ends, plain.ends);
    if (intervals.count !== naive.size) return t.equal(intervals.count, naive.size);
  }
});

t.test('a reducer counts what was accepted, and joins the keys of events that are over', async (t) => {
  const over = new Map(['w1', 'w2'].map((name) => [name, new Intervals([[1, 5000]])]));
  const keys = new AcceptedKeys();
  for (let event = 1; event <= 5000; event++) keys.add(event, event % 2 ? 'w1' : 'w2');
  t.ok(keys.isScattered);
  keys.learn({ keys: over });
  t.notOk(keys.isScattered);
  t.equal(keys.count, 5000);
  t.ok(keys.has(7, 'w2'));
  t.notOk(keys.add(7, 'w2') || keys.add(8, 'w1'));
  t.ok(keys.add(5001, 'w1'));
  const next = new AcceptedKeys({ keys: over, results: 5000 });
  t.equal(next.count, 5000);
  t.notOk(next.add(4000, 'w1'));
});
