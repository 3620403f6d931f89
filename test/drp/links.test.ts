import t from 'tap';
import { posixSegmentBytes } from '../../lib/drp/links/posix.ts';
import { sysvSegmentBytes } from '../../lib/drp/links/sysv.ts';
import { TriggerSplitter } from '../../lib/drp/links/trig.ts';
import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../../lib/xtc/service.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';
import { CAMERA } from './streams.ts';

t.test('posix: the larger limit, in whole pages (2.3)', (t) => {
  t.equal(posixSegmentBytes({ pebble: 1 << 20, maxTransition: 8 << 20 }), 8388608);
  t.equal(posixSegmentBytes({ pebble: 4097, maxTransition: 1 }), 8192);
  t.end();
});

t.test('sysv: a header page and the slots, whose tables are in front of the largest dgram', (t) => {
  const one = sysvSegmentBytes({ slots: 1, pebble: 100_000, maxTransition: 1, triggerBytes: 0 }) - 4096;
  t.ok(one % 4096 === 0 && one >= 2048 + 100_000, `${one} bytes`);
  t.equal(sysvSegmentBytes({ slots: 4, pebble: 1, maxTransition: 100_000, triggerBytes: 0 }), 4096 + 4 * one);
  t.end();
});

/** The algorithm with the trigger data of TmoTebData (teb.md, section 1.7). */
const algorithm = (alg: string, namesId: number) =>
  namesBlockOf({
    nodeId: 1,
    namesId,
    detType: 'opal',
    detName: 'camera',
    detId: 'serial1',
    segment: 0,
    alg,
    version: [1, 0, 0],
    fields: [
      { name: 'write', type: 'UINT32' },
      { name: 'monitor', type: 'UINT32' },
    ],
  });

t.test('posix: an algorithm named trig is trigger data and leaves the data dgram (section 7)', (t) => {
  const writer = new DgramWriter();
  const [trig, fex] = [algorithm('trig', 2), algorithm('fex', 3)];
  const make = (service: number, ...blocks: (typeof trig)[]): Buffer => {
    writer.begin({ sec: 1000, nsec: 5, env: makeEnv(service, 1), src: 1 });
    for (const names of blocks) {
      if (service === SERVICE.Configure) writer.names(names);
      else if (names === CAMERA)
        writer.data(CAMERA, { image: { shape: [2, 2], data: new Uint16Array(4).fill(7) }, number: 1 });
      else writer.data(names, { write: 0xdeadbeef, monitor: 3 });
    }
    return Buffer.from(writer.finish());
  };
  const { Configure, L1Accept, SlowUpdate } = SERVICE;
  const splitter = new TriggerSplitter();
  const configured = splitter.split(make(Configure, CAMERA), make(Configure, CAMERA, trig, fex), Configure);
  t.ok(splitter.used);
  t.ok(configured.bytes.equals(make(Configure, CAMERA, fex)));
  const event = splitter.split(make(L1Accept, CAMERA), make(L1Accept, CAMERA, trig, fex), L1Accept);
  t.ok(event.bytes.equals(make(L1Accept, CAMERA, fex)));
  t.equal(event.trigger?.toString('hex'), 'efbeadde03000000');
  const without = splitter.split(make(L1Accept, CAMERA), make(L1Accept, CAMERA, fex), L1Accept);
  t.equal(without.trigger, undefined);
  t.ok(without.bytes.equals(make(L1Accept, CAMERA, fex)));
  const slow = splitter.split(make(SlowUpdate), make(SlowUpdate, trig), SlowUpdate);
  t.equal(slow.trigger, undefined, 'only events have trigger data');
  t.ok(slow.bytes.equals(make(SlowUpdate)));
  const recorded = make(Configure, CAMERA, trig);
  t.equal(splitter.split(recorded, recorded, Configure).bytes, recorded, 'one that was there before is data');
  t.notOk(splitter.used);
  t.end();
});
