/** Results that nobody of ours would send: refused, quickly, and without taking memory for what they only claim to hold (spec mapreduce.md 16). */

import t from 'tap';
import { decodeValue, encodeValue, NdArray } from '../../../lib/mapreduce/payload/values.ts';
import { readResultMessage } from '../../../lib/mapreduce/reduce/result-message.ts';
import { Random } from '../../random.ts';

t.test('what claims to be large is refused', (t) => {
  const claims = {
    'a shape that is an object of that length': 'd82882a1666c656e6774681a0fffffff4100',
    'an array of 112 million': '9a06b40000',
    'a byte string of 1 GiB': '5a40000000',
    'a text of 1 GiB': '7a40000000',
    'a map of 1 G pairs': 'ba40000000',
    'lists in lists': '81'.repeat(100_000),
    // Its time would grow with the square of that.
    'a whole number of a megabyte': `c25a000fffff${'ff'.repeat(0xfffff)}`,
    'a tag of a number over a text': 'c26161',
  };
  for (const [name, hex] of Object.entries(claims)) t.throws(() => decodeValue(Buffer.from(hex, 'hex')), name);
  t.equal(decodeValue(encodeValue(2n ** 70n)), 2n ** 70n, 'large numbers are read');
  t.equal(decodeValue(encodeValue(-(2n ** 70n))), -(2n ** 70n));
  t.end();
});

t.test('mutants of a result: read, or refused by an error', (t) => {
  const random = new Random(7);
  const value = { sum: 3, a: new NdArray([2, 3], new Float32Array(6)), m: new Map([['a', [1, { q: 2n ** 70n }]]]) };
  const good = encodeValue(value);
  for (let i = 0; i < 5000; i++) {
    const mutant = Buffer.from(good.subarray(0, random.chance(0.2) ? random.below(good.length) : good.length));
    for (let n = random.below(4); n >= 0; n--)
      if (mutant.length > 0) mutant[random.below(mutant.length)] = random.below(256);
    try {
      decodeValue(mutant);
    } catch (error) {
      if (!(error instanceof Error)) t.fail(`mutant ${i}: ${error}`);
    }
  }
  t.match(decodeValue(good), { sum: 3 }, 'what one has left disturbs no other');
  t.end();
});

t.test('a header longer than any of ours is not read', (t) => {
  const rows = Array.from({ length: 100_000 }, (_, event) => [event, 'w1', 1, 0]);
  const header = Buffer.from(JSON.stringify({ worker: 'w1', encoding: 'cbor', map: 'm', results: rows }));
  t.throws(() => readResultMessage([header, Buffer.alloc(0)]), { message: /a header of/ });
  // No text may be as long: asking for it would end the process.
  t.throws(() => readResultMessage([Buffer.alloc(600 << 20), Buffer.alloc(0)]), { message: /a header of/ });
  t.end();
});
