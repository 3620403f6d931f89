import t from 'tap';
import { type EventFormat, Pebble, type Slab } from '../../../lib/trigger/receiver/pebble.ts';
import { Random } from '../../random.ts';
import { CONFIGURE, dgram, L1ACCEPT, u32, xtc } from '../../xtc/raw.ts';

const LIMIT = 64 * 1024 * 1024;

function event(format: EventFormat, pid: number, payload: Buffer, service = L1ACCEPT): Buffer {
  const whole = dgram({ service }, xtc(1, payload));
  return format === 'ebd' ? Buffer.concat([u32(pid, 0x4000_0000), whole]) : whole;
}

function pattern(size: number, seed: number): Buffer {
  return Buffer.alloc(size, Buffer.from([seed, seed >> 8, 17]));
}

for (const format of ['ebd', 'xtc2'] as const) {
  t.test(`${format}: events stay whole where they are, however they come and however long they are held`, (t) => {
    const random = new Random(11);
    for (let round = 0; round < 8; round++) {
      const largest = [100, 5000, 300_000, 3_000_000][round % 4]!;
      const count = [400, 200, 40, 8][round % 4]!;
      const events = Array.from({ length: count }, (_, i) =>
        event(format, i, pattern(random.below(largest), i), i === 0 ? CONFIGURE : L1ACCEPT),
      );
      const input = Buffer.concat(events);
      const pebble = new Pebble(LIMIT, round % 2 === 0 ? undefined : format);
      const held: { slab: Slab; start: number; size: number; index: number }[] = [];
      let index = 0;
      const give = (one: (typeof held)[number]) => {
        const prefix = format === 'ebd' ? 8 : 0;
        const bytes = one.slab.bytes.subarray(one.start, one.start + one.size);
        if (!bytes.equals(events[one.index]!.subarray(prefix))) t.fail(`event ${one.index} changed`);
        pebble.release(one.slab);
      };
      for (let at = 0; at < input.length; ) {
        const space = pebble.space();
        if (space.length === 0) throw new Error('no room');
        const part = Math.min(space.length, 1 + random.below(200_000), input.length - at);
        input.copy(space, 0, at, at + part);
        pebble.filled(part);
        at += part;
        while (pebble.next()) {
          if (format === 'ebd' && pebble.pid !== index) t.fail(`pid ${pebble.pid}`);
          held.push({ slab: pebble.hold(), start: pebble.start, size: pebble.size, index: index++ });
          while (held.length > random.below(50)) give(held.shift()!);
        }
      }
      for (const one of held) give(one);
      t.equal(index, events.length);
      t.equal(pebble.pending, 0);
      t.equal(pebble.format, format);
    }
    t.end();
  });
}

t.test('lost framing is told with its place, and costs no memory', (t) => {
  for (const damaged of [u32(0, 0, CONFIGURE << 24, 0, 0, 11), u32(0, 0, CONFIGURE << 24, 0, 0, 0x7fff_0000)]) {
    const pebble = new Pebble(LIMIT, 'xtc2');
    const good = event('xtc2', 0, pattern(10, 1));
    const input = Buffer.concat([good, damaged]);
    input.copy(pebble.space());
    pebble.filled(input.length);
    t.ok(pebble.next());
    t.throws(() => pebble.next(), { code: 'bad_frame', place: { offset: good.length } });
  }
  t.end();
});
