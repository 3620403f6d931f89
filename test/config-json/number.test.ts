import t from 'tap';
import { elementText } from '../../lib/config-json/document/number-text.ts';
import { NumberLiteral } from '../../lib/config-json/number/literal.ts';
import { referenceDouble } from '../../lib/json/reference.ts';
import { CODE } from '../../lib/xtc/layout.ts';
import { seeded } from './random-document.ts';

function literalOf(text: string): NumberLiteral {
  const literal = new NumberLiteral();
  literal.read(Buffer.from(`${text},`), 0);
  return literal;
}

t.test('integers are exact to 64 bits, and floating form beyond (section 5)', async (t) => {
  for (const text of [
    '0',
    '-1',
    '999999999999999',
    '9007199254740993',
    '18446744073709551615',
    '-9223372036854775808',
  ]) {
    const literal = literalOf(text);
    t.equal(literal.floating, false, text);
    t.equal(literal.integer(), BigInt(text), text);
  }
  for (const text of ['18446744073709551616', '-9223372036854775809', '1.0', '1e2', '1E-2']) {
    t.equal(literalOf(text).floating, true, text);
  }
});

t.test('-0 is the integer 0, -0.0 keeps its sign (section 5)', async (t) => {
  t.ok(Object.is(literalOf('-0').nearest(), 0));
  t.ok(Object.is(literalOf('-0').reference(), 0));
  t.ok(Object.is(literalOf('-0.0').nearest(), -0));
  t.ok(Object.is(literalOf('-0.0').reference(), -0));
  t.ok(Object.is(literalOf('-0e5').nearest(), -0));
});

t.test('the nearest double is JavaScript’s, for literals of any length', async (t) => {
  const random = seeded(1);
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('');
    const integer = random() < 0.3 ? '0' : `${1 + Math.floor(random() * 9)}${digits(Math.floor(random() * 22))}`;
    const fraction = random() < 0.7 ? `.${digits(1 + Math.floor(random() * 22))}` : '';
    const exponent = random() < 0.5 ? `e${Math.floor((random() - 0.5) * 600)}` : '';
    const text = `${random() < 0.5 ? '-' : ''}${integer}${fraction}${exponent}`;
    const literal = literalOf(text);
    const expected = Number(text);
    const zero = !literal.floating && expected === 0;
    if (!Object.is(literal.nearest(), zero ? 0 : expected)) wrong++;
  }
  t.equal(wrong, 0);
});

t.test('up to 15 significant digits and small exponents the reference rounds correctly (section 6)', async (t) => {
  const random = seeded(2);
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = ((random() - 0.5) * 10 ** Math.floor(random() * 12)).toPrecision(1 + Math.floor(random() * 15));
    const bytes = Buffer.from(text);
    const value = referenceDouble(bytes, 0, bytes.length);
    if (Math.abs(Number(text)) < 1e-6) continue;
    if (value !== undefined && value !== Number(text)) wrong++;
  }
  t.equal(wrong, 0);
});

t.test('"number too big" where the reference says so, and only there (section 6, steps 2 and 4)', async (t) => {
  const value = (text: string) => referenceDouble(Buffer.from(text), 0, text.length);
  for (const text of ['1e309', '1e0400', '0e400', `1${'0'.repeat(309)}`])
    t.ok(Number.isNaN(value(text)), text.slice(0, 20));
  t.equal(value('9e308'), Number.POSITIVE_INFINITY);
  t.equal(value('-9e308'), Number.NEGATIVE_INFINITY);
  t.equal(value('1e-999999999999'), 0);
  t.equal(value(`0.${'0'.repeat(400)}1e2`), 0);
  t.equal(value('12'), undefined);
});

t.test('written numbers come back to the same bits, in floating form for floating types', async (t) => {
  const view = new DataView(new ArrayBuffer(8));
  const random = seeded(3);
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    view.setUint32(0, random() * 2 ** 32);
    view.setUint32(4, random() * 2 ** 32);
    for (const [type, read] of [
      [CODE.DOUBLE, () => view.getFloat64(0, true)],
      [CODE.FLOAT, () => view.getFloat32(0, true)],
    ] as const) {
      const value = read();
      if (!Number.isFinite(value)) continue;
      const text = elementText(view, type, 0);
      const literal = literalOf(text);
      const back = type === CODE.FLOAT ? Math.fround(literal.nearest()) : literal.nearest();
      if (!literal.floating || !Object.is(back, value)) wrong++;
    }
  }
  t.equal(wrong, 0);
  const float = (value: number) => {
    view.setFloat32(0, value, true);
    return elementText(view, CODE.FLOAT, 0);
  };
  t.strictSame([42, 0.1, 1e-45, 3.4028234663852886e38, 16777216, -0].map(float), [
    '42.0',
    '0.1',
    '1e-45',
    '3.4028234e+38',
    '16777216.0',
    '-0.0',
  ]);
  view.setFloat64(0, 42, true);
  t.equal(elementText(view, CODE.DOUBLE, 0), '42.0');
});
