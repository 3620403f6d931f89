import t from 'tap';
import { DataError } from '../../lib/errors.ts';
import { JsonReader } from '../../lib/json/reader.ts';
import { JsonText } from '../../lib/json/text.ts';
import { pick, randomDocument, seeded } from '../config-json/random-document.ts';

/** `ok`, or `line:column` of the syntax error. */
function verdict(input: string | Buffer): string {
  try {
    new JsonReader(new JsonText(Buffer.from(input as string)), () => {}).document();
    return 'ok';
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return `${error.place.line}:${error.place.column}`;
  }
}

t.test('strict JSON only (section 6)', async (t) => {
  for (const text of [
    '{}',
    ' [ ] ',
    '[1,2 ,\n3]',
    '"\\u00e9\\ud83d\\ude00"',
    '-0.5e+3',
    'true',
    '[[],{},"",null]',
    '{"a":1,"a":2}',
  ]) {
    t.equal(verdict(text), 'ok', text);
  }
  const refused: [string, string][] = [
    ['', '1:1'],
    ['[1,]', '1:4'],
    ['{"a":1,}', '1:8'],
    ['{a:1}', '1:2'],
    ['[01]', '1:3'],
    ['[1.]', '1:4'],
    ['[.5]', '1:2'],
    ['[+1]', '1:2'],
    ['[1e]', '1:4'],
    ['[NaN]', '1:2'],
    ['{"a"\n 1}', '2:2'],
    ['"a\tb"', '1:3'],
    ['"\\x"', '1:2'],
    ['"\\u12g4"', '1:2'],
    ['"\\ud800"', '1:2'],
    ['"\\udc00"', '1:2'],
    ['"\\ud800\\u0041"', '1:2'],
    ['[1] 2', '1:5'],
    ['/**/1', '1:1'],
    ['"abc', '1:1'],
    ['﻿{}', '1:1'],
    ['{"é": x}', '1:7'],
    ['[1e999]', '1:2'],
  ];
  for (const [text, place] of refused) t.equal(verdict(text), place, JSON.stringify(text));
});

t.test('the input ends at the first zero byte (section 6)', async (t) => {
  const text = new JsonText(Buffer.from('{}\0garbage'));
  t.equal(text.ignored, 8);
  t.equal(verdict('{}\0garbage'), 'ok');
  t.equal(verdict('{"a":1\0}'), '1:7');
});

t.test('nesting is limited by memory only', async (t) => {
  t.equal(verdict('['.repeat(200_000) + ']'.repeat(200_000)), 'ok');
  t.equal(verdict('{"a":'.repeat(100_000)), '1:500001');
});

t.test('a syntax error names the key it is near', async (t) => {
  const reader = new JsonReader(
    new JsonText(Buffer.from('{"expert": {"Lane": [{"Enable": 1}, {"Enable": tru}]}}')),
    () => {},
  );
  t.throws(() => reader.document(), {
    code: 'json-syntax',
    place: { line: 1, column: 48, key: 'expert.Lane_1.Enable' },
  });
});

t.test('what the reference does not mind is reported with its path', async (t) => {
  const found: string[] = [];
  const bytes = Buffer.concat([
    Buffer.from('{"a":{"b":1,"c":[{"d":1,"d":2}],"b":3},"n":"x\\u0000","u":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  new JsonReader(new JsonText(bytes), (code, path) => found.push(`${code} ${path}`)).document();
  t.strictSame(found, ['duplicate-key a.c_0.d', 'duplicate-key a.b', 'nul-in-text n', 'not-utf8 u']);
});

t.test('mutated documents are taken if and only if JSON.parse takes them', async (t) => {
  const random = seeded(4);
  let taken = 0;
  let different = 0;
  const mutants = 6000;
  for (let i = 0; i < mutants; i++) {
    let text = randomDocument(random, { nasty: random() < 0.5 });
    for (let n = Math.floor(random() * 3); n > 0; n--) text = mutate(text, random);
    const expected = parses(text);
    // Stricter on purpose: numbers beyond the range, and surrogate escapes that stand alone.
    if (/\\u[dD][89a-fA-F]|\de[+]?\d{3}|\d{300}/.test(text)) continue;
    if ((verdict(text) === 'ok') !== expected) {
      different++;
      t.comment(JSON.stringify(text));
    }
    if (expected) taken++;
  }
  t.equal(different, 0);
  t.ok(taken > mutants / 5 && taken < mutants, `${taken} of ${mutants} mutants are JSON`);
});

t.test('no bytes make the reader fail in another way than a syntax error', async (t) => {
  const random = seeded(5);
  const verdicts = new Set<boolean>();
  for (let i = 0; i < 3000; i++) {
    const bytes = Buffer.from(randomDocument(random, { nasty: true }));
    for (let n = 1 + Math.floor(random() * 8); n > 0; n--) bytes[Math.floor(random() * bytes.length)] = random() * 256;
    verdicts.add(verdict(bytes.subarray(0, Math.ceil(random() ** 0.1 * bytes.length))) === 'ok');
  }
  t.equal(verdicts.size, 2, 'some were documents, some were not');
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '0',
  '-',
  '.',
  'e',
  '1e5',
  'null',
  ' ',
  '\n',
  '\t',
  '\u001f',
  '\\u0041',
  '""',
  'é',
];

function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const kind = random();
  if (kind < 0.4) return text.slice(0, at) + pick(random, PIECES) + text.slice(at);
  if (kind < 0.8) return text.slice(0, at) + text.slice(at + 1);
  return text.slice(0, at) + pick(random, PIECES) + text.slice(at + 1);
}
