import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkNamesSpec, type FieldSpec, makeNamesId, type NamesSpec, namesBlockOf } from '../../lib/xtc/describe.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { editDgram } from '../../lib/xtc/editor.ts';
import { TYPE, XTC } from '../../lib/xtc/layout.ts';
import { withoutUndefinedBytes } from '../../lib/xtc/undefined-bytes.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { DgramWriter, type FieldValue } from '../../lib/xtc/writer.ts';
import { frame } from '../fuzz/frame.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';
import { CONFIGURE, data, dgram, names, shapes, shapesData, u32, walkAll, xtc } from './raw.ts';

const spec: NamesSpec = {
  nodeId: 1,
  namesId: 0,
  detType: 'type',
  detName: 'det',
  segment: 0,
  alg: 'raw',
  version: [1, 2, 3],
  fields: [
    { name: 'n', type: 'UINT16' },
    { name: 'image', type: 'UINT8', rank: 2 },
    { name: 'text', type: 'CHARSTR' },
  ],
};
const header = { sec: 1, nsec: 0, env: (CONFIGURE << 24) >>> 0 };
const block = namesBlockOf(spec);
const image = { shape: [1, 3], data: [7, 8, 9] };

function written(write: (writer: DgramWriter) => void, writer = new DgramWriter()): Buffer {
  writer.begin(header);
  write(writer);
  return Buffer.from(writer.finish());
}

/** Shapes whose unused slots are zero. */
const zeroShapes = (...dims: number[][]) => {
  const bytes = shapes(...dims);
  for (const [i, list] of dims.entries()) bytes.fill(0, 12 + 20 * i + 4 * list.length, 32 + 20 * i);
  return bytes;
};

t.test('bytes as the format says: Names, then Shapes before Data, undefined bytes zero (section 20)', async (t) => {
  const bytes = written((writer) => {
    writer.names(block);
    writer.data(block, { n: 0x1234, image, text: 'abcd' });
  });
  const values = Buffer.concat([Buffer.from([0x34, 0x12, 7, 8, 9]), Buffer.from('abcd\0\0\0\0')]);
  const fields = [
    { name: 'n', type: 1 },
    { name: 'image', type: 0, rank: 2 },
    { name: 'text', type: 10, rank: 1 },
  ];
  const expected = dgram({ service: CONFIGURE }, names(fields), shapesData([zeroShapes([1, 3], [8]), data(values)]));
  t.ok(bytes.equals(expected));
});

t.test('a Shapes child of extent 12 even without arrays (section 20)', async (t) => {
  const plain = namesBlockOf({ ...spec, fields: [{ name: 'n', type: 'UINT8' }] });
  const expected = dgram({ service: CONFIGURE }, shapesData([shapes(), data(Buffer.from([5]))]));
  t.ok(written((writer) => writer.data(plain, { n: 5 })).equals(expected));
});

t.test('texts are length + 1 rounded up to a multiple of 4, in UTF-8 (section 20)', async (t) => {
  const text = namesBlockOf({ ...spec, fields: [{ name: 'text', type: 'CHARSTR' }] });
  for (const [value, size] of [
    ['', 4],
    ['abc', 4],
    ['abcd', 8],
    ['µm!', 8],
  ] as const) {
    const bytes = written((writer) => writer.data(text, { text: value }));
    const expected = Buffer.alloc(size);
    expected.write(value);
    t.ok(bytes.equals(dgram({ service: CONFIGURE }, shapesData([zeroShapes([size]), data(expected)]))), value);
  }
});

t.test('the writer is deterministic: a used buffer leaves no trace (section 20)', async (t) => {
  const write = (writer: DgramWriter) => writer.data(block, { n: 1, image, text: 'x' });
  const used = new DgramWriter();
  used.begin({ ...header, src: 0xffffffff, damage: 0xffff });
  used.data(block, {
    n: 0xffff,
    image: { shape: [100, 100], data: Buffer.alloc(10_000, 0xff) },
    text: 'long '.repeat(50),
  });
  used.finish();
  t.ok(written(write, used).equals(written(write)));
});

t.test('every ancestor has the right extent (section 20)', async (t) => {
  const bytes = written((writer) => {
    writer.beginParent(3, 0x20);
    writer.beginParent(4);
    writer.raw(xtc(5, Buffer.alloc(7)));
    writer.endParent();
    writer.endParent();
  });
  const inner = xtc(0, xtc(5, Buffer.alloc(7)), { src: 4 });
  t.ok(bytes.equals(dgram({ service: CONFIGURE }, xtc(0, inner, { src: 3, damage: 0x20 }))));
});

const refusals: [what: string, change: Partial<NamesSpec>, code: string][] = [
  ['node id 4096', { nodeId: 0x1000 }, 'names-id'],
  ['node id -1', { nodeId: -1 }, 'names-id'],
  ['names id 256', { namesId: 0x100 }, 'names-id'],
  ['names id 1.5', { namesId: 1.5 }, 'names-id'],
  ['detector name with a blank', { detName: 'a b' }, 'bad-names'],
  ['detector name with a dot', { detName: 'a.b' }, 'bad-names'],
  ['text of 256 bytes', { detId: 'x'.repeat(256) }, 'bad-names'],
  ['text of 256 bytes in UTF-8', { detType: 'µ'.repeat(128) }, 'bad-names'],
  ['text with NUL', { alg: 'a\0b' }, 'bad-names'],
  ['version part 256', { version: [0, 256, 0] }, 'bad-names'],
  ['negative segment', { segment: -1 }, 'bad-names'],
  ['field name of 256 bytes', { fields: [{ name: 'x'.repeat(256), type: 'UINT8' }] }, 'bad-names'],
  ['field name with #', { fields: [{ name: 'x#2', type: 'UINT8' }] }, 'bad-names'],
  ['field without name', { fields: [{ name: '', type: 'UINT8' }] }, 'bad-names'],
  ['rank 5', { fields: [{ name: 'x', type: 'UINT8', rank: 5 }] }, 'bad-names'],
  ['rank -1', { fields: [{ name: 'x', type: 'UINT8', rank: -1 }] }, 'bad-names'],
  ['CHARSTR of rank 0', { fields: [{ name: 'x', type: 'CHARSTR', rank: 0 }] }, 'bad-names'],
  ['unknown type', { fields: [{ name: 'x', type: 'UINT128' } as unknown as FieldSpec] }, 'bad-names'],
  ['type of Object.prototype', { fields: [{ name: 'x', type: 'constructor' } as unknown as FieldSpec] }, 'bad-names'],
];

for (const [what, change, code] of refusals) {
  t.test(`refused: ${what} (section 20)`, async (t) => {
    t.throws(() => checkNamesSpec({ ...spec, ...change }), { code });
  });
}

t.test('what is just legal is accepted (sections 3 and 7)', async (t) => {
  checkNamesSpec({
    ...spec,
    nodeId: 0xfff,
    namesId: 0xff,
    detId: 'x'.repeat(255),
    version: [255, 255, 255],
    segment: 0xffffffff,
  });
  checkNamesSpec({ ...spec, detName: '', fields: [{ name: '0a_.:', type: 'DOUBLE', rank: 4 }] });
  t.equal(makeNamesId(0xfff, 0xff), 0xfffff);
});

t.test('descriptions that cannot be written without loss are refused (section 20)', async (t) => {
  const writer = new DgramWriter();
  writer.begin(header);
  const field = block.fields[0]!;
  for (const bad of [
    { ...block, detName: 'é'.repeat(128) },
    { ...block, fields: [{ ...field, name: 'x'.repeat(256) }] },
    { ...block, fields: [{ ...field, rank: 5 }] },
    { ...block, fields: [{ ...field, type: 13, elementSize: 0 }] },
  ])
    t.throws(() => writer.names(bad), { code: 'bad-names' });
  t.equal(writer.size, 24, 'nothing was written');
});

t.test('values that do not fit their field are refused before a byte is written', async (t) => {
  const writer = new DgramWriter();
  writer.begin(header);
  const good: Record<string, FieldValue> = { n: 1, image, text: 'x' };
  const bad: [string, FieldValue | undefined][] = [
    ['n', undefined],
    ['n', 65_536],
    ['n', -1],
    ['n', 1.5],
    ['n', Number.NaN],
    ['n', 1n << 64n],
    ['n', 'text'],
    ['n', image],
    ['image', 3],
    ['image', { shape: [3], data: [1, 2, 3] }],
    ['image', { shape: [2, 2], data: [1, 2, 3] }],
    ['image', { shape: [1, 1], data: [256] }],
    ['image', { shape: [1, 2], data: new Uint16Array(2) }],
    ['image', { shape: [-1, -1], data: [1] }],
    ['image', { shape: [0.5, 2], data: [1] }],
    ['image', { shape: [0x100000000, 0], data: [] }],
    ['text', 5],
    ['text', 'a\0b'],
  ];
  for (const [name, value] of bad) {
    const values = new Map(Object.entries(good));
    if (value === undefined) values.delete(name);
    else values.set(name, value);
    t.throws(
      () => writer.data(block, values),
      { code: 'bad-value', place: { key: name } },
      `${name} = ${String(value)}`,
    );
  }
  t.equal(writer.size, 24);
  const float = namesBlockOf({ ...spec, fields: [{ name: 'f', type: 'FLOAT' }] });
  t.throws(() => writer.data(float, { f: 1e39 }), { code: 'bad-value' }, 'finite, but not as FLOAT');
  for (const f of [Number.POSITIVE_INFINITY, Number.NaN, 1e38]) writer.data(float, { f });
  const names = namesBlockOf({ ...spec, fields: [{ name: '__proto__', type: 'UINT8' }] });
  t.throws(() => writer.data(names, {}), { code: 'bad-value' }, 'not found in Object.prototype');
});

t.test('header numbers that would wrap are refused', async (t) => {
  const writer = new DgramWriter();
  for (const bad of [
    { sec: -1 },
    { sec: 2 ** 32 },
    { nsec: 1.5 },
    { env: 2 ** 32 },
    { src: -1 },
    { damage: 0x10000 },
  ]) {
    t.throws(() => writer.begin({ ...header, ...bad }), { code: 'bad-header', place: { key: Object.keys(bad)[0]! } });
  }
});

t.test('overflow is an error before any byte (issue 2)', async (t) => {
  const writer = new DgramWriter({ limit: 200 });
  writer.begin(header);
  t.throws(() => writer.names(block), { code: 'dgram-overflow' });
  t.throws(() => writer.data(block, { n: 1, image: { shape: [10, 20], data: Buffer.alloc(200) }, text: '' }), {
    code: 'dgram-overflow',
  });
  t.throws(() => writer.raw(Buffer.alloc(177)), { code: 'dgram-overflow' });
  t.equal(writer.size, 24);
  writer.raw(xtc(0, Buffer.alloc(164)));
  t.throws(() => writer.beginParent(1), { code: 'dgram-overflow' });
  t.equal(writer.finish().length, 200);
  t.throws(() => new DgramWriter({ limit: 23 }).begin(header), { code: 'dgram-overflow' });
});

t.test('calls out of order are refused', async (t) => {
  const writer = new DgramWriter();
  t.throws(() => writer.finish(), { code: 'writer-order' });
  writer.begin(header);
  t.throws(() => writer.endParent(), { code: 'writer-order' });
  writer.beginParent(1);
  t.throws(() => writer.finish(), { code: 'writer-order' });
});

t.test('64-bit values survive without loss, as bigints and at the ends of their range', async (t) => {
  const wide = namesBlockOf({
    ...spec,
    fields: [
      { name: 'u', type: 'UINT64' },
      { name: 'i', type: 'INT64' },
    ],
  });
  const bytes = written((writer) => {
    writer.names(wide);
    writer.data(wide, { u: 0xffffffffffffffffn, i: -0x8000000000000000n });
  });
  t.same(walkAll([bytes]).blocks, [{ u: '18446744073709551615', i: '-9223372036854775808' }]);
  t.ok(u32(1).equals(Buffer.from([1, 0, 0, 0])));
});

/** A dgram decoded block by block and written anew. */
function rewritten(one: Dgram, walker: Walker): Buffer {
  const writer = new DgramWriter();
  writer.begin({ sec: one.sec, nsec: one.nsec, env: one.env, src: one.src, damage: one.damage });
  const open: number[] = [];
  const closeUntil = (start: number) => {
    while (open.length > 0 && open.at(-1)! <= start) {
      open.pop();
      writer.endParent();
    }
  };
  walker.walk(one, {
    parent: (start, end) => {
      closeUntil(start);
      writer.beginParent(one.view.getUint32(start + XTC.src, true), one.view.getUint16(start + XTC.damage, true));
      open.push(end);
    },
    header: (start, type) => {
      if (type === TYPE.Names || type === TYPE.ShapesData) closeUntil(start);
    },
    names: (described) => writer.names(described),
    data: (values) => {
      const list = values.names.fields.map((field): FieldValue => {
        if (field.rank > 0) return { shape: values.shape(field.index), data: values.fieldBytes(field.index) };
        return field.type === 3 || field.type === 7 ? values.bigint(field.index) : values.number(field.index);
      });
      writer.data(values.names, list, values.damage, values.layout);
    },
  });
  closeUntil(one.end);
  return Buffer.from(writer.finish());
}

t.test(
  'every dgram of every sample is written back as it was, but for undefined bytes (issue 2 section 5)',
  needsShared('data', 'xtc2'),
  async (t) => {
    const root = join(SHARED, 'data', 'xtc2');
    for (const name of filesBelow(root, '.xtc2').filter((file) => !file.startsWith('bad/'))) {
      const [reading, zeroing, zeroingOwn] = [new Walker(), new Walker(), new Walker()];
      let count = 0;
      let wrong = -1;
      frame(readFileSync(join(root, name)), {}, (one) => {
        if (!editDgram(one, {}).equals(one.slice())) wrong = one.index;
        // Texts are written with the bytes behind their NUL, so both sides are zeroed.
        const own = withoutUndefinedBytes(new Dgram(rewritten(one, reading)), zeroingOwn);
        if (!own.equals(withoutUndefinedBytes(one, zeroing))) wrong = one.index;
        count++;
      });
      t.equal(wrong, -1, `${name}: ${count} dgrams`);
    }
  },
);
