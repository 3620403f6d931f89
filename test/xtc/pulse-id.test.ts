import t from 'tap';
import { pulseIdOf } from '../../lib/xtc/pulse-id.ts';
import { Random } from '../random.ts';

t.test('a pulse id is 13/14 of a MHz times the time, exactly', (t) => {
  t.equal(pulseIdOf(1, 0), 928_571);
  t.equal(pulseIdOf(14, 0), 13_000_000);
  const random = new Random(7);
  for (let i = 0; i < 2000; i++) {
    const [sec, nsec] = [random.next(), random.below(1_000_000_000)];
    const exact = ((BigInt(sec) * 1_000_000_000n + BigInt(nsec)) * 13n) / 14_000n;
    if (BigInt(pulseIdOf(sec, nsec)) !== exact) t.fail(`${sec} s ${nsec} ns`);
  }
  t.ok(pulseIdOf(0xffffffff, 999_999_999) < Number.MAX_SAFE_INTEGER);
  t.end();
});
