import t from 'tap';
import { NAME, NAME_INFO } from '../../lib/xtc/layout.ts';
import { formatNamesId, formatVersion, NamesTable, packVersion, parseNames } from '../../lib/xtc/names.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, NAMES, names, SLOW_UPDATE, shapesData, u32, walkAll, xtc } from './raw.ts';

const ENUMVAL = 11;
const ENUMDICT = 12;

t.test('a Names block says detType before detName, and all else (section 7)', async (t) => {
  const block = names(
    [
      { name: 'a.b', type: 8 },
      { name: 'mode:Gain', type: ENUMVAL },
    ],
    { det: 'hsd', alg: 'fex', segment: 3 },
  );
  const parsed = parseNames(block, 0x10b, 12, block.length);
  t.match(parsed, {
    id: 0x10b,
    detType: 'type',
    detName: 'hsd',
    detId: '',
    alg: 'fex',
    version: 0x010203,
    segment: 3,
    arrays: 0,
    usable: 2,
  });
  t.match(parsed.fields, [
    { name: 'a.b', shortName: 'a.b', enumName: undefined, elementSize: 4 },
    { name: 'mode:Gain', shortName: 'mode', enumName: 'Gain' },
  ]);
  t.equal(formatNamesId(0x10b), '0x10b');
  t.equal(formatVersion(packVersion(2, 3, 42)), '2.3.42');
});

t.test(
  'a colon separates only in fields of type 11 and 12, and only the first one does (sections 7 and 9)',
  async (t) => {
    const block = names([
      { name: 'XPP:GAS:1', type: 9 },
      { name: 'x:E:F', type: ENUMVAL },
      { name: 'plain', type: ENUMVAL },
    ]);
    const { fields } = parseNames(block, 1, 12, block.length);
    t.same(
      fields.map(({ shortName, enumName }) => [shortName, enumName]),
      [
        ['XPP:GAS:1', undefined],
        ['x', 'E:F'],
        ['plain', undefined],
      ],
    );
  },
);

t.test(
  'texts of 256 bytes without NUL are taken whole and reported; Latin-1 and UTF-8 are told apart (sections 7 and 9)',
  async (t) => {
    const block = names([{ name: 'f', type: 0 }]);
    block.fill('x', 12 + NAME_INFO.detId, 12 + NAME_INFO.detId + 256);
    block.fill('y', 12 + NAME_INFO.size + NAME.name, 12 + NAME_INFO.size + NAME.name + 256);
    block.write('caf\xe9', 12 + NAME_INFO.detType, 'latin1');
    block.write('µm', 12 + NAME_INFO.alg, 'utf8');
    const parsed = parseNames(block, 1, 12, block.length);
    t.equal(parsed.detId, 'x'.repeat(256));
    t.equal(parsed.fields[0]!.name, 'y'.repeat(256));
    t.equal(parsed.detType.slice(0, 4), 'café');
    t.equal(parsed.alg, 'µm');
    t.same(walkAll([dgram({ service: CONFIGURE }, block)]).findings, [
      'unterminated-string@24',
      `unterminated-string@${24 + 12 + NAME_INFO.size}`,
    ]);
  },
);

t.test(
  'a size that is not 1036 + 524 n is names-size; the block is ignored and the walk goes on (section 17 rule 7)',
  async (t) => {
    const good = names([{ name: 'x', type: 0 }], { id: 0x101 });
    for (const size of [0, 1035, 1037, 1036 + 523]) {
      const walked = walkAll([dgram({ service: CONFIGURE }, xtc(NAMES, Buffer.alloc(size)), good)]);
      t.same(walked.findings, ['names-size@24']);
      t.equal(walked.names.length, 1);
    }
    t.same(walkAll([dgram({ service: CONFIGURE }, names([]))]).findings, [], 'n = 0 is legal');
  },
);

t.test(
  'bad types and ranks are faults of their records; data stop before such a field (section 17 rule 7)',
  async (t) => {
    for (const [bad, code] of [
      [{ name: 'bad', type: 13 }, 'bad-field-type'],
      [{ name: 'bad', type: 0xffffffff }, 'bad-field-type'],
      [{ name: 'bad', type: 0, rank: 6 }, 'bad-rank'],
      [{ name: 'bad', type: 0, rank: 0xffffffff }, 'bad-rank'],
    ] as const) {
      const block = names([{ name: 'a', type: 0 }, bad, { name: 'c', type: 0 }]);
      const walked = walkAll([dgram({ service: CONFIGURE }, block, shapesData([data(Buffer.from([5, 6, 7]))]))]);
      t.same(walked.findings, [`${code}@${24 + 12 + NAME_INFO.size + NAME.size}`]);
      t.same(walked.blocks, [{ a: '5' }]);
    }
  },
);

t.test('numArrays that is not the number of arrays is a warning only (section 18)', async (t) => {
  const walked = walkAll([
    dgram(
      { service: CONFIGURE },
      names([{ name: 'a', type: 0 }], { numArrays: 3 }),
      shapesData([data(Buffer.from([5]))]),
    ),
  ]);
  t.same(walked.findings, ['num-arrays@24']);
  t.same(walked.blocks, [{ a: '5' }]);
});

t.test(
  'the same NamesId twice in one dgram is an error and the later counts; in a later dgram it replaces (section 7)',
  async (t) => {
    const a = names([{ name: 'a', type: 0 }]);
    const b = names([{ name: 'b', type: 0 }]);
    const values = shapesData([data(Buffer.from([1]))]);
    const twice = walkAll([dgram({ service: CONFIGURE }, a, b, values)]);
    t.same(twice.findings, [`duplicate-namesid@${24 + a.length}`]);
    t.same(twice.blocks, [{ b: '1' }]);
    t.same(
      walkAll([dgram({ service: CONFIGURE }, a, a)]).findings,
      [`duplicate-namesid@${24 + a.length}`],
      'even if they are equal',
    );
    const later = walkAll([
      dgram({ service: CONFIGURE }, a),
      dgram({}, values),
      dgram({ service: SLOW_UPDATE }, b),
      dgram({}, values),
    ]);
    t.same(later.findings, []);
    t.same(later.blocks, [{ a: '1' }, { b: '1' }]);
  },
);

t.test('a Configure clears descriptions and dictionaries (section 17 rule 2)', async (t) => {
  const values = shapesData([data(Buffer.from([1]))]);
  const configure = dgram({ service: CONFIGURE }, names([{ name: 'a', type: 0 }]));
  const again = dgram({ service: CONFIGURE }, names([{ name: 'a', type: 0 }], { id: 0x200 }));
  const walked = walkAll([configure, dgram({}, values), again, dgram({}, values)]);
  const offset = configure.length + dgram({}, values).length + again.length + 24;
  t.same(walked.findings, [`unknown-namesid@${offset}`]);
});

t.test('all 28 bits of the src are the key, not the level (section 3)', async (t) => {
  const walked = walkAll([
    dgram(
      { service: CONFIGURE },
      names([{ name: 'a', type: 0 }], { id: 0x0abcdef1 }),
      shapesData([data(Buffer.from([1]))], 0x1abcdef1),
    ),
  ]);
  t.same(walked.findings, []);
  t.equal(walked.blocks.length, 1);
});

const dictionary = (id: number, labels: [string, number][], det = 'det', segment = 0) => ({
  names: names(
    labels.map(([name]) => ({ name, type: ENUMDICT })),
    { id, det, segment, alg: 'config' },
  ),
  data: shapesData([data(u32(...labels.map(([, value]) => value)))], id),
});
const only = names([{ name: 'mode:Gain', type: ENUMVAL }], { id: 0x120, alg: 'step' });

/** Label of value 1 of `only` after the given dgrams. */
function labelAfter(...dgrams: Buffer[]): string | null {
  const walker = new Walker();
  walkAll(dgrams, {}, walker);
  return walker.table.label(walker.table.get(0x120)!, 'Gain', 1);
}

t.test(
  'an enum dictionary may be in another block of the same detector and segment; the latest counts (section 9)',
  async (t) => {
    const high = dictionary(0x100, [['High:Gain', 1]]);
    const low = dictionary(0x101, [['Low:Gain', 1]]);
    const configure = dgram({ service: CONFIGURE }, high.names, low.names, only, high.data);
    t.equal(labelAfter(configure), 'High');
    t.equal(labelAfter(configure, dgram({}, low.data)), 'Low');
    t.equal(labelAfter(configure, dgram({}, low.data), dgram({}, high.data)), 'High', 'seen again');
    t.equal(labelAfter(dgram({ service: CONFIGURE }, only)), null);
    const other = dictionary(0x100, [['High:Gain', 1]], 'other');
    t.equal(labelAfter(dgram({ service: CONFIGURE }, other.names, only, other.data)), null, 'another detector');
    const segment = dictionary(0x100, [['High:Gain', 1]], 'det', 1);
    t.equal(labelAfter(dgram({ service: CONFIGURE }, segment.names, only, segment.data)), null, 'another segment');
    const another = dictionary(0x100, [['High:Speed', 1]]);
    t.equal(labelAfter(dgram({ service: CONFIGURE }, another.names, only, another.data)), null, 'another enum');
  },
);

t.test('of two labels with one value the later in Names order counts (section 9)', async (t) => {
  const both = dictionary(0x100, [
    ['First:Gain', 1],
    ['Second:Gain', 1],
  ]);
  t.equal(labelAfter(dgram({ service: CONFIGURE }, both.names, only, both.data)), 'Second');
});

t.test('a dictionary outlives a new description of its block: only Configure clears it (section 9)', async (t) => {
  const high = dictionary(0x100, [['High:Gain', 1]]);
  const replaced = names([{ name: 'x', type: 0 }], { id: 0x100 });
  t.equal(
    labelAfter(dgram({ service: CONFIGURE }, high.names, only, high.data), dgram({ service: SLOW_UPDATE }, replaced)),
    'High',
  );
});

t.test('a walk without visitor still learns dictionaries: --config gives them (dgram-json.md)', async (t) => {
  const high = dictionary(0x100, [['High:Gain', 1]]);
  const walker = new Walker();
  const { Dgram } = await import('../../lib/xtc/dgram.ts');
  walker.walk(new Dgram(dgram({ service: CONFIGURE }, high.names, only, high.data)), {});
  t.equal(walker.table.label(walker.table.get(0x120)!, 'Gain', 1), 'High');
});

t.test('a look ahead leaves the descriptions as they were', async (t) => {
  const walker = new Walker();
  const { Dgram } = await import('../../lib/xtc/dgram.ts');
  walker.walk(new Dgram(dgram({ service: CONFIGURE }, names([{ name: 'a', type: 0 }]))), {});
  walker.look(new Dgram(dgram({ service: SLOW_UPDATE }, names([{ name: 'b', type: 0 }]))), {});
  t.equal(walker.table.get(0x100)!.fields[0]!.name, 'a');
  walker.look(new Dgram(dgram({ service: CONFIGURE })), {});
  t.equal(walker.table.size, 1);
  walker.walk(new Dgram(dgram({ service: SLOW_UPDATE }, names([{ name: 'b', type: 0 }]))), {});
  t.equal(walker.table.get(0x100)!.fields[0]!.name, 'b');
});

t.test('equal descriptions repeated in every SlowUpdate are parsed once', async (t) => {
  const table = new NamesTable();
  const block = names([{ name: 'a', type: 0 }]);
  const first = table.define(block, 1, 12, block.length);
  t.equal(table.define(Buffer.from(block), 1, 12, block.length), first);
  t.same([...table].length, 1);
  t.equal(L1ACCEPT, 12);
});
