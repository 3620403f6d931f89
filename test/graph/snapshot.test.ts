/** Snapshots: values as arrays, numpy and HDF5 files as others read them, files that are always whole. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm';
import t from 'tap';
import type { HeartbeatRecord } from '../../lib/graph/run/global-side.ts';
import { SnapshotFile } from '../../lib/graph/snapshot/file.ts';
import { numbersOf, partsOf } from '../../lib/graph/snapshot/parts.ts';
import type { Value } from '../../lib/graph/value.ts';
import { readNpyHeader } from '../../lib/npy.ts';

const folder = mkdtempSync(join(tmpdir(), 'graph-snapshot-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const IMAGE = Uint16Array.of(1, 2, 3, 4, 5, 65535);
const OUTPUTS: Readonly<Record<string, Value>> = {
  'avg.mean': 4.5,
  'flag.value': true,
  'view.value': { dtype: 'uint16', shape: [2, 3], data: IMAGE },
  'hist.counts': { dtype: 'int64', shape: [3], data: Float64Array.of(1, 2 ** 40, 2 ** 53) },
  'fly.mean': [1.5, undefined, 2.5],
  'last.value': 'größe 😀',
  'empty.list': [],
  'sums.map': new Map<string, Value>([
    ['on', 1],
    ['off', 2],
  ]),
  'odd.list': [1, 'x', [2]],
};

function record(heartbeat: number, outputs: Readonly<Record<string, Value>> = OUTPUTS): HeartbeatRecord {
  const counts = { dealt: 7, included: 6, late: 1, missing: [1, 3], closed: 'deadline' as const, errors: new Map() };
  return { heartbeat, ...counts, outputs: new Map(Object.entries(outputs)) };
}

async function written(name: string, heartbeat: number, outputs = OUTPUTS): Promise<string> {
  const path = join(folder, name);
  const said: string[] = [];
  const file = await SnapshotFile.open({ name: path, every: 1, say: (text) => said.push(text) });
  file.add({ graph: 'tried', version: 2, record: record(heartbeat, outputs) });
  t.same(said, []);
  return path;
}

t.test('values become rectangular arrays, or JSON text', async (t) => {
  const part = (value: Value) => partsOf('x', value)[0]!;
  t.match(part([1, undefined]), { shape: [2], array: { data: Float64Array.of(1, Number.NaN) } });
  t.match(
    part([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    { shape: [3, 2], array: { data: Float64Array.of(1, 2, 3, 4, 5, 6) } },
  );
  const image = { dtype: 'uint16', shape: [2, 3], data: IMAGE };
  t.match(part([image, image]), {
    shape: [2, 2, 3],
    array: { dtype: 'uint16', data: Uint16Array.of(...IMAGE, ...IMAGE) },
  });
  t.match(part(['a', 'b']), { kind: 'texts', shape: [2], texts: ['a', 'b'] });
  t.match(part([true, false]), { array: { dtype: 'bool', data: Uint8Array.of(1, 0) } });
  for (const value of [[1, 'x'], [[1], [1, 2]], [true, 1], [image, undefined], [[1], ['x']], [new Map([[1, 2]])]])
    t.match(part(value as Value), { kind: 'texts', shape: [] }, JSON.stringify(value));
  t.same(
    partsOf('x', new Map([[2, 5]])).map(({ name }) => name),
    ['x/keys', 'x/values'],
  );
  t.equal(numbersOf('text'), undefined);
  t.equal(numbersOf(new Map([[1, 2]])), undefined);
});

t.test('.npy holds one array', async (t) => {
  const bytes = readFileSync(await written('one.npy', 1, { 'view.value': OUTPUTS['view.value']! }));
  const { dtype, shape, start } = readNpyHeader(bytes, 'one.npy');
  t.same([dtype, shape], ['<u2', [2, 3]]);
  t.same(bytes.subarray(start), Buffer.from(IMAGE.buffer));
});

/** What Python sees, as JSON. */
function python(interpreter: string, script: string, ...args: string[]): unknown {
  const { status, stdout, stderr } = spawnSync(interpreter, ['-c', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** The first of the usual interpreters that has a module. */
function interpreterWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', `import ${module}`]).status === 0);
}

const SEEN = {
  'avg.mean': ['float64', [], 4.5],
  'flag.value': ['bool', [], true],
  'view.value': [
    'uint16',
    [2, 3],
    [
      [1, 2, 3],
      [4, 5, 65535],
    ],
  ],
  'hist.counts': ['int64', [3], [1, 2 ** 40, 2 ** 53]],
  'fly.mean': ['float64', [3], [1.5, null, 2.5]],
  'empty.list': ['float64', [0], []],
  'sums.map/values': ['float64', [2], [1, 2]],
  heartbeat: ['int64', [], 12],
  missing: ['int64', [2], [1, 3]],
};
const TEXTS = {
  'last.value': 'größe 😀',
  'sums.map/keys': ['on', 'off'],
  'odd.list': '[1,"x",[2]]',
  graph: 'tried',
  closed: 'deadline',
};

const numpy = interpreterWith('numpy');
t.test('.npz as numpy reads it', numpy === undefined ? { skip: 'numpy is absent' } : {}, async (t) => {
  const script = `
import json, sys, numpy as np
f = np.load(sys.argv[1], allow_pickle=False)
def plain(a): return json.loads(json.dumps(a.tolist()).replace('NaN', 'null'))
print(json.dumps({k: [str(f[k].dtype), list(f[k].shape), plain(f[k])] for k in f}))`;
  const seen = python(numpy!, script, await written('all.npz', 12)) as Record<string, [string, unknown, unknown]>;
  t.match(seen, SEEN);
  for (const [name, text] of Object.entries(TEXTS)) t.same(seen[name]![2], text, name);
  t.equal(Object.keys(seen).length, 10 + 8, 'nothing else is in it');
});

t.test('.npz is a sound archive', async (t) => {
  const path = await written('zip.npz', 12);
  const script = 'import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)';
  t.equal(spawnSync('python3', ['-c', script, path]).status, 0);
});

t.test('.h5 as its own library reads it', async (t) => {
  const { FS } = await h5wasm.ready;
  FS.writeFile('/read.h5', readFileSync(await written('all.h5', 12)));
  const file = new h5wasm.File('/read.h5', 'r');
  const value = (name: string) => {
    const item = file.get(name);
    return item && 'value' in item ? { shape: item.shape, dtype: item.dtype, value: item.to_array() } : item;
  };
  t.match(value('avg.mean'), { shape: [], value: 4.5, dtype: '<d' });
  t.match(value('view.value'), {
    shape: [2, 3],
    dtype: '<H',
    value: [
      [1, 2, 3],
      [4, 5, 65535],
    ],
  });
  t.match(value('hist.counts'), { dtype: '<q', value: [1n, 2n ** 40n, 2n ** 53n].map(Number) });
  t.match(value('sums.map/keys'), { value: ['on', 'off'] });
  t.match(value('last.value'), { value: 'größe 😀' });
  const attributes = Object.fromEntries(Object.entries(file.attrs).map(([name, { json_value }]) => [name, json_value]));
  t.same(attributes, {
    graph: 'tried',
    version: 2,
    heartbeat: 12,
    dealt: 7,
    included: 6,
    late: 1,
    missing: [1, 3],
    closed: 'deadline',
  });
  file.close();
});

const h5py = interpreterWith('h5py');
t.test('.h5 as h5py reads it', h5py === undefined ? { skip: 'h5py is absent' } : {}, async (t) => {
  const script = `
import json, sys, h5py
f = h5py.File(sys.argv[1], 'r')
seen = {}
def plain(a): return json.loads(json.dumps(a.tolist()).replace('NaN', 'null'))
def visit(name, item):
    if isinstance(item, h5py.Dataset) and item.dtype.kind != 'O':
        seen[name] = [str(item.dtype), list(item.shape), plain(item[()])]
    elif isinstance(item, h5py.Dataset):
        seen[name] = item.asstr()[()] if item.shape == () else list(item.asstr()[()])
f.visititems(visit)
for k, v in f.attrs.items(): seen[k] = v if isinstance(v, str) else [str(v.dtype), list(v.shape), v.tolist()]
print(json.dumps(seen))`;
  const seen = python(h5py!, script, await written('py.h5', 12)) as Record<string, unknown>;
  t.match(seen, { ...SEEN, 'flag.value': ['uint8', [], 1], ...TEXTS });
});

t.test('.json holds the record', async (t) => {
  const text = readFileSync(await written('all.json', 12), 'utf8');
  t.match(JSON.parse(text), {
    graph: 'tried',
    version: 2,
    heartbeat: 12,
    missing: [1, 3],
    outputs: { 'avg.mean': 4.5 },
  });
});

t.test('every so many heartbeats, and the last one at the end', async (t) => {
  const name = join(folder, 'some.json');
  const file = await SnapshotFile.open({ name, every: 3, say: t.fail });
  const seen: number[] = [];
  for (let heartbeat = 1; heartbeat <= 7; heartbeat++) {
    file.add({ graph: 'g', version: 1, record: record(heartbeat) });
    if (file.written > seen.length) seen.push(JSON.parse(readFileSync(name, 'utf8')).heartbeat);
  }
  file.end();
  file.end();
  t.same(seen, [3, 6]);
  t.equal(JSON.parse(readFileSync(name, 'utf8')).heartbeat, 7);
  t.equal(file.written, 3);
});

t.test('what cannot be written is said once, counted, and leaves the last whole file', async (t) => {
  const name = join(folder, 'map.npy');
  const said: string[] = [];
  const file = await SnapshotFile.open({ name, every: 1, say: (text) => said.push(text) });
  const add = (outputs: Readonly<Record<string, Value>>) =>
    file.add({ graph: 'g', version: 1, record: record(1, outputs) });
  add({ a: 1 });
  const before = readFileSync(name);
  for (let i = 0; i < 3; i++) add({ a: new Map([[1, 2]]) });
  t.same(said, ['snapshot of heartbeat 1: .npy holds one array, and these are 2: write .npz']);
  t.equal(file.failed, 3);
  t.same(readFileSync(name), before);
  t.same(
    readdirSync(folder).filter((one) => one.endsWith('.tmp')),
    [],
    'nothing half-written is left',
  );
});

t.test('mistakes are known before the first heartbeat', async (t) => {
  const open = (name: string) => SnapshotFile.open({ name, every: 1, say: t.fail });
  await t.rejects(open(join(folder, 'x.mat')), { code: 'usage', message: /\.npz, \.npy/ });
  await t.rejects(open(join(folder, 'npz')), { code: 'usage' });
  await t.rejects(open(join(folder, 'absent', 'x.npz')), { code: 'output-failed', message: /no such folder/ });
  writeFileSync(join(folder, 'kept.json'), 'as it was');
  await open(join(folder, 'kept.json'));
  t.equal(readFileSync(join(folder, 'kept.json'), 'utf8'), 'as it was');
});
