import t from 'tap';
import { orderedJson } from '../../../lib/json/ordered.ts';
import { Formation } from '../../../lib/mapreduce/control/formation.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import { Done } from '../../../lib/mapreduce/transport/done.ts';
import { withoutDone } from '../../../lib/mapreduce/transport/items.ts';

const worker = (name: string, state: 'ready' | 'idle', completed: readonly number[]) => ({
  ...{ source: 'worker' as const, state, worker: name, completed, has_result: completed.map(() => false) },
  processing_times: null,
});

t.test('who has done an event is known from the snapshot when the log has been trimmed', async (t) => {
  const all = [{ constraint: null }];
  const text = JSON.stringify({ parts: { p: { det: [all, all] } }, sequence: ['p'] });
  const map = readMap(orderedJson(Buffer.from(text)));
  const formation = new Formation({ map, options: { wrap: false, future: 100, redo: 'rest' }, depth: 4 });
  for (const name of ['w1', 'w2']) {
    const join = { op: 'join', worker: name, tags: ['generic'], service: name, ours: true } as const;
    formation.apply({ decision: join }, 0);
  }
  for (const name of ['w1', 'w2']) formation.apply({ report: worker(name, 'ready', []) }, 0);
  formation.apply({ report: worker('w1', 'idle', [0]) }, 0);
  const done = new Done();
  done.addSnapshot(JSON.stringify({ through: '1-0', formation: formation.save() }));
  done.addEntry(JSON.stringify(worker('w2', 'idle', [1])));
  t.same([...done.byEvent.get(0)!], ['w1']);
  t.same([...done.byEvent.get(1)!], ['w2'], 'the log goes on from there');
  const feed = { event_number: 0, assignments: { det: ['w1', 'w2'] }, attempt: 1, origin: null };
  t.same(withoutDone([feed], [], done.byEvent)[0]?.assignments, { det: ['w2'] }, 'no empty message for w1');
});

t.test('no snapshot, or one that nobody understands, says nothing', async (t) => {
  const done = new Done();
  const shares = [{ state: 'out', origin: 'w1' }];
  for (const state of [
    null,
    '',
    '[]',
    '{}',
    '{"formation":{"assigner":{}}}',
    '{"formation":{"assigner":{"records":[1]}}}',
    JSON.stringify({ formation: { assigner: { records: [{ event: 3, shares }] } } }),
  ])
    done.addSnapshot(state);
  done.addEntry('nonsense');
  t.equal(done.byEvent.size, 0);
});
