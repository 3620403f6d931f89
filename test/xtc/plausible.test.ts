import t from 'tap';
import { viewOf } from '../../lib/xtc/dgram.ts';
import { PlausibleSearch } from '../../lib/xtc/plausible.ts';
import { frame } from '../fuzz/frame.ts';
import { dgram, NAMES, PARENT, SHAPES, SHAPES_DATA, u32, xtc } from './raw.ts';

/** Judges position 0 of bytes that are the whole input. */
const judge = (bytes: Buffer, inputEnd = bytes.length) =>
  new PlausibleSearch().judge(viewOf(bytes), 0, bytes.length, inputEnd);

const sound = dgram({}, xtc(SHAPES_DATA, Buffer.alloc(5)), xtc(NAMES), xtc(PARENT));

t.test('a candidate must satisfy every condition of section 19', async (t) => {
  t.equal(judge(sound), 'yes');
  t.equal(judge(dgram()), 'yes', 'an empty dgram at the end');
  for (const [what, parts] of Object.entries({
    'nanoseconds 10^9': { nsec: 1e9 },
    'env type 3': { env: 0x3c000000 },
    'service 0': { service: 0 },
    'service 1': { service: 1 },
    'service 13': { service: 13 },
    'root type 1': { type: 1 },
    'root version 1': { type: 0x1000 },
    'root level 2': { src: 0x20000000 },
    'extent 11': { extent: 11 },
    'extent 0x80000000': { extent: 0x80000000 },
    'extent beyond the file': { extent: 13 },
  }))
    t.equal(judge(dgram(parts)), 'no', what);
  t.equal(judge(dgram({ src: 0x10000000 })), 'yes', 'root level 1');
});

t.test('children must be of type 0, 1 or 4, version 0, and fill the payload exactly (section 19)', async (t) => {
  t.equal(judge(dgram({}, xtc(SHAPES))), 'no', 'Shapes');
  t.equal(judge(dgram({}, xtc(5))), 'no', 'type 5');
  t.equal(judge(dgram({}, xtc(0x1001))), 'no', 'version 1');
  t.equal(judge(dgram({}, xtc(PARENT, undefined, { extent: 11 }))), 'no', 'extent 11');
  t.equal(judge(dgram({}, xtc(PARENT, undefined, { extent: 13 }))), 'no', 'overrun');
  t.equal(judge(dgram({}, xtc(PARENT), Buffer.alloc(11))), 'no', 'bytes left over');
});

t.test('what follows must be plausible, the end, or a header cut off by the end (section 19)', async (t) => {
  t.equal(judge(Buffer.concat([sound, dgram({ nsec: 1 })])), 'yes');
  t.equal(judge(Buffer.concat([sound, Buffer.alloc(24)])), 'no', 'zeros');
  t.equal(judge(Buffer.concat([sound, Buffer.alloc(100, 0xff)])), 'no', 'garbage');
  for (let cut = 1; cut < 24; cut++)
    t.equal(judge(Buffer.concat([sound, dgram().subarray(0, cut)])), 'yes', `${cut} bytes of a header`);
  t.equal(judge(Buffer.concat([sound, Buffer.alloc(23, 0xff)])), 'no', '23 bytes of something else');
  t.equal(
    judge(Buffer.concat([sound, dgram({}, xtc(PARENT, Buffer.alloc(50))).subarray(0, 40)])),
    'yes',
    'a cut payload',
  );
});

t.test('where bytes are missing that may come, the answer waits for them', async (t) => {
  t.equal(judge(sound, Number.POSITIVE_INFINITY), 'more', 'the follower');
  t.equal(judge(sound.subarray(0, 30), Number.POSITIVE_INFINITY), 'more', 'a child');
  t.equal(judge(sound.subarray(0, 10), Number.POSITIVE_INFINITY), 'more', 'the header');
  const search = new PlausibleSearch();
  const input = Buffer.concat([sound, dgram({ nsec: 1 })]);
  for (let end = 0; end < input.length; end++)
    t.equal(search.judge(viewOf(input), 0, end, input.length), 'more', `${end} bytes`);
  t.equal(search.judge(viewOf(input), 0, input.length, input.length), 'yes');
});

t.test('crafted chains of children cost linear time', async (t) => {
  // Every 36 bytes a header whose children are the same 36-byte blocks up to a misfit at the end: followed from each of
  // them, 2 MB would take 1.7 thousand million steps.
  const blocks = 58_000;
  const end = blocks * 36 + 7;
  const input = Buffer.alloc(end, 0);
  for (let i = 0; i < blocks; i++) {
    u32(i, 1, 0x0c000000, 0, 0, end - 12 - i * 36, 0, 0, 36).copy(input, i * 36);
  }
  const garbage = Buffer.concat([dgram({ service: 2 }), Buffer.alloc(24, 0xff), input]);
  t.match(frame(garbage, { inputSize: garbage.length }), [{ code: 'bad-extent', resume: null }]);
});
