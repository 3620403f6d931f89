import t from 'tap';
import { posixSegmentBytes } from '../../lib/drp/links/posix.ts';
import { sysvSegmentBytes } from '../../lib/drp/links/sysv.ts';

t.test('posix: the larger limit, in whole pages (2.3)', (t) => {
  t.equal(posixSegmentBytes({ pebble: 1 << 20, maxTransition: 8 << 20 }), 8388608);
  t.equal(posixSegmentBytes({ pebble: 4097, maxTransition: 1 }), 8192);
  t.end();
});

t.test('sysv: a header page and the slots, whose tables are in front of the largest dgram', (t) => {
  const one = sysvSegmentBytes({ slots: 1, pebble: 100_000, maxTransition: 1, triggerBytes: 0 }) - 4096;
  t.ok(one % 4096 === 0 && one >= 2048 + 100_000, `${one} bytes`);
  t.equal(sysvSegmentBytes({ slots: 4, pebble: 1, maxTransition: 100_000, triggerBytes: 0 }), 4096 + 4 * one);
  t.end();
});
