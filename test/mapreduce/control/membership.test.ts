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
const plan = { ingesters: [{ name: 'i', streams: ['det'], ours: true }] } as unknown as Plan;

/** Ten published events of one worker, and what is decided when the ingester is, one after the other, one of these processes or none. */
function evictions(tellsAll: boolean, ...seen: (object | undefined)[]): readonly number[] {
  const formation = new Formation({ map, options: { wrap: false, redo: 'rest', future: 8 }, depth: 10 });
  formation.apply({ decision: { op: 'join', worker: 'w', tags: ['generic'], service: 's', ours: true } }, 0);
  const ready = { state: 'ready', source: 'worker', worker: 'w', completed: [], has_result: [] } as const;
  formation.apply({ report: { ...ready, processing_times: null } }, 0);
  const decisions: Decision[] = [];
  const membership = new Membership(formation, (more) => decisions.push(...more), tellsAll);
  for (const config of seen) {
    const fields = { url: 'tcp://h:1', streams: ['det'], mapping_uuid: MAP, parameters_hash: null, ...config };
    const ingesters = config ? [readIngester({ name: 'i', impl: 'daqpipe', protocol: 1, ...fields })] : [];
    membership.see({ workers: [], ingesters, reducer: null }, MAP, plan);
  }
  return decisions.flatMap((decision) => (decision.op === 'evict' ? [decision.through] : []));
}

t.test(
  'frames of an ingester that is restarted are gone, unless it reads them again and is told all events',
  async (t) => {
    const one = { service_uuid: 'a' };
    const [again, next] = [
      { ...one, rereads: true },
      { service_uuid: 'b', rereads: true },
    ];
    t.same(evictions(true, one, one), []);
    t.same(evictions(true, one, { service_uuid: 'b' }), [9]);
    t.same(evictions(true, one, undefined), [9], 'it may never come back');
    t.same(evictions(true, again, next), []);
    t.same(evictions(true, again, undefined, undefined, next), [], 'the next one will have them');
    t.same(evictions(false, again, next), [9], 'over streams of Redis it is not told what is complete');
    t.same(evictions(true, one, next), [9], 'what counts is who had them');
    t.same(evictions(true, again, { ...next, held_from: 4 }), [3], 'what it lets go of counts all the same');
  },
);
