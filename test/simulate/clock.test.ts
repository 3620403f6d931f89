import t from 'tap';
import {
  Clock,
  contains,
  intervalOf,
  MARKERS,
  markerLabel,
  nextAfter,
  PERIOD,
  TICK_HZ,
} from '../../lib/simulate/clock.ts';
import { Random } from '../../lib/simulate/random.ts';

t.test('markers divide the machine period and have the rates of their names (timing.md 1.2)', (t) => {
  for (const [interval, ...labels] of MARKERS) {
    t.equal(PERIOD % interval, 0, `${labels[0]}`);
    for (const label of labels) t.equal(intervalOf(label), interval, label);
    t.equal(markerLabel(interval), labels[0]);
    const hz = Number.parseFloat(labels[0]!) * (labels[0]!.endsWith('kHz') ? 1e3 : 1);
    t.ok(Math.abs(TICK_HZ / interval / hz - 1) < 0.003, `${labels[0]} is ${TICK_HZ / interval} Hz`);
  }
  t.end();
});

t.test('other frequencies are the nearest whole interval', (t) => {
  t.equal(intervalOf('120Hz'), 7738);
  t.equal(intervalOf('120 Hz'), 7738);
  t.equal(intervalOf('0.5Hz'), 1857143);
  t.equal(intervalOf('0.1 MHz'), 9);
  t.equal(intervalOf('2MHz'), undefined, 'faster than the pulses');
  for (const wrong of ['', 'fast', '120', '-1Hz', '0Hz', 'Hz', '1e400Hz']) t.equal(intervalOf(wrong), undefined, wrong);
  t.end();
});

t.test('910,000 pulses are 0.98 s, and every time is the exact quotient rounded down (timing.md 1.1)', (t) => {
  const random = new Random(1, 'clock');
  const clock = new Clock(1000, { sec: 5, nsec: 999_999_999 });
  clock.at(1000 + PERIOD);
  t.equal(clock.sec * 1e9 + clock.nsec, 5_999_999_999 + 980_000_000);
  for (let i = 0; i < 20_000; i++) {
    const elapsed = random.below(1 << (1 + (i % 30))) * (i % 3 === 0 ? 4096 : 1);
    clock.at(1000 + elapsed);
    const exact = 5_999_999_999n + (BigInt(elapsed) * 14_000n) / 13n;
    if (BigInt(clock.sec) * 1_000_000_000n + BigInt(clock.nsec) !== exact || clock.nsec >= 1e9)
      t.fail(`pulse ${elapsed}`);
  }
  t.end();
});

t.test('nextAfter and contains agree with counting', (t) => {
  const random = new Random(2, 'clock');
  for (let i = 0; i < 500; i++) {
    const interval = 1 + random.below(20);
    const rate = { interval, offset: random.below(interval) };
    const pulse = random.below(100);
    let expected = pulse + 1;
    while (expected % interval !== rate.offset) expected++;
    t.equal(nextAfter(rate, pulse), expected) || t.comment(rate, pulse);
    const other = 1 + random.below(12);
    const outer = { interval: other, offset: random.below(other) };
    let inside = true;
    for (let p = 0; p < 400; p++) if (p % interval === rate.offset && p % other !== outer.offset) inside = false;
    t.equal(contains(outer, rate), inside);
  }
  t.end();
});
