import t from 'tap';
import { damageByName, damageNames } from '../../lib/xtc/damage.ts';
import {
  envService,
  envType,
  groupNumbers,
  makeEnv,
  serviceByName,
  serviceName,
  withService,
} from '../../lib/xtc/service.ts';
import { decodeText, findNul } from '../../lib/xtc/text.ts';
import { compareTimes, formatUtc, fromTimestamp, timestampOf } from '../../lib/xtc/time.ts';

t.test('damage: flags in bit order, then the user value; the list is lossless (section 6)', async (t) => {
  t.same(damageNames(0x5020), ['MissingData', 'User5']);
  t.same(damageNames(0), []);
  t.equal(damageNames(0xffff).length, 13);
  for (let damage = 0; damage <= 0xffff; damage += 7) {
    const back = damageNames(damage).reduce((bits, name) => bits | damageByName(name)!, 0);
    if (back !== damage) t.fail(`0x${damage.toString(16)} became 0x${back.toString(16)}`);
  }
  t.equal(damageByName('missingdata'), 0x20);
  for (const name of ['User0', 'User16', 'User', 'UserDefined', '', 'constructor'])
    t.equal(damageByName(name), undefined, name);
});

t.test('env: the examples of section 5.1', async (t) => {
  t.equal(makeEnv(12, 0x0b0009), 0x0c0b0009);
  t.equal(serviceName(envService(0x0c4b0003)), 'L1Accept');
  t.equal(serviceName(envService(0x02020001)), 'Configure');
  t.same(groupNumbers(0x0c0b0009), [0, 3]);
  t.equal(envType(0xffffffff), 3);
  t.equal(withService(0xfcffffff, 2), 0xf2ffffff);
  t.equal(serviceName(15), 'Invalid_15');
  t.equal(serviceByName('unused_11'), 11);
  t.equal(serviceByName('constructor'), undefined);
});

t.test('time: the check values of section 4', async (t) => {
  t.match(formatUtc(0x385c2eb7, 0, 'epics'), /^2019-12-19 /);
  t.match(formatUtc(0x42485618, 0, 'epics'), /^2025-03-28 /);
  t.match(formatUtc(0x5df41c6f, 0, 'unix'), /^2019-12-13 /);
  t.equal(formatUtc(0xffffffff, 0xffffffff, 'epics'), '2126-02-07 06:28:15.4294967295', 'the largest words');
  const time = { sec: 0xffffffff, nsec: 999_999_999 };
  t.equal(timestampOf(time), (0xffffffffn << 32n) | 999_999_999n);
  t.same(fromTimestamp(timestampOf(time)), time);
  t.ok(compareTimes({ sec: 1, nsec: 9 }, { sec: 2, nsec: 0 }) < 0);
  t.equal(compareTimes({ sec: 1, nsec: 9 }, { sec: 1, nsec: 9 }), 0);
});

t.test('text: up to the first NUL within the slot, and never beyond it', async (t) => {
  const bytes = Buffer.from(`${'x'.repeat(100)}\0yz\0`);
  t.equal(findNul(bytes, 0, bytes.length), 100);
  t.equal(findNul(bytes, 0, 100), 100, 'none within');
  t.equal(findNul(bytes, 0, 20), 20);
  t.equal(findNul(bytes, 100, 100), 100, 'an empty slot');
  t.equal(findNul(bytes, 101, 104), 103);
  t.equal(decodeText(Buffer.from([0xff, 0x41]), 0, 2), 'ÿA');
  t.equal(decodeText(Buffer.from('aµ'), 0, 3), 'aµ');
});
