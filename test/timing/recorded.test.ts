import t from 'tap';
import type { ByteSource } from '../../lib/stream/source.ts';
import { SC } from '../../lib/timing/machine.ts';
import type { Partition } from '../../lib/timing/partition.ts';
import { MaskTally } from '../../lib/timing/recorded/mask-tally.ts';
import { compareWithPattern } from '../../lib/timing/recorded/missing.ts';
import { countMaskStream } from '../../lib/timing/recorded/stream.ts';
import { recordedVerdict } from '../../lib/timing/recorded/verdict.ts';
import type { Verdict } from '../../lib/timing/verdict.ts';
import { Random } from './random-partition.ts';

/** A source that hands out pieces of the given sizes in turn. */
function pieces(bytes: Uint8Array, sizes: readonly number[]): ByteSource {
  let at = 0;
  let turn = 0;
  return {
    name: 'pieces',
    size: undefined,
    read(into) {
      const size = Math.min(sizes[turn++ % sizes.length] as number, into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + size));
      at += size;
      return turn % 2 === 0 ? size : Promise.resolve(size);
    },
    skip: () => 0,
    close: () => undefined,
  };
}

async function verdictOf(
  bytes: Uint8Array,
  format: 'u8' | 'u16' | 'u32' | 'hex',
  sizes: readonly number[],
): Promise<Verdict> {
  const tally = new MaskTally(0, 255);
  await countMaskStream(pieces(bytes, sizes), format, tally);
  return recordedVerdict(tally.tally, tally.pulses, { machine: SC, common: 0 });
}

const r = new Random(5);
const masks = Uint8Array.from(
  { length: 5003 },
  (_, p) => (p % 3 === 0 ? 1 : 0) | (p % 6 === 0 ? 2 : 0) | (r.below(50) === 0 ? 16 : 0),
);

t.test('all mask formats and all ways to cut the stream give one result (timing 13.6)', async (t) => {
  const whole = await verdictOf(masks, 'u8', [1 << 21]);
  t.equal(whole.pulses, masks.length);
  t.equal(whole.groups[1]?.steady.minIntv, 6);
  t.equal(whole.verdict, 'VIOLATION');
  t.same(Object.keys(whole.groups), ['0', '1', '4']);
  const expected = [...masks.keys()].filter((p) => (masks[p] as number) > 1 && !((masks[p] as number) & 1));
  t.equal(whole.violations.steady.pulses.certain, expected.length);
  t.same(
    whole.sites.map((site) => site.pulse),
    expected.slice(0, 10),
  );
  const wide = (width: number) =>
    Uint8Array.from({ length: width * masks.length }, (_, i) => (i % width === 0 ? (masks[i / width] as number) : 0));
  const hex = Buffer.from(`${[...masks].map((mask, i) => (i % 2 ? '0x' : '') + mask.toString(16)).join('\r\n')}`);
  for (const sizes of [[1], [7, 3], [4096]]) {
    t.same(await verdictOf(masks, 'u8', sizes), whole, `u8 ${sizes}`);
    t.same(await verdictOf(wide(2), 'u16', sizes), whole, `u16 ${sizes}`);
    t.same(await verdictOf(wide(4), 'u32', sizes), whole, `u32 ${sizes}`);
    t.same(await verdictOf(hex, 'hex', sizes), whole, `hex ${sizes}`);
  }
});

t.test('blocks are joined without a seam', async (t) => {
  // Longer than one block: spacings and first pulses must go across.
  const long = new Uint8Array((1 << 20) * 2 + 77);
  for (let p = 0; p < long.length; p += 999) long[p] = 3;
  long[1 << 20] = 2;
  const verdict = await verdictOf(long, 'u8', [1 << 20]);
  t.equal(verdict.groups[0]?.steady.maxIntv, 999);
  t.equal(verdict.groups[0]?.steady.minIntv, 999);
  t.equal(verdict.violations.steady.first, 1 << 20);
  t.equal(verdict.violations.steady.pulses.certain, 1);
});

t.test('what is no mask is refused', async (t) => {
  await t.rejects(verdictOf(Buffer.from('1\nz\n'), 'hex', [100]), { code: 'timing-input', message: /"z"/ });
  await t.rejects(verdictOf(Buffer.from('100\n'), 'hex', [100]), { message: /above 7/ });
  await t.rejects(verdictOf(Uint8Array.of(1, 1), 'u16', [100]), { message: /above 7/ });
  await t.rejects(verdictOf(Uint8Array.of(1, 0, 1), 'u16', [100]), { message: /ends inside/ });
});

t.test('an empty stream has no violation', async (t) => {
  const verdict = await verdictOf(new Uint8Array(0), 'u8', [100]);
  t.equal(verdict.verdict, 'OK');
  t.equal(verdict.pulses, 0);
});

t.test('recorded events against the pattern: what is missing and what was not predicted (timing 14.1)', async (t) => {
  const partition: Partition = {
    machine: SC,
    common: 0,
    autoCommon: false,
    groups: [
      { index: 0, select: { kind: 'fixed', label: '100Hz', interval: 9100 }, destinations: null, detectors: [] },
    ],
    programs: new Map(),
    engines: 8,
    codes: new Map(),
    beam: { kind: 'unknown' },
    inhibits: new Map(),
    maxPeriods: 10,
    transient: 'auto',
    warnings: [],
  };
  const start = 5_000_000n * 910_000n + 13n;
  const event = (tick: number) => ({
    timestamp: BigInt(tick),
    groups: 1,
    pulseId: start + BigInt(tick),
    slowMarker: tick === 910_000,
  });
  const ticks = [-9100, 0, 9100, 27_300, 910_000, 919_101];
  const comparison = compareWithPattern(partition, ticks.map(event));
  t.match(comparison, { comparable: true, predicted: 103, missing: 98, unexpected: 1 });
  if (comparison.comparable) t.equal(comparison.firstMissing[0]?.pulseId, start + 18_200n);
  t.match(compareWithPattern(partition, [event(0)]), { comparable: false, why: /slow marker/ });
});
