import t from 'tap';
import { Expression } from '../../lib/show/expression.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, data, dgram, names, shapes, shapesData, u32 } from '../xtc/raw.ts';

const description = names(
  [
    { name: 'energy', type: 9 },
    { name: 'big', type: 3 },
    { name: 'mode:Gain', type: 11 },
    { name: 'High:Gain', type: 12 },
    { name: 'a.b', type: 0 },
    { name: 'text', type: 10, rank: 1 },
    { name: 'image', type: 1, rank: 2 },
    { name: '1st', type: 0 },
  ],
  { det: 'hsd' },
);

function event(energy = 2.5, mode = 3): Buffer {
  const double = Buffer.alloc(8);
  double.writeDoubleLE(energy);
  const image = Buffer.from([1, 0, 2, 0, 3, 0, 4, 0]);
  const values = data(
    double,
    u32(0xffffffff, 0xffffffff),
    u32(mode),
    u32(3),
    Buffer.from([7]),
    Buffer.from('abc\0'),
    image,
    Buffer.from([9]),
  );
  return shapesData([shapes([4], [2, 2]), values]);
}

const configure = dgram({ service: CONFIGURE }, description);
const l1 = dgram({ sec: 5, nsec: 250_000_000, env: 0x0c050009, src: 0x10000003, damage: 0x5020 }, event());

/** Whether the second of two dgrams matches. */
function matches(text: string, bytes = l1): boolean {
  const walker = new Walker();
  const expression = new Expression(text, walker);
  walker.walk(new Dgram(configure), {});
  return expression.matches(new Dgram(bytes));
}

const TRUE = [
  'service == L1Accept',
  'service == l1accept',
  'service == "L1Accept" and not (service == Configure)',
  'service in ("L1Accept", "SlowUpdate")',
  'sec == 5 and nsec == 250000000 and time == 5.25',
  'timestamp == 21724836480',
  'groups == 0x9 and env == 0x0c050009',
  'group(3) and not group(1)',
  'damaged() and damaged("MissingData") and damaged("User5") and not damaged("Truncated")',
  'damage > 0',
  'src == 3 and level == 1',
  `size == ${l1.length} and index == 0 and offset == 0`,
  'hsd.raw.energy > 2 and hsd.raw.energy < 3',
  'hsd_0.raw.energy == 2.5',
  '2 < hsd.raw.energy <= 2.5',
  'hsd.raw.a.b == 7',
  'hsd.raw.text == "abc"',
  'hsd.raw.text ~= "^a.c$"',
  'hsd.raw.mode == High',
  'hsd.raw.mode == "High"',
  'hsd.raw.mode == 3 and hsd.raw.mode != 4 and hsd.raw.mode > 2 and hsd.raw.mode + 1 == 4',
  'hsd.raw.mode ~= "Hi"',
  'hsd.raw.big == 0xffffffffffffffff and hsd.raw.big != 0xfffffffffffffffe',
  'hsd.raw.big == 18446744073709551615 and hsd.raw.big < 18446744073709551616',
  '1.5 < hsd.raw.energy and timestamp > 0x10',
  'hsd.raw.big > 18446744073709551614 and hsd.raw.big + 1 > 5',
  'timestamp mod 2 == 0 and hsd.raw.big mod 2 == 1',
  'sum(hsd.raw.image) == 10 and mean(hsd.raw.image) == 2.5 and length(hsd.raw.image) == 4',
  'lowest(hsd.raw.image) == 1 and highest(hsd.raw.image) == 4 and at(hsd.raw.image, 2) == 3',
  "'hsd.raw.1st' == 9",
  'exists(hsd.raw.energy) and not exists(hsd.raw.nothing)',
  'if service == L1Accept then hsd.raw.energy > 2 else false == true',
  'hsd.raw.energy',
  '-hsd.raw.energy < 0 and hsd.raw.energy ^ 2 == 6.25 and hsd.raw.energy * 2 / 5 == 1',
];

for (const text of TRUE) t.test(`true: ${text}`, async (t) => void t.ok(matches(text)));

const FALSE = [
  'hsd.raw.energy > 3',
  'hsd_1.raw.energy > 0',
  'hsd.fex.energy > 0',
  'hsd.raw.nothing > 0',
  'hsd.raw.nothing < 0',
  'hsd.raw.nothing == 0',
  'hsd.raw.nothing ~= "a"',
  'hsd.raw.nothing + 1 > 0',
  'hsd.raw.mode == Low',
  'at(hsd.raw.image, 9) > 0',
  'hsd.raw.text > 3',
];

for (const text of FALSE) t.test(`false, whatever is missing: ${text}`, async (t) => void t.notOk(matches(text)));

t.test('dgrams without the field do not match and do not end the run', async (t) => {
  t.notOk(matches('hsd.raw.energy > 2', dgram()));
  t.notOk(matches('hsd.raw.text ~= "abc"', dgram()));
  t.ok(matches('hsd.raw.energy > 2 or service == L1Accept', dgram()));
});

t.test('names that were in no dgram are told, so that misspelt ones show', async (t) => {
  const walker = new Walker();
  const expression = new Expression('hsd.raw.energy > 9 or hsd.raw.enrgy > 2', walker);
  walker.walk(new Dgram(configure), {});
  expression.matches(new Dgram(l1));
  t.same(expression.neverSeen(), ['hsd.raw.enrgy']);
});

t.test('what cannot be parsed is refused at once', async (t) => {
  for (const bad of [
    '',
    'service ==',
    '(1',
    '1 +* 2',
    'a b',
    '"open',
    'service = L1Accept',
    'x;y',
    '`x`',
    'a => b',
    '{}',
    '\0',
  ]) {
    t.throws(() => new Expression(bad, new Walker()), { code: 'usage' }, bad);
  }
});

t.test('calls that cannot be made are refused, with the reason', async (t) => {
  for (const bad of [
    'nothing(1)',
    'constructor("x")',
    'hasOwnProperty("a")',
    'hsd.raw.text - 1 > 0',
    'hsd.raw.image * 2 > 0',
    'damaged("Broken")',
    '"a" ~= "("',
    'sec and nsec',
    '1 ~= 2 or 3 ~= 3 or "a" ~= 3',
  ]) {
    t.throws(() => matches(bad), { code: 'usage', message: /^--where: / }, bad);
  }
});

t.test('names of JavaScript are only names', async (t) => {
  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'process',
    'globalThis',
    'this',
    'arguments',
    'ops',
    'std',
    'data',
    'prop',
  ]) {
    t.notOk(matches(`${name} == 5`), name);
    t.notOk(matches(`${name}.constructor.name == "x"`), `${name}.constructor.name`);
    t.notOk(matches(`'${name}' of service == 5`), `${name} of`);
  }
  const template = ['"$', '{process.exit(1)}" == "y"'].join('');
  t.notOk(matches(template), 'a text is a text');
});

t.test('very long and deeply nested texts are refused or evaluated, and nothing else', async (t) => {
  for (const text of [
    `${'('.repeat(2400)}1${')'.repeat(2400)} == 1`,
    '('.repeat(1_000_000),
    Array.from({ length: 300 }, (_, i) => `sec == ${i}`).join(' or '),
    `${'not '.repeat(1200)}(sec == 5)`,
    `${'-'.repeat(4900)}1 == 1`,
    `sec == ${'9'.repeat(4900)}`,
    'x'.repeat(4900),
  ]) {
    try {
      matches(text);
    } catch (error) {
      t.match(error, { code: 'usage' }, text.slice(0, 20));
    }
  }
  t.pass('none broke anything');
});
