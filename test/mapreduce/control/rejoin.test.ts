import t from 'tap';
import { orderedJson } from '../../../lib/json/ordered.ts';
import { Formation } from '../../../lib/mapreduce/control/formation.ts';
import { Messages, routesOf } from '../../../lib/mapreduce/control/messages.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import type { Decision } from '../../../lib/mapreduce/redis/log.ts';
import { readWork, withoutDone } from '../../../lib/mapreduce/transport/items.ts';

/** Workers that go out of sight and come back, and processes that take over a name. */

const MAP = { parts: { p: { det: [[{ constraint: 0 }]] } }, sequence: Array(6).fill('p') };

function begin(): Formation {
  const map = readMap(orderedJson(Buffer.from(JSON.stringify(MAP))));
  return new Formation({ map, options: { wrap: true, future: 100, redo: 'rest', unheld: new Set() }, depth: 1 });
}

const join = (worker: string, service: string): Decision => ({
  ...{ op: 'join', worker, tags: ['generic'], service, ours: true },
});

const report = (worker: string, state: 'ready' | 'idle', completed: readonly number[], more: object = {}) => ({
  report: {
    ...{ source: 'worker' as const, state, worker, completed, has_result: completed.map(() => false) },
    ...{ processing_times: null, ...more },
  },
});

const decide = (formation: Formation, decision: Decision) => formation.apply({ decision }, 0);

t.test('who comes back under its service uuid gets work without saying again that it is ready', async (t) => {
  const formation = begin();
  decide(formation, join('w1', 's1'));
  formation.apply(report('w1', 'ready', []), 0);
  decide(formation, { op: 'gone', worker: 'w1' });
  const back = decide(formation, join('w1', 's1'));
  t.ok(back.given.length > 0);
  decide(formation, { op: 'gone', worker: 'w1' });
  const another = decide(formation, join('w1', 's2'));
  t.equal(another.given.length, 0, 'another process says so first');
  t.ok(formation.apply(report('w1', 'ready', []), 0).given.length > 0);
});

t.test('what a worker was given in the batch in which it dies is told to nobody', async (t) => {
  const formation = begin();
  const messages = new Messages(routesOf([{ name: 'i', streams: ['det'], ours: true }]), () => true);
  decide(formation, join('w1', 's1'));
  messages.add(formation.apply(report('w1', 'ready', []), 0));
  t.ok(messages.work.has('w1'));
  const outcome = decide(formation, { op: 'gone', worker: 'w1' });
  messages.gone('w1');
  messages.add(outcome);
  t.notOk(messages.work.has('w1'));
});

t.test('a process reads what it was given itself, and what says nothing of that', async (t) => {
  const item = { event_number: 3, streams_from: ['i'], attempt: 1, origin: 'w1' };
  const read = (service_uuid: unknown) => readWork(JSON.stringify([{ ...item, service_uuid }]), 's2').length;
  t.same([read('s1'), read('s2'), read(undefined)], [0, 1, 1]);
});

t.test(
  'an ingester that starts again gives the start event to whoever joined late, also under the name of one that had it',
  async (t) => {
    const feed = (event_number: number, origin: string | null) => ({
      ...{ event_number, assignments: { det: ['w1'] }, attempt: origin === null ? 1 : 2, origin },
    });
    const done = new Map([0, 1, 2].map((event) => [event, new Set(['w1'])] as const));
    const left = withoutDone(
      [feed(0, null), feed(1, null), feed(2, null), feed(1, 'w1'), feed(2, 'w1'), feed(0, 'w1')],
      [[0, 1]],
      done,
    );
    t.same(
      left.map(({ event_number, origin, assignments }) => [event_number, origin, assignments.det?.length]),
      [
        [0, null, 0],
        [1, null, 0],
        [2, null, 0],
        [2, 'w1', 1],
        [0, 'w1', 1],
      ],
    );
  },
);

t.test('incomplete events are named, also after a restart of the controller', async (t) => {
  const formation = begin();
  decide(formation, join('w1', 's1'));
  formation.apply(report('w1', 'ready', []), 0);
  formation.apply(report('w1', 'idle', [0], { incomplete: [0, 5] }), 0);
  t.same(formation.incomplete.ends, [[0, 0]], 'only what it has reported');
  t.equal(formation.counts.incomplete, 1);
  const saved = JSON.parse(JSON.stringify(formation.save())) as ReturnType<Formation['save']>;
  const map = formation.map;
  const setup = {
    map,
    options: { wrap: true, future: 100, redo: 'rest' as const, unheld: new Set<string>() },
    depth: 1,
  };
  t.same(Formation.restore(setup, [], saved).incomplete.ends, [[0, 0]]);
});
