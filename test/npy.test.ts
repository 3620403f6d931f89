/** Files of numpy.save: headers, shapes and words for elements. */

import t from 'tap';
import { dtypeOf, npyHeader, parseShape, readNpyHeader, shapeText } from '../lib/npy.ts';

t.test('shapes are read, never evaluated', async (t) => {
  t.same(parseShape('(3, 6)'), [3, 6]);
  t.same(parseShape('(5,)'), [5]);
  t.same(parseShape('()'), []);
  t.same(parseShape(' ( 1 ,2,  3 ) '), [1, 2, 3]);
  t.same(parseShape('(0, 4)'), [0, 4]);
  for (const text of [
    '3, 6',
    '(3, 6',
    '3, 6)',
    '((3, 6))',
    '(3,,6)',
    '(,)',
    '(-1,)',
    '(3.0,)',
    '(1e3,)',
    '[3, 6]',
    '(3 6)',
    '(0x3,)',
    '',
    '__import__("os").system("true")',
    '(2*3,)',
    '(3, 6)\n',
    '(1234567890123456,)',
    `(${'1, '.repeat(33)})`,
    '(٣,)',
  ]) {
    t.equal(parseShape(text), undefined, text);
  }
  for (const shape of [[], [5], [3, 6], [0, 1, 2]]) t.same(parseShape(shapeText(shape)), shape);
});

t.test('dtypes are numpy names and little-endian words, and nothing else', async (t) => {
  t.equal(dtypeOf('float32'), '<f4');
  t.equal(dtypeOf('uint8'), '|u1');
  t.equal(dtypeOf('<i8'), '<i8');
  for (const text of ['>f4', 'float16', 'object', 'complex64', '<U8', 'toString', '__proto__', ''])
    t.equal(dtypeOf(text), undefined, text);
});

t.test('headers of numpy files: ours, and those we refuse', async (t) => {
  for (const shape of [[], [7], [2, 3], [1, 2, 3, 4]]) {
    const header = npyHeader('<u2', shape);
    t.equal(header.length % 64, 0, 'contents are aligned');
    t.match(readNpyHeader(header, 'x'), { dtype: '<u2', shape, start: header.length });
  }
  const text = (dict: string) => {
    const body = Buffer.from(dict);
    return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([body.length, 0]), body]);
  };
  const refuse = (bytes: Buffer, message: RegExp) =>
    t.throws(() => readNpyHeader(bytes, 'f.npy'), { code: 'npy-file', message, place: { file: 'f.npy' } });
  refuse(Buffer.from('hello hello hello'), /no file of numpy.save/);
  refuse(text("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }"), />f4/);
  refuse(text("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"), /\|O/);
  refuse(text("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"), /structure/);
  refuse(text("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"), /ascontiguousarray/);
  refuse(text("{'descr': '<f4', 'fortran_order': False, }"), /no shape/);
  refuse(npyHeader('<f4', [2]).subarray(0, 40), /cut short/);
  t.match(readNpyHeader(text("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }"), 'x'), { shape: [2] });
});
