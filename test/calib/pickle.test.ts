/** Our pickles, loaded by Python itself (spec calib-pub.md, sections 3 and 12.5). */

import { spawnSync } from 'node:child_process';
import { inflateSync } from 'node:zlib';
import t from 'tap';
import { PickleWriter, pickleSet } from '../../lib/calib/encode/pickle.ts';
import { DeflateMemo, deflate } from '../../lib/calib/encode/zlib.ts';
import type { DocRecord } from '../../lib/calib/types.ts';
import type { Dtype } from '../../lib/npy.ts';
import { findInterpreter } from '../../lib/python/interpreter.ts';
import { array, float, int, opaque, setOf, text } from './constants.ts';

const python = await findInterpreter();
const withNumpy = python.numpy === undefined ? { skip: 'no Python with numpy was found' } : {};

/** Loads a pickle from stdin and prints what it is: types, exact values, contents of arrays as their hash. */
const DESCRIBE = `
import hashlib, json, pickle, sys
def show(v):
    if hasattr(v, "dtype"):
        return ["ndarray", v.dtype.str, list(v.shape), hashlib.sha256(v.tobytes()).hexdigest(), bool(v.flags.c_contiguous)]
    if isinstance(v, dict): return ["dict", [[k, show(x)] for k, x in v.items()]]
    if isinstance(v, (list, tuple)): return [type(v).__name__, [show(x) for x in v]]
    if isinstance(v, float): return ["float", v.hex()]
    if isinstance(v, str): return ["str", v.encode("utf-8").hex()]
    return [type(v).__name__, str(v)]
stored = sys.stdin.buffer.read()
print(json.dumps([stored[1], show(pickle.loads(stored))]))
`;

type Shown = [string, ...unknown[]];

function load(pieces: readonly Buffer[]): [protocol: number, value: Shown] {
  const { stdout, stderr, status } = spawnSync(python.command, ['-c', DESCRIBE], {
    input: Buffer.concat(pieces),
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as [number, Shown];
}

const entries = (value: unknown) => new Map((value as Shown)[1] as [string, Shown][]);
/** One document through Python, by key. */
function throughPython(doc: DocRecord): Map<string, Shown> {
  const [, root] = load(pickleSet(setOf({ det: { c: text('x', doc) } })));
  const pair = entries(entries(root).get('det')).get('c') as Shown;
  return entries((pair[1] as Shown[])[1]);
}

t.test('arrays of every dtype, empty, rank 0 and 4, and 5 MiB', withNumpy, async (t) => {
  const dtypes: Dtype[] = ['<f4', '<f8', '|i1', '<i2', '<i4', '<i8', '|u1', '<u2', '<u4', '<u8', '|b1'];
  const constants = {
    ...Object.fromEntries(dtypes.map((dtype) => [`of ${dtype}`, array(dtype, [3, 5])])),
    empty: array('<f4', [0]),
    'empty in the middle': array('<f4', [2, 0, 3]),
    scalar: array('<f8', []),
    'rank 4': array('<i2', [2, 3, 4, 5]),
    large: array('<f4', [5, 512, 512]),
  };
  const [protocol, root] = load(pickleSet(setOf({ det: constants })));
  t.equal(protocol, 3);
  const found = entries(entries(root).get('det'));
  t.same([...found.keys()], Object.keys(constants));
  for (const [name, constant] of Object.entries(constants)) {
    const [data] = (found.get(name) as Shown)[1] as Shown[];
    if (constant.kind !== 'ndarray') throw new Error('an array');
    t.same(data, ['ndarray', constant.dtype, constant.shape, constant.sha256, true], name);
  }
});

t.test('integers at every edge, floats, truth values, lists, objects', async (t) => {
  const integers = [0n, 1n, -1n, 127n, 128n, -128n, -129n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 31n) - 1n];
  integers.push(
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    2n ** 63n,
    -(2n ** 63n),
    -(2n ** 63n) - 1n,
    2n ** 64n,
    10n ** 400n,
    -(10n ** 400n),
  );
  const doc = Object.fromEntries(integers.map((value, i) => [`i${i}`, int(value)]));
  const found = throughPython(doc);
  for (const [i, value] of integers.entries()) t.same(found.get(`i${i}`), ['int', value.toString()]);
  const values = throughPython({
    one: float(1),
    tenth: float(0.1),
    minusZero: float(-0),
    huge: float(1.7976931348623157e308),
    tiny: float(5e-324),
    infinite: float(Number.NEGATIVE_INFINITY),
    nothing: null,
    yes: true,
    no: false,
    list: [int(1), [], { a: null }],
    empty: {},
    looksLikeOne: { kind: 'int', value: 'x' },
  });
  t.same(values.get('one'), ['float', '0x1.0000000000000p+0']);
  t.same(values.get('tenth'), ['float', '0x1.999999999999ap-4']);
  t.same(values.get('minusZero'), ['float', '-0x0.0p+0']);
  t.same(values.get('huge'), ['float', '0x1.fffffffffffffp+1023']);
  t.same(values.get('tiny'), ['float', '0x0.0000000000001p-1022']);
  t.same(values.get('infinite'), ['float', '-inf']);
  t.same(values.get('nothing'), ['NoneType', 'None']);
  t.same(values.get('yes'), ['bool', 'True']);
  t.same(values.get('no'), ['bool', 'False']);
  t.same(values.get('list'), [
    'list',
    [
      ['int', '1'],
      ['list', []],
      ['dict', [['a', ['NoneType', 'None']]]],
    ],
  ]);
  t.same(values.get('empty'), ['dict', []]);
  t.same(values.get('looksLikeOne')?.[0], 'dict');
});

t.test('texts of all planes of Unicode, as keys, values and contents', async (t) => {
  const planes = Array.from({ length: 17 }, (_, plane) =>
    String.fromCodePoint(plane * 0x10000 + 0x41, plane * 0x10000 + 0xd7ff, (plane + 1) * 0x10000 - 1),
  );
  const all = ['', '\0', 'a\u0301', '\r\n\u2028', ...planes];
  const found = throughPython(Object.fromEntries(all.map((content, i) => [`${i}${content}`, content])));
  for (const [i, content] of all.entries()) {
    t.same(found.get(`${i}${content}`), ['str', Buffer.from(content).toString('hex')], `text ${i}`);
  }
  const long = '\u{1f52c}'.repeat(5000);
  const [, root] = load(pickleSet(setOf({ 'd\u{10ffff}': { geometry: text(long) } })));
  const [data] = (entries(entries(root).get('d\u{10ffff}')).get('geometry') as Shown)[1] as Shown[];
  t.same(data, ['str', Buffer.from(long).toString('hex')]);
});

t.test('a set without detectors, and detectors without constants', async (t) => {
  t.same(load(pickleSet(setOf({})))[1], ['dict', []]);
  t.same(load(pickleSet(setOf({ opal: {}, hsd: {} })))[1], [
    'dict',
    [
      ['opal', ['dict', []]],
      ['hsd', ['dict', []]],
    ],
  ]);
});

t.test('opaque contents are handed to the loader of the receiver', async (t) => {
  const [, root] = load(pickleSet(setOf({ det: { model: opaque(Buffer.from('80034b2a2e', 'hex')) } })));
  const [data] = (entries(entries(root).get('det')).get('model') as Shown)[1] as Shown[];
  t.same(data, ['int', '42']);
});

t.test('what cannot be written is an error that says what', async (t) => {
  const write = (doc: DocRecord) => () => pickleSet(setOf({ det: { c: text('', doc) } }));
  t.throws(write({ a: 'half \ud800' }), { code: 'calib-encode', message: /half a surrogate pair/ });
  t.throws(write({ '\udc00': null }), { code: 'calib-encode' });
  t.throws(write({ a: int(2n ** 2040n) }), { code: 'calib-encode', message: /255 bytes/ });
  let nested: DocRecord = {};
  for (let i = 0; i < 300; i++) nested = { nested };
  t.throws(write(nested), { code: 'calib-encode', message: /deeper than 200/ });
});

t.test('more than 4 GiB needs protocol 4', async (t) => {
  const writer = new PickleWriter();
  writer.bytesHead(2 ** 32 + 5);
  t.equal(Buffer.concat(writer.finish()).toString('hex'), '8004' + '8e0500000001000000' + '2e');
  const small = new PickleWriter();
  small.bytesHead(2 ** 32 - 1);
  t.equal(Buffer.concat(small.finish()).toString('hex'), '8003' + '42ffffffff' + '2e');
});

t.test('large contents are passed on, not copied', async (t) => {
  const constant = array('<f4', [1000]);
  t.ok(pickleSet(setOf({ det: { pedestals: constant } })).includes(constant.bytes));
});

t.test('zlib holds the same pickle, and is not compressed twice', async (t) => {
  const set = setOf({ det: { pedestals: array('<f4', [300, 1000]), geometry: text('x'.repeat(5000)) } });
  const pieces = pickleSet(set);
  const compressed = Buffer.concat(await deflate(pieces));
  t.equal(compressed[0], 0x78);
  t.ok(inflateSync(compressed).equals(Buffer.concat(pieces)));
  const memo = new DeflateMemo();
  const first = await memo.deflate(pieces);
  t.equal(await memo.deflate(pickleSet(set)), first);
  t.not(await memo.deflate(pickleSet(setOf({ det: {} }))), first);
});
