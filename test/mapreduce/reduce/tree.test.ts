/** The tree of `publish` over HTTP, the same from JavaScript and from Python (spec mapreduce.md 11). */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { eventPieces } from '../../../lib/mapreduce/record/event-item.ts';
import { parseSelection, pathOf, treeId } from '../../../lib/mapreduce/reduce/tree-api.ts';
import { executable } from '../../executable.ts';

const JS = `export default class {
  publish = {
    _attrs: { title: 'all', on: true }, map: { x: [1.5, 2.5], deep: { n: 7 } }, 'a/b': 3, flag: true, text: 'grüße', names: ['a', 'b'],
    img: undefined, img_attrs: { unit: 'adu', dark: [1, 2] }, long: new Uint8Array(5000), ratio: 0.5, 7: 'seven', skipped: () => {}, ragged: [[1], [1, 2]],
  };
  constructor() { const rows = new Uint16Array(12).map((_, i) => i); this.publish.img = [0, 1, 2].map((i) => [...rows.subarray(4 * i, 4 * i + 4)]); delete this.publish[7]; }
  processResult() {}
}`;
const PYTHON = `class Reducer:
    def __init__(self, **kwargs):
        self.publish = {
            "_attrs": {"title": "all", "on": True}, "map": {"x": [1.5, 2.5], "deep": {"n": 7}}, "a/b": 3, "flag": True, "text": "grüße",
            "names": ["a", "b"], "img": [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]], "img_attrs": {"unit": "adu", "dark": [1, 2]},
            "long": bytes(5000), "ratio": 0.5, 7: "seven", "skipped": object(), "ragged": [[1], [1, 2]],
        }
    def process_result(self, result, parameters):
        pass
`;

/** A reducer that is served after a replay of one event. */
async function serve(t: Test, kind: 'js' | 'python', python = PYTHON): Promise<string> {
  const folder = t.testdir({
    'r.mjs': JS,
    'r.py': python,
    'w.mjs': 'export default class { processEvent() { return 1; } }',
  });
  const streams = new Map([['det', { typ: 'X', frames: [] }]]);
  writeFileSync(
    join(folder, 'one.cbors'),
    Buffer.concat(eventPieces({ event_number: 0, streams, created_at: undefined })),
  );
  const reducer = kind === 'js' ? 'r.mjs' : 'r:Reducer';
  const words = ['-w', 'w.mjs', '-r', reducer, '-f', 'one.cbors', '--port', '0', '--keep-alive', '--nworkers', '1'];
  const child = execa(executable('map-replay'), words, { cwd: folder, reject: false, stdin: 'ignore', stderr: 'pipe' });
  t.teardown(async () => {
    child.kill('SIGTERM');
    await child;
  });
  let error = '';
  child.stderr.on('data', (text) => (error += String(text)));
  const url = await new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => resolve(String(text).trim()));
    void child.then(() => resolve(''));
  });
  t.not(url, '', error);
  for (;;) {
    const { root } = (await (await fetch(url)).json()) as { root: string };
    const group = (await (await fetch(`${url}/groups/${root}`)).json()) as { linkCount: number };
    if (group.linkCount > 0) return url;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const hex = (path: string) => Buffer.from(path).toString('hex').toUpperCase();
const TEXT = { class: 'H5T_STRING', length: 'H5T_VARIABLE', charSet: 'H5T_CSET_UTF8', strPad: 'H5T_STR_NULLTERM' };
const I64 = { class: 'H5T_INTEGER', base: 'H5T_STD_I64LE' };
const SCALAR = { class: 'H5S_SCALAR' };

for (const kind of ['js', 'python'] as const) {
  t.test(`from ${kind}`, async (t) => {
    const url = await serve(t, kind);
    const get = async (path: string) => (await fetch(url + path)).json() as Promise<Record<string, unknown>>;
    const set = (path: string) => get(`/datasets/d-h5dict-${hex(path)}`);
    const value = (path: string, query = '') => fetch(`${url}/datasets/d-h5dict-${hex(path)}/value${query}`);

    t.match(await get('/'), {
      root: 'g-h5dict-2F',
      owner: 'admin',
      class: 'domain',
      created: Number,
      lastModified: Number,
    });
    t.match(await get('/groups/g-h5dict-2F'), { root: 'g-h5dict-2F', linkCount: 8, attributeCount: 2 });
    const { links } = (await get('/groups/g-h5dict-2F/links')) as { links: Record<string, unknown>[] };
    t.same(links.map(({ title }) => title).sort(), ['a%2Fb', 'flag', 'img', 'long', 'map', 'names', 'ratio', 'text']);
    const map = { class: 'H5L_TYPE_HARD', collection: 'groups', id: `g-h5dict-${hex('/map')}`, title: 'map' };
    t.match(
      links.find(({ title }) => title === 'map'),
      map,
    );
    t.match((await get('/groups/g-h5dict-2F/links/map')).link, map);
    t.match(await get('/groups/g-h5dict-2F/links/a%252Fb'), { link: { id: `d-h5dict-${hex('/a%2Fb')}` } });

    t.match(await set('/map/deep/n'), { shape: SCALAR, type: I64, attributeCount: 0 });
    t.match(await set('/text'), { shape: SCALAR, type: TEXT });
    t.match(await set('/ratio'), { type: { class: 'H5T_FLOAT', base: 'H5T_IEEE_F64LE' } });
    t.match(await set('/flag'), { shape: SCALAR, type: { base: 'H5T_STD_I8LE' } });
    t.match(await set('/names'), { shape: { class: 'H5S_SIMPLE', dims: [2] }, type: TEXT });
    t.match(await set('/img'), {
      ...{ shape: { dims: [3, 4] }, type: I64, attributeCount: 2 },
      creationProperties: { allocTime: 'H5D_ALLOC_TIME_LATE', layout: { class: 'H5D_CONTIGUOUS' } },
    });

    t.match(await (await value('/text')).json(), { value: 'grüße' });
    t.match(await (await value('/a%2Fb')).json(), { value: 3 });
    t.match(await (await value('/names')).json(), { value: ['a', 'b'] });
    t.match(await (await value('/names', '?select=[1:2]')).json(), { value: ['b'] });
    t.same([...Buffer.from(await (await value('/flag')).arrayBuffer())], [1], 'one byte, as its type says');
    const x = new Float64Array(await (await value('/map/x')).arrayBuffer());
    t.same([...x], [1.5, 2.5]);
    const part = new BigInt64Array(await (await value('/img', '?select=[0:3:2,1:3]')).arrayBuffer());
    t.same([...part], [1n, 2n, 9n, 10n]);
    t.equal((await value('/img', '?select=[0:4,0:1]')).status, 400);
    t.equal((await value('/img', '?select=[0:1]')).status, 400);

    const long = await fetch(`${url}/datasets/d-h5dict-${hex('/long')}/value`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    t.equal(long.headers.get('content-encoding'), 'gzip');
    t.equal((await long.arrayBuffer()).byteLength, 5000);
    const plain = await fetch(`${url}/datasets/d-h5dict-${hex('/long')}/value`, {
      headers: { 'accept-encoding': 'identity' },
    });
    t.equal(plain.headers.get('content-encoding'), null);

    t.match(await get('/groups/g-h5dict-2F/attributes'), {
      attributes: [{ name: 'title', type: TEXT, shape: SCALAR }, { name: 'on' }],
    });
    t.match(await get(`/datasets/d-h5dict-${hex('/img')}/attributes/unit`), { name: 'unit', value: 'adu' });
    t.match(await get(`/datasets/d-h5dict-${hex('/img')}/attributes/dark`), { value: [1, 2], shape: { dims: [2] } });
    for (const unknown of [
      '/groups/g-h5dict-41',
      `/groups/g-h5dict-${hex('/img')}`,
      `/groups/d-h5dict-${hex('/map')}`,
      '/groups/nonsense',
      '/nothing',
      `/datasets/d-h5dict-${hex('/ragged')}`,
      `/datasets/d-h5dict-${hex('/skipped')}/value`,
      `/datasets/d-h5dict-${hex('/img')}/attributes/no`,
      '/groups/g-h5dict-2F/links/no',
    ])
      t.equal((await fetch(url + unknown)).status, 404, unknown);
  });
}

const OBJECT = ['created', 'lastModified'];
const LINK = ['class', 'collection', 'created', 'id', 'title'];

for (const kind of ['js', 'python'] as const) {
  t.test(`from ${kind}: every answer has the fields of the table, and no others (spec mapreduce.md 11)`, async (t) => {
    const url = await serve(t, kind);
    const fields = async (path: string, ...wanted: string[]) => {
      const response = await fetch(url + path);
      const body = (await response.json()) as Record<string, unknown>;
      t.equal(response.status, 200, path);
      t.match(response.headers.get('content-type'), /^application\/json/, path);
      t.same(Object.keys(body).sort(), [...wanted, ...OBJECT].sort(), path);
      t.ok(
        Number(body.created) > 1e9 && Number(body.lastModified) >= Number(body.created),
        `${path}: times in seconds`,
      );
      return body;
    };
    const root = '/groups/g-h5dict-2F';
    const img = `/datasets/d-h5dict-${hex('/img')}`;
    await fields('/', 'root', 'owner', 'class');
    await fields('/?domain=/home/me/scan.h5', 'root', 'owner', 'class');
    await fields(root, 'root', 'id', 'linkCount', 'attributeCount');
    const { links } = (await fields(`${root}/links`, 'links')) as { links: Record<string, unknown>[] };
    for (const link of links) t.same(Object.keys(link).sort(), LINK);
    const { link } = (await fields(`${root}/links/map`, 'link')) as { link: object };
    t.same(Object.keys(link).sort(), LINK);
    for (const at of [root, img]) {
      const { attributes } = (await fields(`${at}/attributes`, 'attributes')) as { attributes: { name: string }[] };
      for (const one of attributes) {
        t.same(Object.keys(one).sort(), ['name', 'shape', 'type']);
        await fields(`${at}/attributes/${one.name}`, 'name', 'shape', 'type', 'value');
      }
    }
    const described = await fields(img, 'id', 'attributeCount', 'shape', 'type', 'creationProperties');
    t.same(described.creationProperties, {
      allocTime: 'H5D_ALLOC_TIME_LATE',
      fillTime: 'H5D_FILL_TIME_IFSET',
      layout: { class: 'H5D_CONTIGUOUS' },
    });
    await fields(`/datasets/d-h5dict-${hex('/text')}/value`, 'value');

    const bytes = await fetch(`${url}${img}/value?select=[0:3,0:4]`, {
      headers: { accept: 'application/octet-stream' },
    });
    t.equal(bytes.headers.get('content-type'), 'application/octet-stream');
    t.equal((await bytes.arrayBuffer()).byteLength, 96, 'C order, 64 bit');
    for (const select of ['[0:0,0:4]', '[3:3,:]']) {
      const none = await fetch(`${url}${img}/value?select=${select}`);
      t.same([none.status, (await none.arrayBuffer()).byteLength], [200, 0], select);
    }
    const small = await fetch(`${url}${img}/value`, { headers: { 'accept-encoding': 'gzip' } });
    t.equal(small.headers.get('content-encoding'), null, '96 bytes are not worth it');
    for (const word of ['gzip;q=0', 'deflate', 'br']) {
      const long = `${url}/datasets/d-h5dict-${hex('/long')}/value`;
      const answer = await fetch(long, { headers: { 'accept-encoding': word } });
      t.equal(answer.headers.get('content-encoding'), null, word);
    }
    t.equal((await fetch(`${url}/`, { method: 'HEAD' })).status, 200);
    for (const method of ['PUT', 'POST', 'DELETE'])
      t.equal((await fetch(url + img, { method })).status, 405, `${method}: read only`);
  });
}

const NUMPY = `import numpy
class Reducer:
    def __init__(self, **kwargs):
        mixed = numpy.zeros(2, dtype=[("x", "<f4"), ("n", ">i2")])
        mixed["x"], mixed["n"] = [1.5, 2.5], [3, 4]
        self.publish = {
            "mask": numpy.array([[True, False], [False, True]]), "be": numpy.arange(3, dtype=">f4"), "f4": numpy.float32(0.5),
            "u2": numpy.arange(6, dtype="u2").reshape(2, 3), "mixed": mixed, "words": numpy.array(["a", "bc"]), "yes": numpy.bool_(True),
            "turned": numpy.arange(6).reshape(2, 3).T, "complex": numpy.zeros(2, dtype="c8"), "odd%2Fkey": 1, "a/b/c": {"d/e": 2}, "": 3,
        }
    def process_result(self, result, parameters):
        pass
`;

t.test('numpy: every type with its bytes, keys with slashes', async (t) => {
  const url = await serve(t, 'python', NUMPY);
  const set = async (path: string) => {
    const at = `${url}/datasets/d-h5dict-${hex(path)}`;
    const { type, shape } = (await (await fetch(at)).json()) as { type: object; shape: object };
    return { type, shape, bytes: Buffer.from(await (await fetch(`${at}/value`)).arrayBuffer()) };
  };
  const dims = (...lengths: number[]) => ({ class: 'H5S_SIMPLE', dims: lengths });
  const float = (base: string) => ({ class: 'H5T_FLOAT', base: `H5T_IEEE_${base}` });
  const integer = (base: string) => ({ class: 'H5T_INTEGER', base: `H5T_STD_${base}` });
  t.same(await set('/mask'), { type: integer('U8LE'), shape: dims(2, 2), bytes: Buffer.of(1, 0, 0, 1) });
  const be = Buffer.alloc(12);
  for (const value of [0, 1, 2]) be.writeFloatBE(value, 4 * value);
  t.same(await set('/be'), { type: float('F32BE'), shape: dims(3), bytes: be });
  t.match(await set('/f4'), { type: float('F32LE'), shape: SCALAR });
  t.same((await set('/u2')).bytes, Buffer.from(Uint16Array.of(0, 1, 2, 3, 4, 5).buffer));
  t.same((await set('/turned')).bytes, Buffer.from(BigInt64Array.of(0n, 3n, 1n, 4n, 2n, 5n).buffer), 'C order');
  const mixed = await set('/mixed');
  t.same(mixed.type, {
    class: 'H5T_COMPOUND',
    fields: [
      { name: 'x', type: float('F32LE') },
      { name: 'n', type: integer('I16BE') },
    ],
  });
  t.equal(mixed.bytes.length, 12);
  t.match(await set('/words'), { type: TEXT, shape: dims(2) });
  t.match(await set('/yes'), { type: integer('I8LE'), shape: SCALAR, bytes: Buffer.of(1) });
  t.equal((await fetch(`${url}/datasets/d-h5dict-${hex('/complex')}`)).status, 404);
  const { links } = (await (await fetch(`${url}/groups/g-h5dict-2F/links`)).json()) as {
    links: { title: string; id: string }[];
  };
  const slashed = links.find(({ title }) => title === 'a%2Fb%2Fc');
  t.equal(slashed?.id, `g-h5dict-${hex('/a%2Fb%2Fc')}`);
  t.ok(
    links.some(({ title }) => title === 'odd%252Fkey'),
    'what looks escaped is told apart',
  );
  const inner = (await (await fetch(`${url}/groups/${slashed?.id}/links`)).json()) as { links: { id: string }[] };
  t.match(await (await fetch(`${url}/datasets/${inner.links[0]!.id}/value`)).json(), { value: 2 });
  t.notOk(
    links.some(({ title }) => title === ''),
    'a link needs a name',
  );
});

t.test('ids and selections', async (t) => {
  t.equal(treeId('groups', []), 'g-h5dict-2F');
  t.same(pathOf('datasets', treeId('datasets', ['a%2Fb', 'ü'])), ['a%2Fb', 'ü']);
  for (const id of ['g-h5dict-2F', 'd-h5dict-', 'd-h5dict-2', 'd-h5dict-zz', 'd-h5dict-41', ''])
    t.throws(() => pathOf('datasets', id));
  t.same(parseSelection('[0:2,:,1:3:2,4]', [3, 4, 5, 6]), [
    [0, 2, 1],
    [0, 4, 1],
    [1, 3, 2],
    [4, 5, 1],
  ]);
  for (const bad of ['', '[]', '0:1', '[0:1,0:1]', '[0:4]', '[2:1]', '[0:1:0]', '[-1:1]', '[a:b]'])
    t.throws(() => parseSelection(bad, [3]), /dimension|FIRST/, bad);
});
