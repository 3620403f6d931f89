import t from 'tap';
import { baseName, parseName, queuesBeside, workerNames } from '../../lib/ipc/posix-names.ts';

t.test('names of drp-python (2.2)', (t) => {
  const base = baseName({ partition: 3, detName: 'epix_10k', segment: 12 });
  t.equal(base, 'p3_epix_10k_12');
  t.same(workerNames(base, 7), {
    toWorker: '/mqinp_p3_epix_10k_12_7',
    fromWorker: '/mqres_p3_epix_10k_12_7',
    input: '/shminp_p3_epix_10k_12_7',
    result: '/shmres_p3_epix_10k_12_7',
  });
  for (const [part, name] of Object.entries(workerNames(base, 7))) {
    const type = part === 'input' || part === 'result' ? 'segment' : 'queue';
    t.match(parseName(name), { type, partition: 3, detector: 'epix_10k', segment: 12, worker: 7 }, name);
  }
  t.end();
});

t.test('names of the trigger event builder and of monitors are recognised', (t) => {
  t.match(parseName('/mqtebinp_p2_teb0'), { type: 'queue', partition: 2, detector: 'teb0' });
  t.match(parseName('/shmtebres_p2_teb0'), { type: 'segment', partition: 2, kind: 'trigger result' });
  t.match(parseName('/mqtebinp_p2_teb0_0123abcd'), { type: 'queue', partition: 2, detector: 'teb0' });
  t.match(parseName('/PdsMonitorSharedMemory_tst_1'), { type: 'segment', detector: 'tst_1' });
  t.match(parseName('/PdsToMonitorEvQueue_tst_1_4'), { type: 'queue', detector: 'tst_1', worker: 4 });
  for (const name of ['PdsFromMonitorDiscovery', 'PdsRequestQueue', 'PdsShuffleQueue']) {
    t.match(parseName(`/${name}_tst`), { type: 'queue', detector: 'tst' });
  }
  for (const name of ['/shminp_p3_epix_0', '/shminp_px_epix_0_0', '/sem.x', '/other', '/PdsMonitorSharedMemory']) {
    t.equal(parseName(name), undefined, name);
  }
  t.end();
});

t.test('segments of calibration constants, of one segment, a detector, or several', (t) => {
  const kind = 'calibration constants';
  t.match(parseName('/daqpipe-calib-p6-opal_0-197-12'), {
    type: 'segment',
    kind,
    partition: 6,
    detector: 'opal',
    segment: 0,
  });
  t.match(parseName('/daqpipe-calib-p6-opal-197-12'), { kind, detector: 'opal', segment: undefined });
  t.match(parseName('/daqpipe-calib-p6-a_0+b_1-197-12'), { kind, detector: 'a_0+b', segment: 1 });
  t.end();
});

t.test('queues beside a segment', (t) => {
  t.same(queuesBeside('/shmres_p0_a_b_1_2'), ['/mqinp_p0_a_b_1_2', '/mqres_p0_a_b_1_2']);
  t.same(queuesBeside('/shmtebinp_p0_teb1'), ['/mqtebinp_p0_teb1', '/mqtebres_p0_teb1']);
  t.same(queuesBeside('/shmtebinp_p0_teb1_00ff00ff')[0], '/mqtebinp_p0_teb1_00ff00ff');
  t.ok(queuesBeside('/PdsMonitorSharedMemory_x').includes('/PdsToMonitorEvQueue_x_0'));
  t.same(queuesBeside('/other'), []);
  t.end();
});
