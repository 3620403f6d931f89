/** Seeded random configuration documents: ordinary ones, and ones whose keys make names ambiguous. */

export type Random = () => number;

/** A small generator with good enough statistics; the same numbers for the same seed everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** Types and a literal of each, always of a form that both modes take. */
const LITERALS: Readonly<Record<string, (random: Random) => string>> = {
  UINT8: (random) => String(between(random, 0, 255)),
  UINT16: (random) => String(between(random, 0, 65535)),
  UINT32: (random) => String(between(random, 0, 0xffffffff)),
  UINT64: (random) => String((BigInt(between(random, 0, 0xffffffff)) << 32n) | BigInt(between(random, 0, 0xffffffff))),
  INT8: (random) => String(between(random, -128, 127)),
  INT16: (random) => String(between(random, -32768, 32767)),
  INT32: (random) => String(between(random, -0x80000000, 0x7fffffff)),
  INT64: (random) => String(BigInt.asIntN(64, (BigInt(between(random, 0, 0xffffffff)) << 32n) | 12345n)),
  FLOAT: (random) => floatingForm(Math.fround((random() - 0.5) * 10 ** between(random, -37, 37))),
  DOUBLE: (random) => floatingForm((random() - 0.5) * 10 ** between(random, -300, 300)),
};

function floatingForm(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const PLAIN_KEYS = ['a', 'b', 'gain', 'start', 'raw', 'user', 'Lane', 'asic', 'help:RO', 'fex', 'x', 'Zeta'];
const NASTY_KEYS = [
  '',
  'a',
  'a.b',
  'a.b.c',
  'a_0',
  'a_1',
  'a_0.b',
  'a_0_1',
  '.x',
  'x.',
  '_0',
  'b',
  'b:e',
  '0',
  '1:x',
  'a:RO',
  'x_10',
  'x_2',
  'x',
  'A',
  'doc:RO',
  ':types:',
];
const TEXTS = ['', 'on', 'two words', 'größe', '😀', 'line\nbreak', 'abc', 'abcd', '"quoted\\"'];
const ENUMS = { mode: { Slow: 0, Fast: 2 }, onoff: { On: 1, Off: 0 }, 'e:f': { 'g:h': -5 } };

interface Written {
  text: string;
  type: string;
}

export interface DocumentOptions {
  /** Keys with dots, colons, underscores, digits; the empty key; special keys below the top level. */
  nasty: boolean;
}

/** The text of a document that both modes convert without an error. */
export function randomDocument(random: Random, { nasty }: DocumentOptions): string {
  const keys = nasty ? NASTY_KEYS : PLAIN_KEYS;
  const data = object(random, keys, 0, nasty);
  const type = data.type.slice(1, -1);
  const enums = `":enum:":${JSON.stringify(ENUMS)}`;
  return `{${data.text.slice(1, -1)}${data.text === '{}' ? '' : ','}
"detType:RO":"ty","detName:RO":"det_${between(random, 0, 9)}","detId:RO":"id","doc:RO":{"any":[1,"x"]},
"alg:RO":{"alg:RO":"config","version:RO":[${between(random, 0, 255)},0,1]},
":types:":{${enums}${type === '' ? '' : `,${type}`}}}`;
}

function object(random: Random, keys: readonly string[], depth: number, nasty: boolean): Written {
  const wanted = new Set<string>();
  for (let n = between(random, depth === 0 ? 1 : 0, 5); n > 0; n--) wanted.add(pick(random, keys));
  if (depth === 0) for (const special of ['doc:RO', ':types:']) wanted.delete(special);
  const members = [...wanted].map((key) => ({ key: JSON.stringify(key), ...value(random, keys, depth + 1, nasty) }));
  return {
    text: `{${members.map(({ key, text }) => `${key}:${text}`).join(',')}}`,
    type: `{${members.map(({ key, type }) => `${key}:${type}`).join(',')}}`,
  };
}

function value(random: Random, keys: readonly string[], depth: number, nasty: boolean): Written {
  const kind = random();
  if (depth < 4 && kind < 0.25) return object(random, keys, depth, nasty);
  if (depth < 4 && kind < 0.35) return listOfObjects(random, keys, depth, nasty);
  if (kind < 0.42) return listOfArrays(random);
  if (kind < 0.55) return array(random);
  if (kind < 0.65) return { text: JSON.stringify(pick(random, TEXTS)), type: '"CHARSTR"' };
  if (kind < 0.75) {
    const [name, labels] = pick(random, Object.entries(ENUMS));
    return { text: String(pick(random, Object.values(labels))), type: JSON.stringify(name) };
  }
  const type = pick(random, Object.keys(LITERALS));
  return { text: LITERALS[type]!(random), type: `"${type}"` };
}

/** One object repeated with the same types and other numbers would need the generator twice; the same values do as well. */
function listOfObjects(random: Random, keys: readonly string[], depth: number, nasty: boolean): Written {
  const { text, type } = object(random, keys, depth, nasty);
  return { text: `[${new Array(between(random, 1, depth === 1 ? 12 : 3)).fill(text).join(', ')}]`, type };
}

function listOfArrays(random: Random): Written {
  const { text, type } = array(random);
  return { text: `[${new Array(between(random, 1, 4)).fill(text).join(',')}]`, type };
}

function array(random: Random): Written {
  const dims = Array.from({ length: between(random, 1, 4) }, () => between(random, 0, 3));
  const type = pick(random, Object.keys(LITERALS));
  const elements = Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, () =>
    LITERALS[type]!(random),
  );
  return { text: `[${elements.join(' , ')}]`, type: `["${type}",${dims.join(',')}]` };
}
