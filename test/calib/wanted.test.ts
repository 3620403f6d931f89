/** Unique ids, and where segments and their serial numbers come from (spec calib-pub.md, sections 1 and 7). */

import t from 'tap';
import { segmentsOfConnect } from '../../lib/calib/connect.ts';
import { parseDetectors } from '../../lib/calib/fetch-flags.ts';
import { detectorsOf, parseDetector, type Segment, uniqueId } from '../../lib/calib/wanted.ts';

const segment = (name: string, number: number, serial: string, type = 'epix10ka'): Segment => ({
  name,
  segment: number,
  type,
  serial,
});

t.test('the unique id is the type and all serial numbers in the order of the segments', async (t) => {
  const [epix] = detectorsOf([segment('epix', 1, '3'), segment('epix', 0, '1'), segment('epix', 2, '5')], 'detector');
  t.equal(uniqueId(epix!, 'tst1'), 'epix10ka_1_3_5');
  t.equal(uniqueId(epix!, undefined), 'epix10ka_1_3_5');
  t.equal(uniqueId(epix!, 'xpptut15'), 'cspad_detnum1234', 'test data always use one detector');
});

t.test('scope drp wants the segments at hand; scope detector refuses a gap', async (t) => {
  const own = [segment('epix', 3, '7'), segment('epix', 2, '5')];
  t.same(detectorsOf(own, 'drp'), [{ name: 'epix', type: 'epix10ka', serials: ['5', '7'] }]);
  t.throws(() => detectorsOf(own, 'detector'), { code: 'calib-segments', message: /epix: segment 0 is missing/ });
  const hole = [segment('epix', 0, '1'), segment('epix', 2, '5')];
  t.throws(() => detectorsOf(hole, 'detector'), { message: /segment 1 is missing/ });
});

t.test('a node: several detectors at once, each by itself', async (t) => {
  const all = [segment('opal', 0, '9', 'opal'), segment('epix', 0, '1'), segment('opal', 1, '8', 'opal')];
  t.same(detectorsOf(all, 'detector'), [
    { name: 'opal', type: 'opal', serials: ['9', '8'] },
    { name: 'epix', type: 'epix10ka', serials: ['1'] },
  ]);
});

t.test('segments that contradict each other are an error, repetitions are not', async (t) => {
  const twice = [segment('epix', 0, '1'), segment('epix', 0, '1')];
  t.same(detectorsOf(twice, 'drp')[0]!.serials, ['1']);
  t.throws(() => detectorsOf([...twice, segment('epix', 0, '2')], 'drp'), { message: /segment 0 is there twice/ });
  t.throws(() => detectorsOf([segment('epix', 0, '1'), segment('epix', 1, '2', 'opal')], 'drp'), {
    message: /of types/,
  });
});

t.test('--det NAME=TYPE:SERIAL,SERIAL', async (t) => {
  t.same(parseDetector('epix=epix10ka:1,3,5'), { name: 'epix', type: 'epix10ka', serials: ['1', '3', '5'] });
  t.same(parseDetector('opal=1234'), { name: 'opal', type: 'opal', serials: ['1234'] });
  for (const text of ['epix', 'epix=', 'epix=a:', 'epix=a:1,', '=1', 'e=a:b:1', 'epix=1 2']) {
    t.throws(() => parseDetector(text), { code: 'usage', message: /write NAME=TYPE/ }, text);
  }
  t.throws(() => parseDetectors(['a=1', 'b=2', 'a=3']), { code: 'usage', message: /a is there twice/ });
});

const drp = (alias: string, detId?: string) => ({
  proc_info: { alias },
  det_info: { readout: 0, ...(detId === undefined ? {} : { detType: 'epix10ka', detId }) },
});

function connect(drps: object): Buffer {
  return Buffer.from(JSON.stringify({ header: { key: 'connect' }, body: { control: {}, drp: drps } }));
}

t.test("the collection's result names segments and serial numbers of all DRPs", async (t) => {
  const bytes = connect({ '7': drp('epix_1', '3'), '8': drp('epix_0', '1'), '9': drp('timing_0') });
  t.same(detectorsOf(segmentsOfConnect(bytes, [], 'c.json'), 'detector'), [
    { name: 'epix', type: 'epix10ka', serials: ['1', '3'] },
  ]);
  const inConnectInfo = connect({ '7': { proc_info: { alias: 'opal_0' }, connect_info: { detId: 'x' } } });
  t.same(segmentsOfConnect(inConnectInfo, ['opal'], 'c.json'), [segment('opal', 0, 'x', 'opal')]);
});

t.test('what is missing there is named', async (t) => {
  const refuse = (bytes: Buffer, names: string[], message: RegExp) =>
    t.throws(() => segmentsOfConnect(bytes, names, 'c.json'), {
      code: 'calib-segments',
      message,
      place: { file: 'c.json' },
    });
  refuse(connect({ '7': drp('epix_0', '1'), '8': drp('epix_1') }), ['epix'], /epix_1 has no detId/);
  refuse(connect({ '7': drp('epix_0', '1') }), ['opal'], /no DRP of opal/);
  refuse(connect({ '7': drp('timing_0') }), [], /no DRP has a detId/);
  refuse(connect({}), [], /there are no DRPs/);
  refuse(Buffer.from('[]'), [], /there are no DRPs/);
  t.throws(() => segmentsOfConnect(Buffer.from('{'), [], 'c.json'), { code: 'json-syntax' });
});
