/** What configurations that come, change and go are turned into (spec mapreduce.md 3.2, 3.3, 6.4). */

import t from 'tap';
import { orderedJson } from '../../../lib/json/ordered.ts';
import { Formation } from '../../../lib/mapreduce/control/formation.ts';
import { Membership } from '../../../lib/mapreduce/control/membership.ts';
import type { Plan } from '../../../lib/mapreduce/control/plan.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import { readIngester } from '../../../lib/mapreduce/redis/configs.ts';
import type { Decision } from '../../../lib/mapreduce/redis/log.ts';

const MAP = 'm';
const cells = Array.from({ length: 10 }, () => [{ constraint: null }]);
const text = JSON.stringify({ parts: { p: { det: cells } }, sequence: ['p'] });
const map = readMap(orderedJson(Buffer.from(text)));
const ingesters = [{ name: 'i', streams: ['det'], ours: true }];

/** Ten published events of one worker, and what is decided when the ingester is, one after the other, one of these processes or none. */
function evictions(tellsAll: boolean, redo: Plan['redo'], ...seen: (object | undefined)[]): readonly number[] {
  const formation = new Formation({ map, options: { wrap: false, redo: 'rest', future: 8 }, depth: 10 });
  formation.apply({ decision: { op: 'join', worker: 'w', tags: ['generic'], service: 's', ours: true } }, 0);
  const ready = { state: 'ready', source: 'worker', worker: 'w', completed: [], has_result: [] } as const;
  formation.apply({ report: { ...ready, processing_times: null } }, 0);
  const decisions: Decision[] = [];
  const membership = new Membership(formation, (more) => decisions.push(...more), tellsAll);
  for (const config of seen) {
    const fields = { url: 'tcp://h:1', streams: ['det'], mapping_uuid: MAP, parameters_hash: null, ...config };
    const there = config ? [readIngester({ name: 'i', impl: 'daqpipe', protocol: 1, ...fields })] : [];
    membership.see({ workers: [], ingesters: there, reducer: null }, MAP, { ingesters, redo } as unknown as Plan);
  }
  return decisions.flatMap((decision) => (decision.op === 'evict' ? [decision.through] : []));
}

t.test('frames of an ingester that is restarted are gone, unless the next process is told all events', async (t) => {
  const [one, next] = [{ service_uuid: 'a' }, { service_uuid: 'b' }];
  t.same(evictions(true, 'rest', one, one), []);
  t.same(evictions(true, 'rest', one, next), [], 'frames that have yet to come are not lost');
  t.same(evictions(true, 'rest', one, undefined, undefined, next), []);
  t.same(evictions(true, 'rest', one, { ...next, held_from: 4 }), [3], 'what it lets go of counts all the same');
  t.same(evictions(false, 'rest', one, next), [9], 'over streams of Redis it is not told what is complete');
  t.same(evictions(false, 'rest', one, undefined), [9], 'it may never come back');
  t.same(evictions(true, 'rest', { ...one, impl: 'dranspose' }, next), [9], 'one of the reference knows nothing');
});

t.test('what is done again with all of a group needs its frames', async (t) => {
  const [one, next] = [{ service_uuid: 'a' }, { service_uuid: 'b' }];
  t.same(evictions(true, 'group', one, next), [9]);
  t.same(evictions(true, 'group', { ...one, rereads: true }, { ...next, rereads: true }), []);
  t.same(evictions(true, 'group', one, { ...next, rereads: true }), [9], 'what counts is who had them');
  t.same(evictions(false, 'group', { ...one, rereads: true }, next), [9]);
});
