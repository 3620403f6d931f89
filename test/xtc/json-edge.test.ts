import t from 'tap';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { JsonView, type JsonViewOptions } from '../../lib/xtc/json-view.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, DATA, data, dgram, names, PARENT, type RawField, shapes, shapesData, u32, xtc } from './raw.ts';

function line(bytes: Buffer, options: JsonViewOptions = {}, corrupted = false): Record<string, unknown> {
  return JSON.parse(new JsonView(new Walker({ corrupted }), options).line(new Dgram(bytes))) as Record<string, unknown>;
}

/** `data` of det 0 raw for one block. */
function values(fields: readonly RawField[], children: readonly Buffer[], options: JsonViewOptions = {}): unknown {
  const all = line(dgram({ service: CONFIGURE }, names(fields), shapesData(children)), options) as {
    data: { det: { '0': { raw: unknown } } };
  };
  return all.data.det['0'].raw;
}

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};

t.test('integers beyond 2^53 - 1 are strings, on both sides, in scalars and arrays (dgram-json.md)', async (t) => {
  const limit = 2n ** 53n - 1n;
  const fields = [
    { name: 'a', type: 3 },
    { name: 'b', type: 3 },
    { name: 'c', type: 7 },
    { name: 'd', type: 7 },
    { name: 'e', type: 7, rank: 1 },
  ];
  const bytes = data(u64(limit), u64(limit + 1n), u64(-limit), u64(-limit - 1n), u64(-(2n ** 63n)));
  t.same(values(fields, [shapes([1]), bytes]), {
    a: 9007199254740991,
    b: '9007199254740992',
    c: -9007199254740991,
    d: '-9007199254740992',
    e: { dtype: 'int64', shape: [1], head: ['-9223372036854775808'] },
  });
});

t.test('floats: widened, NaN and infinities as strings, the sign of zero is not kept (dgram-json.md)', async (t) => {
  const bytes = Buffer.alloc(20);
  for (const [i, value] of [0.1, Number.NaN, Number.NEGATIVE_INFINITY, -0, 1e-40].entries())
    bytes.writeFloatLE(value, 4 * i);
  const fields = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: 8 }));
  const found = values(fields, [data(bytes)]) as Record<string, unknown>;
  t.same(found, { a: 0.10000000149011612, b: 'NaN', c: '-Infinity', d: 0, e: Math.fround(1e-40) });
});

t.test('array modes (dgram-json.md)', async (t) => {
  const field = [{ name: 'a', type: 0, rank: 2 }];
  const block = [shapes([2, 4]), data(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]))];
  const base = { dtype: 'uint8', shape: [2, 4] };
  t.same(values(field, block, { arrays: 'none' }), { a: base });
  t.same(values(field, block, { arrays: 'head' }), { a: { ...base, head: [1, 2, 3, 4, 5, 6] } });
  t.same(values(field, block, { arrays: 'head', head: 2 }), { a: { ...base, head: [1, 2] } });
  t.same(values(field, block, { arrays: 'md5' }), {
    a: { ...base, head: [1, 2, 3, 4, 5, 6], md5: '0ee0646c1c77d8131cc8f4ee65c7673b' },
  });
  t.same(values(field, block, { arrays: 'full' }), {
    a: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  });
  const empty = [shapes([0, 4]), data()];
  t.same(values(field, empty, { arrays: 'md5' }), {
    a: { dtype: 'uint8', shape: [0, 4], head: [], md5: 'd41d8cd98f00b204e9800998ecf8427e' },
  });
  t.same(values(field, empty, { arrays: 'full' }), { a: [] });
  t.same(values([{ name: 'a', type: 10, rank: 2 }], block, { arrays: 'none' }), { a: base }, 'CHARSTR of rank 2');
  t.same(values([{ name: 'a:E', type: 11, rank: 1 }], [shapes([1]), data(u32(5))]), {
    a: { dtype: 'int32', shape: [1], head: [5] },
  });
});

t.test('doubled keys are numbered in file order (dgram-json.md)', async (t) => {
  const description = names([{ name: 'x', type: 0 }]);
  const block = (value: number) => shapesData([data(Buffer.from([value]))]);
  const found = line(dgram({ service: CONFIGURE }, description, block(1), xtc(PARENT, block(2)), block(3)));
  t.same(found.data, { det: { '0': { raw: { x: 1, 'x#2': 2, 'x#3': 3 } } } });
});

t.test('many doubled keys take linear time', async (t) => {
  const blocks = Array.from({ length: 40_000 }, () => shapesData([data(Buffer.from([1]))]));
  const bytes = dgram({ service: CONFIGURE }, names([{ name: 'x', type: 0 }]), ...blocks);
  t.match(new JsonView(new Walker()).line(new Dgram(bytes)), /"x#40000":1/);
});

t.test('names of fields and detectors are data: order and spelling are kept (section 25.21)', async (t) => {
  const fields = ['__proto__', '12', 'constructor', 'a', 'a.b', '2'].map((name) => ({ name, type: 0 }));
  const bytes = dgram(
    { service: CONFIGURE },
    names(fields, { det: '__proto__', alg: 'constructor' }),
    shapesData([data(Buffer.from([1, 2, 3, 4, 5, 6]))]),
  );
  const text = new JsonView(new Walker(), { names: false }).line(new Dgram(bytes));
  t.match(
    text,
    '"data":{"__proto__":{"0":{"constructor":{"__proto__":1,"12":2,"constructor":3,"a":4,"a.b":5,"2":6}}}}',
  );
});

t.test('contributors, level, hidden and inner damage appear where they apply (dgram-json.md)', async (t) => {
  const description = names([{ name: 'x', type: 0 }]);
  const damaged = shapesData([xtc(DATA, Buffer.from([1]), { damage: 0x1001 })], 0x100, 0x20);
  const hidden = xtc(PARENT, damaged, { src: 5, damage: 8 });
  const bytes = dgram(
    { service: CONFIGURE, src: 0x10000003 },
    xtc(PARENT, Buffer.concat([description, damaged]), { src: 0x20000004 }),
    hidden,
  );
  const found = line(bytes);
  t.equal(found.level, 'Event');
  t.same(found.contributors, [
    { src: 4, level: 'Level2', damage: [], size: 12 + description.length + damaged.length },
    { src: 5, level: 'Segment', damage: ['Corrupted'], size: hidden.length, hidden: true },
  ]);
  const who = { id: '0x100', det: 'det', segment: 0, alg: 'raw' };
  t.same(found.innerDamage, [
    { xtc: 'ShapesData', ...who, damage: ['MissingData'] },
    { xtc: 'Data', ...who, damage: ['Truncated', 'User1'] },
  ]);
  t.same(line(dgram({ damage: 8 }, damaged)).hidden, true);
  t.same(line(dgram({ damage: 8 }), {}, true).hidden, undefined);
});

t.test('options leave out what they say (dgram-json.md)', async (t) => {
  const bytes = dgram({ service: CONFIGURE }, names([{ name: 'x', type: 0 }]), shapesData([data()]));
  t.same(Object.keys(line(bytes, { data: false })), [
    'index',
    'offset',
    'size',
    'time',
    'service',
    'env',
    'groups',
    'damage',
    'src',
  ]);
  t.notOk('names' in line(bytes, { names: false }));
});

t.test('a line that does not fit a string is an error with a place, not a crash', async (t) => {
  const elements = 20_000_001;
  const bytes = dgram(
    { service: CONFIGURE },
    names([{ name: 'x', type: 0, rank: 1 }]),
    shapesData([shapes([elements]), data(Buffer.alloc(elements))]),
  );
  t.throws(() => line(bytes, { arrays: 'full' }), { code: 'line-too-long', place: { dgram: 0 } });
});
