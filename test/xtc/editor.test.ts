import t from 'tap';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { childrenOf, editDgram, editHeader } from '../../lib/xtc/editor.ts';
import { DGRAM } from '../../lib/xtc/layout.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, names, PARENT, shapesData, walkAll, xtc } from './raw.ts';

const hsd = {
  names: names([{ name: 'a', type: 0 }], { id: 0x100, det: 'hsd' }),
  data: shapesData([data(Buffer.from([1]))], 0x100),
};
const opal = {
  names: names([{ name: 'b', type: 0 }], { id: 0x101, det: 'opal', alg: 'fex' }),
  data: shapesData([data(Buffer.from([2]))], 0x101),
};
const parent = (...children: Buffer[]) => xtc(PARENT, Buffer.concat(children), { src: 7, damage: 0x20 });
const configure = dgram({ service: CONFIGURE }, hsd.names, opal.names);

function tableAfter(...dgrams: Buffer[]) {
  const walker = new Walker();
  walkAll(dgrams, {}, walker);
  return walker.table;
}

t.test('an edit of nothing gives identical bytes, also of broken dgrams', async (t) => {
  for (const bytes of [configure, dgram({}, hsd.data, Buffer.alloc(5)), dgram({}, xtc(9)), dgram()]) {
    t.ok(editDgram(new Dgram(bytes), {}).equals(bytes));
    t.ok(editDgram(new Dgram(bytes), { remove: () => false }).equals(bytes));
  }
});

t.test(
  'removing a detector takes its Names and ShapesData, in nested Parents too, with right extents (section 20)',
  async (t) => {
    const remove = ({ detName }: { detName: string }) => detName === 'hsd';
    t.ok(editDgram(new Dgram(configure), { remove }).equals(dgram({ service: CONFIGURE }, opal.names)));
    const event = dgram({}, parent(hsd.data, parent(hsd.data), opal.data), hsd.data, opal.data);
    const expected = dgram({}, parent(parent(), opal.data), opal.data);
    t.ok(editDgram(new Dgram(event), { remove }, tableAfter(configure)).equals(expected));
    t.ok(editDgram(new Dgram(event), { remove }).equals(event), 'without descriptions nothing is known to be hsd');
  },
);

t.test('removing by algorithm; the remaining stream is sound', async (t) => {
  const remove = ({ alg }: { alg: string }) => alg === 'fex';
  const event = dgram({ nsec: 1 }, opal.data, parent(opal.data, hsd.data));
  const table = tableAfter(configure);
  const edited = [configure, event].map((bytes) => editDgram(new Dgram(bytes), { remove }, table));
  const walked = walkAll(edited);
  t.same(walked.findings, []);
  t.same(walked.blocks, [{ a: '1' }]);
});

t.test('what cannot be understood is copied as it is', async (t) => {
  const event = dgram(
    {},
    hsd.data,
    xtc(PARENT, Buffer.concat([hsd.data, Buffer.alloc(7, 9)])),
    xtc(9, hsd.data),
    Buffer.alloc(3, 1),
  );
  const expected = dgram({}, xtc(PARENT, Buffer.alloc(7, 9)), xtc(9, hsd.data), Buffer.alloc(3, 1));
  t.ok(editDgram(new Dgram(event), { remove: () => true }, tableAfter(configure)).equals(expected));
});

t.test('finished children are appended to the root', async (t) => {
  const children = childrenOf(dgram({}, opal.names, opal.data));
  const edited = editDgram(new Dgram(dgram({ service: CONFIGURE }, hsd.names)), { append: [hsd.data, children] });
  t.ok(edited.equals(dgram({ service: CONFIGURE }, hsd.names, hsd.data, opal.names, opal.data)));
});

t.test('header edits touch nothing else (section 20)', async (t) => {
  const bytes = dgram({ env: 0xbcabcdef, damage: 0x5020, src: 0x10000007 }, hsd.data);
  const edits = [
    [{ sec: 0xffffffff }, DGRAM.sec, 4],
    [{ nsec: 5 }, DGRAM.nsec, 4],
    [{ damage: 0xffff }, DGRAM.damage, 2],
    [{ service: CONFIGURE }, DGRAM.env, 4],
  ] as const;
  for (const [edit, at, size] of edits) {
    const edited = editDgram(new Dgram(bytes), edit);
    t.notOk(edited.equals(bytes));
    bytes.copy(edited, at, at, at + size);
    t.ok(edited.equals(bytes), `only ${Object.keys(edit)[0]}`);
  }
  t.equal(
    editDgram(new Dgram(bytes), { service: CONFIGURE }).readUInt32LE(DGRAM.env),
    0xb2abcdef,
    'bits of env but 27:24 stay',
  );
  t.equal(new Dgram(bytes).service, L1ACCEPT, 'the original is untouched');
});

t.test('numbers that do not fit are refused before anything changes', async (t) => {
  const bytes = Buffer.from(configure);
  for (const bad of [
    { service: 16 },
    { service: -1 },
    { sec: 2 ** 32 },
    { nsec: -1 },
    { damage: 0x10000 },
    { sec: 1.5 },
  ]) {
    t.throws(() => editDgram(new Dgram(bytes), bad), { code: 'bad-header' });
    t.throws(() => editHeader(bytes, { sec: 9, ...bad }), { code: 'bad-header' });
  }
  t.ok(bytes.equals(configure));
});

t.test('a dgram in the middle of a block, as readers hand it out', async (t) => {
  const whole = Buffer.concat([Buffer.alloc(13), dgram({}, hsd.data, opal.data), Buffer.alloc(9)]);
  const one = new Dgram(whole);
  one.start = 13;
  one.size = whole.length - 22;
  const edited = editDgram(one, { remove: ({ detName }) => detName === 'hsd' }, tableAfter(configure));
  t.ok(edited.equals(dgram({}, opal.data)));
});
