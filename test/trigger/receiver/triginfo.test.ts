import t from 'tap';
import { TrigInfoWriter } from '../../../lib/trigger/receiver/triginfo.ts';
import { Dgram } from '../../../lib/xtc/dgram.ts';
import { editDgram } from '../../../lib/xtc/editor.ts';
import { CONFIGURE, dgram, L1ACCEPT, names, walkAll } from '../../xtc/raw.ts';

const NODE = 5;
const INFO = { data: 0xdeadbe3e, meb: 2, missingLow: 0x80000001, missingHigh: 6, flags: 17 };
const field = { name: 'x', type: 2, rank: 0 };

function written(writer: TrigInfoWriter, ...described: Buffer[]) {
  const configure = writer.configure(new Dgram(dgram({ service: CONFIGURE, src: NODE }, ...described)));
  const event = editDgram(new Dgram(dgram({ service: L1ACCEPT, src: NODE })), { append: [writer.block(INFO)] });
  return { configure, event, walked: walkAll([configure, event]) };
}

t.test('triginfo 0.0.1: data, fourth names index after the base of the detector (section 7.4)', (t) => {
  const { walked, event } = written(new TrigInfoWriter(false), names([field], { id: NODE << 8 }));
  t.same(walked.findings, []);
  const [, block] = walked.names;
  t.match(block, { id: (NODE << 8) | 3, detName: 'triginfo', alg: 'triginfo', version: 1, segment: 0 });
  t.same(
    block!.fields.map(({ name, type, rank }) => [name, type, rank]),
    [['data', 2, 0]],
  );
  t.equal(event.length, 24 + 40);
  t.equal(event.readUInt32LE(60), INFO.data, 'all 32 bits');
  t.end();
});

t.test('--triginfo-ext: a second algorithm, 0.1.0, in the same events', (t) => {
  const { walked } = written(new TrigInfoWriter(true));
  t.same(walked.findings, []);
  t.same(
    walked.names.map(({ id, version }) => [id & 0xff, version]),
    [
      [3, 1],
      [4, 0x100],
    ],
  );
  const missing = (BigInt(INFO.missingHigh) << 32n) | BigInt(INFO.missingLow);
  t.same(walked.blocks, [
    { data: String(INFO.data) },
    { data: String(INFO.data), meb: '2', missing: String(missing), flags: '17' },
  ]);
  t.end();
});

t.test('an index that the detector itself uses is stepped over', (t) => {
  const taken = [3, 4, 6].map((index) => names([field], { id: (NODE << 8) | index, det: `d${index}` }));
  const { walked } = written(new TrigInfoWriter(true), ...taken);
  t.same(walked.findings, []);
  t.same(
    walked.names.slice(3).map(({ id }) => id & 0xff),
    [5, 7],
  );
  t.end();
});

t.test('blocks are not written again while an output may still hold them', (t) => {
  const writer = new TrigInfoWriter(false);
  writer.configure(new Dgram(dgram({ service: CONFIGURE })));
  const blocks = Array.from({ length: 3000 }, (_, data) => writer.block({ ...INFO, data }));
  t.ok(blocks.every((block, data) => block.readUInt32LE(block.length - 4) === data));
  t.end();
});
