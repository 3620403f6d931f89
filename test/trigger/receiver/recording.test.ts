/** From the pebble to a sink that is slow: random sizes, decisions, tails and pauses; what leaves is exactly what was wanted. */

import t from 'tap';
import { Pebble, type Slab } from '../../../lib/trigger/receiver/pebble.ts';
import { Recording } from '../../../lib/trigger/receiver/recording.ts';
import { Random } from '../../random.ts';
import { dgram, L1ACCEPT, u32, xtc } from '../../xtc/raw.ts';

/** Keeps views until it is drained, as sinks do, and copies them only then. */
class SlowSink {
  readonly name = 'test';
  readonly reached: Buffer[] = [];
  private views: Buffer[] = [];
  full = false;

  bytes(view: Buffer): void {
    this.views.push(view);
  }

  async drain(): Promise<void> {
    const { views } = this;
    this.views = [];
    await new Promise((resolve) => setImmediate(resolve));
    for (const view of views) this.reached.push(Buffer.from(view));
  }

  async close(): Promise<void> {}
  abandon(): void {}
}

for (const messages of [false, true]) {
  t.test(
    `views are not written again before they have left${messages ? '; messages are whole dgrams' : ''}`,
    async (t) => {
      for (let seed = 1; seed <= 24; seed++) {
        const random = new Random(seed);
        const ebd = seed % 2 === 0;
        const largest = [200, 9000, 300_000][seed % 3]!;
        const tail = u32(...Array.from({ length: 10 }, (_, i) => i));
        const events = Array.from({ length: [6000, 2500, 300][seed % 3]! }, (_, i) => {
          const payload = Buffer.alloc(random.below(random.chance(0.3) ? 100 : largest), i);
          return dgram({ service: L1ACCEPT, sec: i }, xtc(1, payload));
        });
        const input = Buffer.concat(events.map((event, i) => (ebd ? Buffer.concat([u32(i, 0), event]) : event)));
        const pebble = new Pebble(1 << 26, ebd ? 'ebd' : 'xtc2');
        const sink = new SlowSink();
        const recording = new Recording(sink, pebble, messages);
        const waiting: { slab: Slab; start: number; size: number; index: number }[] = [];
        const expected: Buffer[] = [];
        let index = 0;
        const decide = () => {
          const { slab, start, size, index: i } = waiting.shift()!;
          if (random.chance(0.3)) return pebble.release(slab);
          const withTail = random.chance(0.3);
          expected.push(withTail ? Buffer.concat([events[i]!, tail]) : events[i]!);
          recording.event(slab, start, size, withTail ? tail : undefined);
        };
        const take = () => {
          while (pebble.next())
            waiting.push({ slab: pebble.hold(), start: pebble.start, size: pebble.size, index: index++ });
        };
        for (let at = 0; at < input.length; ) {
          const space = pebble.space();
          const part = Math.min(space.length, 1 + random.below(150_000), input.length - at);
          input.copy(space, 0, at, at + part);
          pebble.filled(part);
          at += part;
          while (pebble.next())
            waiting.push({ slab: pebble.hold(), start: pebble.start, size: pebble.size, index: index++ });
          while (waiting.length > random.below(largest > 9000 ? 4 : 60)) decide();
          if (random.chance(0.5)) {
            // More comes while a write is under way.
            const drained = recording.drain();
            const more = Math.min(pebble.space().length, 1 + random.below(50_000), input.length - at);
            input.copy(pebble.space(), 0, at, at + more);
            pebble.filled(more);
            at += more;
            await drained;
          }
        }
        take();
        while (waiting.length > 0) decide();
        await recording.drain();
        const whole = Buffer.concat(expected);
        if (!Buffer.concat(sink.reached).equals(whole)) t.fail(`seed ${seed}: other bytes`);
        if (recording.position !== whole.length) t.fail(`seed ${seed}: position ${recording.position}`);
        if (messages && !sink.reached.every((one, i) => one.equals(expected[i]!))) t.fail(`seed ${seed}: cut dgrams`);
      }
      t.end();
    },
  );
}
