import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { PosixSharedMemory } from 'posix-ipc-shim';
import t, { type Test } from 'tap';
import type { StreamData } from '../../../lib/mapreduce/frames/types.ts';
import type { EventInput, EventOutcome, WorkerPayload } from '../../../lib/mapreduce/payload/types.ts';
import { ALIGNMENT } from '../../../lib/mapreduce/shared/layout.ts';
import { lendFrames } from '../../../lib/mapreduce/shared/lent.ts';
import { FrameReader } from '../../../lib/mapreduce/shared/reader.ts';
import { FrameRing, type PlacedData } from '../../../lib/mapreduce/shared/ring.ts';
import { Random } from '../../random.ts';

const uuid = randomUUID();
let names = 0;

function open(t: Test, units: number) {
  const name = `test${process.pid}.${++names}`;
  const options = {
    name,
    serviceUuid: uuid,
    bytes: units * ALIGNMENT,
    least: 1000,
    say: () => {},
  };
  const ring = FrameRing.open(options);
  t.teardown(() => ring.close());
  const reader = FrameReader.open(ring.name, uuid)!;
  t.teardown(() => reader.close());
  return { ring, reader };
}

const frame = (fill: number, bytes = 2000): StreamData => ({
  typ: 'T',
  frames: [Buffer.from('head'), Buffer.alloc(bytes, fill)],
});

/** As a worker gets it. */
function received(reader: FrameReader, { typ, frames, places }: PlacedData): StreamData {
  return { typ, frames: frames.map((one, part) => (part === 1 ? Buffer.alloc(0) : one)), shared: { reader, places } };
}

function payloadOf(process: (event: EventInput) => Promise<EventOutcome>): WorkerPayload {
  return { process } as unknown as WorkerPayload;
}

t.test('frames are read where they lie; when they are let go the reader notices', async (t) => {
  const { ring, reader } = open(t, 2);
  t.equal(ring.place({ typ: 'T', frames: [Buffer.alloc(999)] }), undefined, 'small');
  t.equal(ring.place(frame(1, 3 * ALIGNMENT)), undefined, 'it will never fit');
  const [a, b] = [ring.place(frame(1)) as PlacedData, ring.place(frame(2)) as PlacedData];
  t.equal(ring.place(frame(3)), 'full');
  t.equal(ring.used, 2 * ALIGNMENT);
  const place = a.places[0]!;
  t.ok(reader.fits(place) && reader.holds(place));
  const mapping = reader.map(place);
  t.ok(mapping.bytes.equals(Buffer.alloc(2000, 1)));
  t.ok(a.frames[1]!.equals(Buffer.alloc(2000, 1)), 'the ingester sees it too, for workers elsewhere');
  ring.release(a);
  t.notOk(reader.holds(place));
  const c = ring.place(frame(3)) as PlacedData;
  t.equal(c.places[0]!.offset, place.offset, 'the memory is used again');
  t.notOk(reader.holds(place), 'by another frame');
  t.ok(reader.holds(c.places[0]!) && reader.holds(b.places[0]!));
  t.equal(FrameReader.open(ring.name, randomUUID()), undefined, 'of another process');
  t.equal(FrameReader.open('/daqpipe-frames-none', uuid), undefined);
  for (const wrong of [
    { offset: 0 },
    { offset: place.offset + 1 },
    { bytes: 1 << 30 },
    { slot: 1 << 20 },
    { bytes: 0 },
  ])
    t.notOk(reader.fits({ ...place, ...wrong }), JSON.stringify(wrong));
});

t.test(
  'a payload gets its frames; what it keeps is empty, what it writes is its own, what is torn fails',
  async (t) => {
    const { ring, reader } = open(t, 4);
    const data = ring.place(frame(5)) as PlacedData;
    const counts = { lent: 0, torn: 0 };
    let kept: Buffer | undefined;
    const event = { event_number: 1, tick: false, streams: new Map([['det', received(reader, data)]]) };
    const payload = payloadOf(async ({ streams }) => {
      const [head, large] = streams.get('det')!.frames as [Buffer, Buffer];
      kept = large;
      const body = Buffer.from(`${head} ${large[1999]}`);
      large.fill(9);
      return { body, seconds: 1 };
    });
    const process = lendFrames(payload, counts);
    t.equal(String((await process(event)).body), 'head 5');
    t.equal(kept!.length, 0);
    t.equal(String((await process(event)).body), 'head 5', 'given again it is what was sent');
    const torn = lendFrames(
      payloadOf(async () => {
        ring.release(data);
        return { body: Buffer.from('wrong'), seconds: 1 };
      }),
      counts,
    );
    const { body, failure } = await torn(event);
    t.equal(body, undefined);
    t.match(failure?.text, /frames of det were let go while they were read/);
    t.same(counts, { lent: 3, torn: 1 });
    const small = { event_number: 2, tick: false, streams: new Map([['det', frame(1)]]) };
    t.equal(String((await process(small)).body), 'head 1', 'others pass as they are');
  },
);

t.test('two ingesters of one name, in different systems, do not meet; nothing is left behind', (t) => {
  const name = `test${process.pid}.twice`;
  const options = { name, serviceUuid: uuid, bytes: ALIGNMENT, least: 1000, say: () => {} };
  const first = FrameRing.open(options);
  const second = FrameRing.open({ ...options, serviceUuid: randomUUID() });
  t.equal(FrameReader.open(second.name, uuid), undefined);
  second.close();
  first.close();
  t.notOk(readdirSync('/dev/shm').some((file) => file.includes(name)));
  t.end();
});

t.test('readers see every frame whole or notice, whatever is let go when', (t) => {
  const { ring, reader } = open(t, 6);
  const random = new Random(7);
  const live: { data: PlacedData; fill: number }[] = [];
  const gone: PlacedData[] = [];
  for (let step = 0; step < 20_000; step++) {
    if (random.chance(0.55)) {
      const fill = step % 256;
      const data = ring.place(frame(fill, 1000 + random.below(2 * ALIGNMENT)));
      if (data !== 'full') live.push({ data: data!, fill });
    } else if (live.length > 0) {
      const [{ data }] = live.splice(random.below(live.length), 1) as [(typeof live)[0]];
      ring.release(data);
      gone.push(data);
      if (gone.length > 20) gone.shift();
    }
    const one = live[random.below(live.length)];
    const [place] = one?.data.places ?? [];
    if (one && place) {
      if (!reader.holds(place)) return t.fail(`step ${step}: it was not let go`);
      const { frames } = one.data;
      if (frames[1]![0] !== one.fill || frames[1]!.at(-1) !== one.fill) return t.fail(`step ${step}: overwritten`);
    }
    if (gone.some(({ places }) => reader.holds(places[0]!))) return t.fail(`step ${step}: nobody would notice`);
  }
  for (const { data } of live) ring.release(data);
  t.equal(ring.used, 0);
  t.end();
});

t.test('a memory without a name can be read by who has it open', async (t) => {
  const { ring, reader } = open(t, 2);
  const data = ring.place(frame(5)) as PlacedData;
  const event = { event_number: 1, tick: false, streams: new Map([['det', received(reader, data)]]) };
  PosixSharedMemory.unlink(ring.name);
  const payload = payloadOf(async ({ streams }) => ({
    body: Buffer.of(streams.get('det')!.frames[1]![0]!),
    seconds: 0,
  }));
  const outcome = await lendFrames(payload, { lent: 0, torn: 0 })(event);
  t.same(outcome.body, Buffer.of(5));
});
