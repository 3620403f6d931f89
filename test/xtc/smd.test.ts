import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { SMD_NAMES_EXTENT, SmdConverter } from '../../lib/xtc/smd.ts';
import { withoutUndefinedBytes } from '../../lib/xtc/undefined-bytes.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { frame } from '../fuzz/frame.ts';
import { needsShared, SHARED } from '../golden.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, names, shapes, shapesData, u32 } from './raw.ts';

const XTC2 = join(SHARED, 'data', 'xtc2');
const END_RUN = 5;

function smdOf(input: Buffer): Buffer {
  const converter = new SmdConverter();
  const parts: Buffer[] = [];
  frame(input, {}, (one) => parts.push(Buffer.from(converter.convert(one))));
  return Buffer.concat(parts);
}

function zeroed(input: Buffer): Buffer {
  const walker = new Walker();
  const parts: Buffer[] = [];
  frame(input, {}, (one) => parts.push(withoutUndefinedBytes(one, walker)));
  return Buffer.concat(parts);
}

for (const name of ['xtcwriter_t', 'xtcwriter_t_n10_c']) {
  t.test(
    `${name}: identical to what the reference program makes (section 13)`,
    needsShared('data', 'xtc2', 'written'),
    async (t) => {
      const made = smdOf(readFileSync(join(XTC2, 'written', `${name}.xtc2`)));
      t.ok(made.equals(readFileSync(join(XTC2, 'written', `${name}.smd.xtc2`))));
    },
  );
}

for (const [folder, file] of [
  ['fakesteps', 'xpptut15-r0014-s000-c000'],
  ['fakesteps', 'xpptut15-r0014-s001-c000'],
  ['mixed_rate', 'xpptut15-r0014-s000-c000'],
  ['mixed_rate', 'xpptut15-r0014-s001-c000'],
  ['multi-seg-epics', 'xpptut15-r0014-s000-c000'],
] as const) {
  t.test(
    `${folder} ${file}: the recorded smd file but for undefined bytes (section 21)`,
    needsShared('data', 'xtc2', 'test_data', folder),
    async (t) => {
      const made = smdOf(readFileSync(join(XTC2, 'test_data', folder, `${file}.xtc2`)));
      t.ok(zeroed(made).equals(zeroed(readFileSync(join(XTC2, 'test_data', folder, 'smalldata', `${file}.smd.xtc2`)))));
    },
  );
}

t.test('an L1Accept becomes 76 bytes with offset and size; damage and src are lost (section 13)', async (t) => {
  const event = dgram({ service: L1ACCEPT, src: 7, damage: 0x20 }, Buffer.alloc(30));
  const one = new Dgram(event);
  one.offset = 2 ** 40 + 5;
  const values = data(u32(5, 2 ** 8, event.length, 0));
  t.ok(new SmdConverter().convert(one).equals(dgram({ service: L1ACCEPT }, shapesData([shapes(), values], 0x20000))));
  t.equal(new SmdConverter().convert(one).length, 76);
});

t.test('EndRun keeps its header and loses its payload; the rest is copied (section 13)', async (t) => {
  const parts = { src: 7, damage: 0x20 };
  const converter = new SmdConverter();
  t.ok(
    converter
      .convert(new Dgram(dgram({ service: END_RUN, ...parts }, names([]))))
      .equals(dgram({ service: END_RUN, ...parts })),
  );
  for (const service of [0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 13]) {
    const other = dgram({ service, ...parts }, names([]));
    t.ok(converter.convert(new Dgram(other)).equals(other), `service ${service}`);
  }
});

t.test('every Configure gets the smd description; one that has it already is refused (section 13)', async (t) => {
  const converter = new SmdConverter();
  const configure = dgram({ service: CONFIGURE, src: 7, damage: 0x18 }, names([]));
  for (let n = 0; n < 2; n++) {
    const made = converter.convert(new Dgram(configure));
    t.equal(made.length, configure.length + SMD_NAMES_EXTENT);
    t.ok(made.subarray(24, configure.length).equals(configure.subarray(24)));
  }
  const smd = Buffer.from(converter.convert(new Dgram(dgram({ service: CONFIGURE }))));
  t.throws(() => converter.convert(new Dgram(smd)), { code: 'smd-names' });
});
