import t from 'tap';
import { entriesOf } from '../../../lib/mapreduce/redis/stream.ts';
import { readUpdate } from '../../../lib/mapreduce/redis/updates.ts';
import { openWorkerLink } from '../../../lib/mapreduce/transport/open.ts';
import { until } from '../../until.ts';
import { batches, Ensemble } from './ensemble.ts';

/** A worker was killed and started again at once: the new process is there before the controller knows that the old one is gone (spec mapreduce.md 3.2). */

const EVENTS = 20;

t.test(
  'the next process of a name is not given what the one before was sent, and begins with the start event',
  async (t) => {
    const ensemble = await Ensemble.start(t, { workers: 1, ours: true });
    const [before] = ensemble.workers;
    before!.stuckAt = 5;
    const map = await ensemble.post(batches(EVENTS, 1));
    await ensemble.complete(5);

    const { registry } = await ensemble.options('w1', true);
    const { redis, keys } = registry;
    const [newest] = entriesOf(await redis.xrevrange(keys.updates, '+', '-', 'COUNT', 1));
    const update = readUpdate(newest!.data);
    const link = openWorkerLink({ registry, name: 'w1', update, say: () => {} }, () => undefined);
    t.teardown(() => link.close());
    const given: number[] = [];
    const taking = (async () => {
      for await (const news of link.work()) given.push(...news.given.map(({ event_number }) => event_number));
    })();
    await link.ready();
    const heard = async () => /strange[^\n]* [1-9]/.test(await (await ensemble.request('/metrics')).text());
    await until('it is heard, and not known yet', heard);
    t.same(given, []);

    await before!.kill({ delete: true });
    const config = { mapping_uuid: map, dranspose_version: null, mapreduce_version: null, parameters_hash: null };
    const rest = { processed_events: 0, event_rate: 0, ingesters: [], tags: ['generic'] };
    await registry.publish('worker', 'w1', { ...config, ...rest });
    await until('it is given something', () => given.length > 0);
    t.equal(given[0], 0);
    await link.close();
    await taking;
  },
);
