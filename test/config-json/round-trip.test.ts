import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configureDgram } from '../../lib/config-json/configure.ts';
import { convertText } from '../../lib/config-json/convert.ts';
import type { ExportOptions } from '../../lib/config-json/document/export.ts';
import { placeFields } from '../../lib/config-json/document/place.ts';
import { namesBlockOf } from '../../lib/xtc/describe.ts';
import { DgramWriter } from '../../lib/xtc/writer.ts';
import { needsShared, SHARED } from '../golden.ts';
import { documentsOf, textOf } from './blocks.ts';
import { randomDocument, seeded } from './random-document.ts';

const options = { nodeId: 1, firstNamesId: 0, half: 'both', service: 2, sec: 0, nsec: 0 } as const;

function dgramOf(text: string | Buffer, compat = false): Buffer {
  const { configs, problems } = convertText(Buffer.from(text as string), { compat, exactNumbers: true });
  if (problems.errors > 0)
    throw new Error(problems.list.map(({ place, message }) => `${place.key}: ${message}`).join('\n'));
  return configureDgram(configs, options);
}

/** The dgram of the document that a dgram's block becomes. */
function again(
  dgram: Buffer,
  how: ExportOptions = {},
  compat = false,
): { losses: number; bytes: Buffer; text: string } {
  const [document] = documentsOf(dgram, how);
  const text = textOf(document!, false);
  return { losses: document!.losses.length, bytes: dgramOf(text, compat), text };
}

for (const nasty of [false, true]) {
  t.test(`random documents${nasty ? ' with ambiguous keys' : ''} come back to the same bytes`, async (t) => {
    const random = seeded(nasty ? 10 : 11);
    let failed = 0;
    for (let i = 0; i < 500 && failed < 3; i++) {
      const text = randomDocument(random, { nasty });
      const dgram = dgramOf(text);
      for (const lists of [true, false]) {
        const back = again(dgram, { lists });
        if (back.losses === 0 && back.bytes.equals(dgram)) continue;
        failed++;
        t.comment(`${lists}\n${text.slice(0, 2000)}\n${back.text.slice(0, 2000)}`);
      }
    }
    t.equal(failed, 0);
  });
}

t.test('both modes agree on documents that both take', async (t) => {
  const random = seeded(12);
  let different = 0;
  for (let i = 0; i < 500; i++) {
    const text = randomDocument(random, { nasty: true });
    if (!dgramOf(text).equals(dgramOf(text, true))) different++;
  }
  t.equal(different, 0);
});

t.test('every case of the reference comes back to the same bytes', needsShared('data', 'json2xtc'), async (t) => {
  const folder = join(SHARED, 'data', 'json2xtc');
  const cases = readFileSync(join(folder, 'CASES.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  let checked = 0;
  for (const item of cases) {
    if (item.compat.exit !== 0) continue;
    const dgram = readFileSync(join(folder, item.compat.bytes));
    const { bytes, losses } = again(dgram, {}, true);
    t.ok(bytes.equals(dgram), item.case);
    t.equal(losses, item.case === 'ok_double_inf' ? 1 : 0, `${item.case}: losses`);
    checked++;
  }
  t.ok(checked > 20);
});

t.test('an ordinary document comes back as it was, apart from doc:RO', async (t) => {
  const text = readFileSync(new URL('../../examples/config/hsd_0.json', import.meta.url), 'utf8');
  const { text: back, losses } = again(dgramOf(text));
  const expected = JSON.parse(text);
  expected['doc:RO'] = '';
  expected['alg:RO']['doc:RO'] = '';
  t.strictSame(JSON.parse(back), expected);
  t.equal(losses, 0);
  const pretty = textOf(documentsOf(dgramOf(text))[0]!, true);
  t.strictSame(JSON.parse(pretty), expected, 'pretty');
});

t.test('names like a_0.a_0.a_0 are read in reasonable time', async (t) => {
  const fields = [1, 2].map((last) => ({ name: `${'a_0.'.repeat(60)}z${last}`, type: '"INT8"', list: false }));
  const { root } = placeFields(fields, { lists: true });
  t.equal(root.entries.length, 1);
});

t.test('fields of one name: some can be kept, the others are named', async (t) => {
  const fields = new Array(5000).fill({ name: 'same', type: '"INT8"', list: false });
  const { left, reordered } = placeFields(fields, { lists: true });
  t.equal(left.length, 5000 - 16);
  t.ok(reordered);
});

t.test('damaged blocks become documents or findings, never a crash', async (t) => {
  const random = seeded(13);
  let documents = 0;
  for (let i = 0; i < 1500; i++) {
    const dgram = dgramOf(randomDocument(random, { nasty: true }));
    for (let n = 1 + Math.floor(random() * 20); n > 0; n--) {
      dgram[24 + Math.floor(random() * (dgram.length - 24))] = random() < 0.5 ? 0 : random() * 256;
    }
    for (const document of documentsOf(dgram)) {
      JSON.parse(textOf(document, false));
      documents++;
    }
  }
  t.ok(documents > 500, `${documents} documents from 1500 damaged blocks`);
});

t.test('what a document cannot say is named', async (t) => {
  const names = namesBlockOf({
    nodeId: 1,
    namesId: 0,
    detType: 'ty',
    detName: 'det',
    segment: 2,
    alg: 'config',
    version: [1, 2, 3],
    fields: [
      { name: 'a-b', type: 'INT8', alg: 'own' },
      { name: 'inf', type: 'FLOAT', rank: 1 },
      { name: 'nan', type: 'DOUBLE' },
      { name: 's', type: 'CHARSTR' },
      { name: 'v:e', type: 'ENUMVAL' },
      { name: 'x:e', type: 'ENUMDICT' },
      { name: 'loose', type: 'ENUMDICT' },
    ],
  });
  const writer = new DgramWriter();
  writer.begin({ sec: 0, nsec: 0, env: 0x02000000 });
  writer.names(names);
  const text = { shape: [6], data: Buffer.from('abc\0\0\0') };
  writer.data(names, [5, new Float32Array([1, -Infinity]), Number.NaN, text, 1, 1, 2], 0x10, {
    dataFirst: true,
    shapes: true,
    surplus: 4,
  });
  const [document] = documentsOf(Buffer.from(writer.finish()));
  t.strictSame(
    document!.losses.map(({ what }) => what).sort(),
    [
      '4 surplus bytes of Shapes',
      'a-b',
      'a-b',
      'damage of the block',
      'inf',
      'labels of enums',
      'loose',
      'nan',
      'order inside the block',
      's',
      'segment 2',
    ].sort(),
  );
  t.match(JSON.parse(textOf(document!, false)), {
    v: 1,
    nan: null,
    inf: [1, -Infinity],
    'a-b': 5,
    s: 'abc',
    ':types:': { v: 'e', ':enum:': { e: { x: 1 } } },
  });
});
