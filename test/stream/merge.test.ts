import t from 'tap';
import { EventAssembler } from '../../lib/stream/event-built.ts';
import { type DgramStream, MergeReader } from '../../lib/stream/merge.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { Random } from '../fuzz/random.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, names, PARENT, shapesData, walkAll, xtc } from '../xtc/raw.ts';

/** A stream in memory that runs dry now and then, as a reader does at the end of its block. */
class MemoryStream implements DgramStream {
  readonly dgram = new Dgram();
  private at = -1;
  private readonly dgrams: readonly Buffer[];
  private readonly random: Random;
  private available = 0;

  constructor(dgrams: readonly Buffer[], random: Random) {
    this.dgrams = dgrams;
    this.random = random;
  }

  next(): boolean {
    if (this.at + 1 >= this.available) return false;
    const bytes = this.dgrams[++this.at]!;
    const fresh = new Dgram(bytes);
    this.dgram.attach(fresh.bytes, fresh.view);
    this.dgram.size = bytes.length;
    return true;
  }

  async fill(): Promise<boolean> {
    if (this.available === this.dgrams.length) return false;
    this.available = Math.min(this.dgrams.length, this.available + this.random.below(4));
    return true;
  }
}

async function merged(streams: readonly DgramStream[]): Promise<[time: number, stream: number][]> {
  const reader = new MergeReader(streams);
  const seen: [number, number][] = [];
  do {
    while (reader.next()) seen.push([reader.dgram.sec * 1e9 + reader.dgram.nsec, reader.stream]);
  } while (await reader.fill());
  return seen;
}

t.test('random streams are merged in time order; ties come in the order of streams (section 14)', async (t) => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed);
    const times = Array.from({ length: random.below(5) }, () => {
      let time = 0;
      return Array.from({ length: random.below(20) }, () => (time += random.below(3) * 500_000_000));
    });
    const streams = times.map(
      (list) =>
        new MemoryStream(
          list.map((time) => dgram({ sec: Math.floor(time / 1e9), nsec: time % 1e9 })),
          random,
        ),
    );
    const expected = times
      .flatMap((list, stream) => list.map((time): [number, number] => [time, stream]))
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const found = await merged(streams);
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.same(found, expected, `seed ${seed}`);
  }
  t.same(await merged([]), []);
});

t.test('within a stream the order stays, even where time goes backwards (section 22)', async (t) => {
  const random = new Random(1);
  const back = new MemoryStream(
    [5, 3, 4].map((nsec) => dgram({ nsec, sec: 0 })),
    random,
  );
  const other = new MemoryStream(
    [4].map((nsec) => dgram({ nsec, sec: 0 })),
    random,
  );
  t.same(await merged([back, other]), [
    [4, 1],
    [5, 0],
    [3, 0],
    [4, 0],
  ]);
});

const assemble = (...parts: Buffer[]) => {
  const events = new EventAssembler();
  for (const part of parts) events.add(new Dgram(part));
  return events.take()!;
};

t.test(
  'an event-built dgram has one Parent per contributor and the OR of their damage without user values (section 12)',
  async (t) => {
    const event = assemble(
      dgram({ env: 0x0c010001, src: 3, damage: 0x5020 }, xtc(PARENT)),
      dgram({ env: 0x0c010104, src: 4, damage: 0x0001 }),
    );
    const expected = dgram(
      { env: 0x0c010105, src: 0x10000000, damage: 0x0021 },
      xtc(PARENT, xtc(PARENT), { src: 3, damage: 0x5020 }),
      xtc(PARENT, undefined, { src: 4, damage: 0x0001 }),
    );
    t.ok(event.equals(expected));
  },
);

t.test('contributions fit if time and transition are equal', async (t) => {
  const events = new EventAssembler();
  t.ok(events.fits(new Dgram(dgram())), 'the first always does');
  t.equal(events.take(), undefined);
  events.add(new Dgram(dgram({ sec: 5, nsec: 6, service: L1ACCEPT })));
  t.ok(events.fits(new Dgram(dgram({ sec: 5, nsec: 6, service: L1ACCEPT }))));
  t.notOk(events.fits(new Dgram(dgram({ sec: 5, nsec: 7 }))));
  t.notOk(events.fits(new Dgram(dgram({ sec: 4, nsec: 6 }))));
  t.notOk(events.fits(new Dgram(dgram({ sec: 5, nsec: 6, service: 11 }))));
});

t.test('what was put together can be read back: descriptions and values of all contributors', async (t) => {
  const stream = (id: number, det: string, value: number) => [
    dgram({ service: CONFIGURE }, names([{ name: 'x', type: 0 }], { id, det })),
    dgram({ nsec: 1 }, shapesData([data(Buffer.from([value]))], id)),
  ];
  const [a, b] = [stream(0x100, 'a', 1), stream(0x200, 'b', 2)];
  const walked = walkAll([assemble(a[0]!, b[0]!), assemble(a[1]!, b[1]!)]);
  t.same(walked.findings, []);
  t.same(walked.blocks, [{ x: '1' }, { x: '2' }]);
});
