import t from 'tap';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { editDgram } from '../../lib/xtc/editor.ts';
import { JsonView } from '../../lib/xtc/json-view.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, DATA, data, dgram, names, PARENT, SHAPES, shapesData, walkAll, xtc } from './raw.ts';

const CORRUPTED = 0x8;
const description = names([{ name: 'a', type: 0 }]);
const one = shapesData([data(Buffer.from([1]))]);
const two = shapesData([data(Buffer.from([2]))]);
const parent = (children: Buffer[], damage = 0) => xtc(PARENT, Buffer.concat(children), { src: 3, damage });

t.test('nested Parents are walked depth first, to any depth (section 12)', async (t) => {
  const walked = walkAll([dgram({ service: CONFIGURE }, parent([description, parent([one]), two]), one)]);
  t.same(walked.findings, []);
  t.same(walked.blocks, [{ a: '1' }, { a: '2' }, { a: '1' }]);
  t.equal(walked.parents, 2);
});

t.test('a Parent within a Parent every 12 bytes is only deep, not deadly', async (t) => {
  const levels = 100_000;
  const bytes = dgram({}, Buffer.alloc(12 * levels));
  for (let level = 0; level < levels; level++) bytes.writeUInt32LE(12 * (levels - level), 24 + 12 * level + 8);
  const walked = walkAll([bytes]);
  t.same(walked.findings, []);
  t.equal(walked.parents, levels);
  t.ok(editDgram(new Dgram(bytes), { remove: () => true }).equals(bytes), 'the editor goes as deep');
});

t.test(
  'Corrupted on a Parent hides its payload, and only that; --corrupted shows it (section 17 rule 4)',
  async (t) => {
    const stream = [
      dgram({ service: CONFIGURE }, description),
      dgram({ damage: CORRUPTED }, one),
      dgram({}, parent([one], CORRUPTED), two),
    ];
    const offset = stream[0]!.length;
    const inner = offset + stream[1]!.length + 24;
    const walked = walkAll(stream);
    t.same(walked.findings, [`hidden-payload@${offset}`, `hidden-payload@${inner}`]);
    t.same(walked.blocks, [{ a: '2' }]);
    const all = walkAll(stream, { corrupted: true });
    t.same(all.findings, []);
    t.same(all.blocks, [{ a: '1' }, { a: '1' }, { a: '2' }]);
    const inData = walkAll([stream[0]!, dgram({}, shapesData([data(Buffer.from([1]))], 0x100, CORRUPTED))]);
    t.same(
      inData,
      { findings: [], blocks: [{ a: '1' }], names: inData.names, parents: 0 },
      'no effect on ShapesData (section 6)',
    );
  },
);

t.test('leaving a broken container goes on with what follows it (section 17 rule 5)', async (t) => {
  const start = 24 + description.length;
  for (const [bad, code] of [
    [Buffer.alloc(11), 'child-tail'],
    [xtc(PARENT, undefined, { extent: 11 }), 'child-extent'],
    [xtc(PARENT, undefined, { extent: 13 }), 'child-overrun'],
    [xtc(PARENT, undefined, { extent: 0xffffffff }), 'child-overrun'],
  ] as const) {
    const walked = walkAll([dgram({ service: CONFIGURE }, description, parent([one, bad]), two)]);
    t.same(walked.findings, [`${code}@${start + 12 + one.length}`]);
    t.same(walked.blocks, [{ a: '1' }, { a: '2' }], 'before and behind');
    const root = walkAll([dgram({ service: CONFIGURE }, description, one, bad), dgram({}, two)]);
    t.same(root.findings, [`${code}@${start + one.length}`]);
    t.same(root.blocks, [{ a: '1' }, { a: '2' }], 'the next dgram');
  }
});

t.test('other types at Parent level are reported and skipped; version bits are a warning (section 18)', async (t) => {
  const start = 24 + description.length;
  for (const type of [SHAPES, DATA, 5, 0xfff]) {
    const walked = walkAll([dgram({ service: CONFIGURE }, description, xtc(type, one), two)]);
    t.same(walked.findings, [`unknown-type@${start}`]);
    t.same(walked.blocks, [{ a: '2' }]);
  }
  const versioned = Buffer.from(one);
  versioned.writeUInt16LE(0x3001, 6);
  const walked = walkAll([dgram({ service: CONFIGURE }, description, versioned)]);
  t.same(walked.findings, [`type-version@${start}`]);
  t.same(walked.blocks, [{ a: '1' }]);
});

t.test('an unknown NamesId skips its block only; Names must come first (sections 8 and 17 rule 6)', async (t) => {
  const walked = walkAll([dgram({ service: CONFIGURE }, one, description, two)]);
  t.same(walked.findings, ['unknown-namesid@24']);
  t.same(walked.blocks, [{ a: '2' }]);
});

t.test('every fault inside a dgram is an issue of its JSON line, once (dgram-json.md)', async (t) => {
  const text = names([{ name: 'text', type: 10, rank: 1 }]);
  const { shapes } = await import('./raw.ts');
  const bytes = dgram({ service: CONFIGURE }, text, shapesData([shapes([2]), data(Buffer.from('ab'))]));
  const line = JSON.parse(new JsonView(new Walker()).line(new Dgram(bytes))) as { issues: unknown[] };
  t.same(line.issues, [{ code: 'unterminated-string', offset: 24 + text.length + 12 + 32 }]);
});
