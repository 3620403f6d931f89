import t from 'tap';
import { ELEMENT_SIZE, FIELD_TYPES } from '../../lib/xtc/layout.ts';
import {
  CONFIGURE,
  DATA,
  data,
  dgram,
  names,
  PARENT,
  type RawField,
  SHAPES,
  shapes,
  shapesData,
  u32,
  walkAll,
  xtc,
} from './raw.ts';

/** Walks one ShapesData block in a Configure of its own; offsets are relative to the block. */
function decode(fields: readonly RawField[], ...children: Buffer[]) {
  const description = names(fields);
  const base = 24 + description.length;
  const walked = walkAll([dgram({ service: CONFIGURE }, description, shapesData(children))]);
  return {
    block: walked.blocks[0],
    findings: walked.findings.map((text) => text.replace(/@(\d+)$/, (_, at: string) => `@${Number(at) - base}`)),
  };
}

const image: RawField[] = [
  { name: 'n', type: 1 },
  { name: 'image', type: 0, rank: 2 },
  { name: 'last', type: 0 },
];
const values = data(Buffer.from([1, 0, 10, 11, 12, 13, 14, 15, 99]));
const decoded = { n: '1', image: '[2,3]0a0b0c0d0e0f', last: '99' };

t.test('Shapes and Data come in either order (section 8)', async (t) => {
  t.same(decode(image, shapes([2, 3]), values), { block: decoded, findings: [] });
  t.same(decode(image, values, shapes([2, 3])), { block: decoded, findings: [] });
});

t.test('Shapes may be absent or empty without arrays, and 4 bytes too long with them (section 8)', async (t) => {
  t.same(decode([{ name: 'n', type: 0 }], data(Buffer.from([4]))), { block: { n: '4' }, findings: [] });
  t.same(decode([{ name: 'n', type: 0 }], shapes(), data(Buffer.from([4]))), { block: { n: '4' }, findings: [] });
  const long = Buffer.concat([shapes([2, 3]).subarray(12), u32(0xdead)]);
  t.same(decode(image, xtc(SHAPES, long), values), { block: decoded, findings: [] });
});

t.test('every type is read at odd positions, little-endian (sections 7 and 8)', async (t) => {
  const fields = FIELD_TYPES.map((name, type) => ({ name, type })).filter(({ name }) => name !== 'CHARSTR');
  const bytes = fields.map(({ type }) => Buffer.alloc(ELEMENT_SIZE[type]!, 0xff));
  bytes[8]!.writeFloatLE(0.5);
  bytes[9]!.writeDoubleLE(-2.5);
  const { block, findings } = decode([{ name: 'odd', type: 0 }, ...fields], data(Buffer.from([1]), ...bytes));
  t.same(findings, []);
  t.same(block, {
    odd: '1',
    UINT8: '255',
    UINT16: '65535',
    UINT32: '4294967295',
    UINT64: '18446744073709551615',
    INT8: '-1',
    INT16: '-1',
    INT32: '-1',
    INT64: '-1',
    FLOAT: '0.5',
    DOUBLE: '-2.5',
    ENUMVAL: '-1',
    ENUMDICT: '-1',
  });
});

t.test('ranks 1 to 5 have the product of their dimensions (section 8; rank 5 by rule 7)', async (t) => {
  for (let rank = 1; rank <= 5; rank++) {
    const dims = Array.from({ length: rank }, (_, d) => d + 1);
    const elements = dims.reduce((product, dim) => product * dim, 1);
    const { block, findings } = decode(
      [{ name: 'a', type: 1, rank }],
      shapes(dims),
      data(Buffer.alloc(2 * elements, 1)),
    );
    t.same(block, { a: `[${dims.join(',')}]${'01'.repeat(2 * elements)}` });
    t.same(findings, rank === 5 ? [`bad-rank@${-524}`] : []);
  }
});

t.test('a dimension of 0 makes an empty array whatever the others are', async (t) => {
  const shape = [0xffffffff, 0xffffffff, 0xffffffff, 0];
  t.same(
    decode(
      [
        { name: 'a', type: 9, rank: 4 },
        { name: 'b', type: 0 },
      ],
      shapes(shape),
      data(Buffer.from([7])),
    ),
    {
      block: { a: '[4294967295,4294967295,4294967295,0]', b: '7' },
      findings: [],
    },
  );
});

t.test('huge products are compared exactly, they do not wrap (section 17 rule 6)', async (t) => {
  for (const shape of [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0x10000, 0x10000, 1, 1],
    [0x80000000, 0x80000000, 4, 1],
    [1, 1, 1, 2],
  ]) {
    const found = decode(
      [
        { name: 'n', type: 0 },
        { name: 'a', type: 9, rank: 4 },
      ],
      shapes(shape),
      data(Buffer.alloc(9)),
    );
    t.same(found, { block: { n: '0' }, findings: ['data-overrun@44'] });
  }
});

t.test('fields before a bad one are delivered (section 17 rule 6)', async (t) => {
  t.same(decode(image, values), { block: { n: '1' }, findings: ['shapes-missing@0'] });
  t.same(decode(image, xtc(SHAPES, Buffer.alloc(19)), values), { block: { n: '1' }, findings: ['shapes-short@12'] });
  const cut = Buffer.from(values.subarray(0, values.length - 1));
  cut.writeUInt32LE(cut.length, 8);
  t.same(decode(image, shapes([2, 3]), cut), {
    block: { n: '1', image: decoded.image },
    findings: ['data-overrun@44'],
  });
});

t.test('bytes left over in Data are a warning and everything is delivered (section 17 rule 6)', async (t) => {
  const more = data(Buffer.from([1, 0, 10, 11, 12, 13, 14, 15, 99, 100]));
  t.same(decode(image, shapes([2, 3]), more), { block: decoded, findings: ['data-extra@44'] });
  t.same(decode([], data(Buffer.from([1]))), { block: {}, findings: ['data-extra@12'] });
});

t.test('no Data is data-missing; nothing is delivered (section 17 rule 6)', async (t) => {
  t.same(decode(image, shapes([2, 3])), { block: undefined, findings: ['data-missing@0'] });
  t.same(decode(image), { block: undefined, findings: ['data-missing@0'] });
});

t.test('with a bad child the whole block is not decoded (section 17 rule 6)', async (t) => {
  t.same(decode(image, values, shapes([2, 3]), Buffer.alloc(3)), { block: undefined, findings: ['child-tail@65'] });
  t.same(decode(image, values, xtc(SHAPES, undefined, { extent: 11 })), {
    block: undefined,
    findings: ['child-extent@33'],
  });
  t.same(decode(image, values, xtc(SHAPES, undefined, { extent: 13 })), {
    block: undefined,
    findings: ['child-overrun@33'],
  });
});

t.test('surplus and foreign children are reported and skipped (section 18)', async (t) => {
  t.same(decode(image, shapes([2, 3]), values, xtc(DATA)), { block: decoded, findings: ['unknown-type@65'] });
  t.same(decode(image, xtc(PARENT), shapes([2, 3]), values), { block: decoded, findings: ['unknown-type@12'] });
  t.same(decode(image, shapes([2, 3]), shapes([9, 9]), values), { block: decoded, findings: ['unknown-type@44'] });
});

t.test('a text ends at its first NUL; without one all bytes are taken and reported (section 9)', async (t) => {
  const field = [{ name: 'text', type: 10, rank: 1 }];
  t.same(decode(field, shapes([6]), data(Buffer.from('ab\0cd\0'))), { block: { text: 'ab' }, findings: [] });
  t.same(decode(field, shapes([4]), data(Buffer.from('abcd'))), {
    block: { text: 'abcd' },
    findings: ['unterminated-string@44'],
  });
  t.same(decode(field, shapes([0]), data()), { block: { text: '' }, findings: ['unterminated-string@44'] });
  t.same(
    decode(field, shapes([3]), data(Buffer.from([0xe9, 0x21, 0]))),
    { block: { text: 'é!' }, findings: [] },
    'Latin-1',
  );
  t.same(
    decode(field, shapes([3]), data(Buffer.from([0xc3, 0xa9, 0]))),
    { block: { text: 'é' }, findings: [] },
    'UTF-8',
  );
});

t.test('dimensions that change from block to block move the fields behind', async (t) => {
  const block = (n: number) =>
    shapesData([shapes([1, n]), data(Buffer.from([1, 0]), Buffer.alloc(n, n), Buffer.from([n]))]);
  const dgrams = [dgram({ service: CONFIGURE }, names(image)), ...[3, 3, 5, 0, 3].map((n) => dgram({}, block(n)))];
  const walked = walkAll(dgrams);
  t.same(walked.findings, []);
  t.same(
    walked.blocks.map(({ last }) => last),
    ['3', '3', '5', '0', '3'],
  );
});

t.test('a broken block between sound ones does not disturb them', async (t) => {
  const good = dgram({}, shapesData([shapes([2, 3]), values]));
  const walked = walkAll([dgram({ service: CONFIGURE }, names(image)), good, dgram({}, shapesData([values])), good]);
  t.same(walked.blocks, [decoded, { n: '1' }, decoded]);
});
