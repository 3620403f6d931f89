/** Documents: exact numbers; shapes, dtypes and sizes (spec calib-pub.md, sections 3 and 7). */

import t from 'tap';
import { decodeConstant } from '../../lib/calib/decode.ts';
import { exactText, integerField, isRecord, parseExact } from '../../lib/calib/document.ts';
import type { DocRecord } from '../../lib/calib/types.ts';
import { ELEMENT_BYTES } from '../../lib/npy.ts';

const parse = (text: string) => parseExact(Buffer.from(text));

t.test('documents come back as they were: 1 is not 1.0, and no digit of an integer is lost', async (t) => {
  for (const text of [
    '{"a": 1, "b": 1.0, "c": -0.0, "d": 9007199254740993, "e": -123456789012345678901234567890, "f": 1e+300}',
    '{"text": "Ω \\"quoted\\" 😀", "none": null, "yes": true, "no": false, "list": [1, 2.5, [], {}], "10": 1}',
    '{"__proto__": 1, "constructor": {"kind": "int", "value": 1}}',
  ]) {
    const value = parse(text);
    t.same(parse(exactText(value)), value, text);
  }
  t.equal(exactText(parse('[1, 1.0, 9007199254740993, 2.50]')), '[1, 1.0, 9007199254740993, 2.5]');
  t.equal(exactText(parse('{"a": 1, "a": 2}')), '{"a": 2}', 'the last of two counts, as in Python');
});

t.test('what is no strict JSON is refused with its place', async (t) => {
  for (const text of ['', '{"a": NaN}', '{"a": 1,}', "{'a': 1}", '[1] 2', '{"a": 1}\0', '[1e999]', '"\\ud800"']) {
    t.throws(() => parse(text), { code: 'json-syntax' }, JSON.stringify(text));
  }
  t.throws(() => parseExact(Buffer.from([0x22, 0xff, 0x22])), { code: 'json-syntax' }, 'not UTF-8');
  t.throws(() => parse('['.repeat(100_000)), { code: 'json-syntax' }, 'nesting without end');
  t.throws(() => parse('['.repeat(1000) + ']'.repeat(1000)), { code: 'json-syntax', message: /nested/ });
});

t.test('integers of documents may be texts; floats, and what a double cannot hold, are none', async (t) => {
  const doc = parse('{"a": 7, "b": "12", "c": 7.0, "d": "7x", "e": 12345678901234567890, "f": null}');
  t.ok(isRecord(doc));
  const fields = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => integerField(doc as DocRecord, key));
  t.same(fields, [7, 12, undefined, undefined, undefined, undefined, undefined]);
});

const place = { detector: 'epix', ctype: 'pedestals', source: 'http://x' };
const array = { _id: 'abc', data_type: 'ndarray', data_dtype: 'float32', data_shape: '(2, 3)' };
const decode = (doc: DocRecord, bytes: number | Buffer) =>
  decodeConstant(doc, typeof bytes === 'number' ? Buffer.alloc(bytes) : bytes, '', place);

t.test('a constant has the size that its shape says', async (t) => {
  t.match(decode(array, 24), { kind: 'ndarray', dtype: '<f4', shape: [2, 3] });
  t.match(decode({ ...array, data_shape: '()' }, 4), { shape: [] });
  t.match(decode({ ...array, data_shape: '(0, 3)' }, 0), { shape: [0, 3] });
  for (const [dtype, size] of Object.entries(ELEMENT_BYTES)) {
    t.match(decode({ ...array, data_dtype: dtype }, 6 * size), { dtype });
  }
});

t.test('errors name detector, ctype and document, and what was wrong', async (t) => {
  const cases: [DocRecord, number | Buffer, RegExp][] = [
    [array, 12, /float32 of shape \(2, 3\) are 24 bytes, but 12 have come/],
    [array, 25, /but 25 have come/],
    [{ ...array, data_shape: '(2, 3' }, 24, /data_shape "\(2, 3" is no shape/],
    [{ ...array, data_shape: null }, 24, /data_shape/],
    [{ ...array, data_shape: '(999999999999999, 999999999999999)' }, 24, /bytes, but 24/],
    [{ ...array, data_dtype: '>f4' }, 24, /data_dtype ">f4" is none of float32/],
    [{ ...array, data_type: 'dict' }, 24, /data_type "dict" is none of ndarray, str, any/],
    [{ _id: 'abc' }, 24, /data_type/],
    [{ _id: 'abc', data_type: 'str' }, Buffer.from([0xff]), /not UTF-8/],
    [{ _id: 'abc', data_type: 'str', data_size: '9' }, 4, /9 characters has come with 4 bytes/],
  ];
  for (const [doc, bytes, message] of cases) {
    t.throws(() => decode(doc, bytes), { code: 'calib-document', message }, String(message));
    t.throws(() => decode(doc, bytes), { message: /^epix pedestals: document abc: / });
  }
});
