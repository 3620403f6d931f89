import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeMultiple } from 'cbor-x';
import t from 'tap';
import type { RecordedEvent } from '../../../lib/mapreduce/record/event-item.ts';
import { readParameters, writeParameters } from '../../../lib/mapreduce/record/parameters.ts';
import { recordingPath } from '../../../lib/mapreduce/record/places.ts';
import { openCapture, openRecording } from '../../../lib/mapreduce/record/reader.ts';
import { ItemWriter } from '../../../lib/mapreduce/record/writer.ts';
import { needsShared, SHARED } from '../../golden.ts';

/** Recordings (spec mapreduce.md 10) against files with known content. */
const FOLDER = join(SHARED, 'data/mapreduce/dump');
const shared = needsShared('data', 'mapreduce', 'dump');

const file = (start: string, ending: string) =>
  join(FOLDER, readdirSync(FOLDER).find((name) => name.startsWith(start) && name.endsWith(ending))!);

async function readAll(name: string) {
  const reader = await openRecording(name);
  const events: RecordedEvent[] = [];
  for await (const event of reader) events.push(event);
  return { events, damage: reader.damage };
}

type Expected = { event_number: number; streams: Record<string, { created_at: string | null }> };

function expected(): Expected[] {
  const text = readFileSync(join(FOLDER, 'expected.jsonl'), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Expected);
}

function digest({ event_number, streams, created_at }: RecordedEvent) {
  const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
  const entries = [...streams].map(([name, { typ, frames }]) => [
    name,
    { typ, frames: frames.map((bytes) => ({ bytes: bytes.length, md5: md5(bytes) })), created_at: created_at ?? null },
  ]);
  return { event_number, streams: Object.fromEntries(entries) as object };
}

t.test('recordings give every frame as it was, with and without times, packed or not', shared, async (t) => {
  for (const mot of [file('run7-mot', '.cbors'), file('run7-mot', '.gz')]) {
    const merged = new Map<number, object>();
    for (const name of [file('run7-det', '.cbors'), mot]) {
      const { events, damage } = await readAll(name);
      t.equal(damage, undefined);
      for (const { event_number, streams } of events.map(digest))
        merged.set(event_number, { ...merged.get(event_number), ...streams });
    }
    t.same(
      [...merged].sort(([a], [b]) => a - b).map(([event_number, streams]) => ({ event_number, streams })),
      expected(),
    );
  }
});

t.test('a cut last item is named, and the rest is kept', shared, async (t) => {
  const { events, damage } = await readAll(file('cut', '.cbors'));
  t.equal(events.length, 5);
  t.match(damage, { kind: 'cut', message: /cut off/ });
});

t.test('what is written is read back, byte for byte the same as what was read', shared, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'record-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [i, name] of [file('run7-det', '.cbors'), file('run7-mot', '.cbors')].entries()) {
    const { events } = await readAll(name);
    const copy = join(folder, `${i}.cbors`);
    const writer = await ItemWriter.open(copy);
    for (const event of events) writer.event(event);
    await writer.close();
    t.ok(readFileSync(copy).equals(readFileSync(name)), 'the same bytes');
  }
});

t.test('captures hold messages as they came', needsShared('data', 'mapreduce', 'stins'), async (t) => {
  const name = join(SHARED, 'data/mapreduce/stins/series.cbors');
  const reader = await openCapture(name);
  const messages: Buffer[][] = [];
  for await (const message of reader) messages.push(message);
  t.same(messages, decodeMultiple(readFileSync(name)));
  const folder = mkdtempSync(join(tmpdir(), 'capture-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const writer = await ItemWriter.open(join(folder, 'copy.cbors'));
  for (const message of messages) writer.message(message);
  await writer.close();
  t.ok(readFileSync(join(folder, 'copy.cbors')).equals(readFileSync(name)));
});

t.test('every file is read the same in whatever pieces it comes, and cut at every byte', shared, async (t) => {
  const bytes = readFileSync(file('run7-mot', '.cbors'));
  const folder = mkdtempSync(join(tmpdir(), 'cut-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { events } = await readAll(file('run7-mot', '.cbors'));
  const cut = join(folder, 'cut.cbors');
  for (let size = 0; size < bytes.length; size += 1 + (size % 3)) {
    writeFileSync(cut, bytes.subarray(0, size));
    const { events: some, damage } = await readAll(cut);
    if (JSON.stringify(some) !== JSON.stringify(events.slice(0, some.length))) t.fail(`other events in ${size} bytes`);
    if ((damage?.kind === 'cut') !== !isBoundary(bytes, size)) t.fail(`cut after ${size} bytes: ${damage?.kind}`);
  }
});

/** Whether an item ends there: the next one begins with the marker, and the file ends at its end. */
function isBoundary(bytes: Buffer, size: number): boolean {
  return size === 0 || size === bytes.length || bytes.subarray(size, size + 6).toString('hex') === 'd9d9f7d9a77d';
}

t.test('indefinite lengths and missing markers are read, and what is no event is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'odd-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const read = async (hex: string) => {
    writeFileSync(join(folder, 'odd.cbors'), Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    return readAll(join(folder, 'odd.cbors'));
  };
  // 42877([_ 5, {_ (_ "d","et"): 42878([_ "T", [_ (_ h'01', h'0203'), h'']])}, 0("t"), 7])
  const { events, damage } = await read(
    'd9a77d 9f 05 bf 7f6164626574ff d9a77e 9f 6154 9f 5f41014202 03ff 40 ff ff ff c06174 07 ff',
  );
  t.equal(damage, undefined);
  t.same(events, [
    {
      event_number: 5,
      streams: new Map([['det', { typ: 'T', frames: [Buffer.from([1, 2, 3]), Buffer.alloc(0)] }]]),
      created_at: 't',
    },
  ]);
  for (const [hex, why] of [
    ['83 00 a0 00', /no recorded event/],
    ['d9a77d 80', /number and streams/],
    ['d9a77d 82 20 a0', /event number/],
    ['d9a77d 82 00 80', /map of streams/],
    ['d9a77d 82 00 a1 6161 00', /no data of a stream/],
    ['d9a77d 82 00 a2 6161 d9a77e8261548061 61 d9a77e82615480', /comes twice/],
    ['d9a77d 82 00 a1 6161 d9a77e 82 6154 81 01', /no byte string/],
    ['d9a77d 82 00 a1 6161 d9a77e 82 6154 9b00ffffffffffffff', /items/],
    ['d9a77d 82 00 a1 6161 d9a77e 82 6154 81 5b00ffffffffffffff', /a string of/],
    ['d9a77d 83 00 a0 9f9f9f'.padEnd(400, '9f'), /nested/],
  ] as const) {
    const { damage } = await read(hex);
    t.match(damage, { kind: 'bad', message: why }, hex);
  }
});

t.test('parameters: JSON, or CBOR if a value has a zero byte', shared, async (t) => {
  const json = readParameters(readFileSync(file('run7-parameters', '.json')), 'p.json');
  t.same(
    json.map(({ name, data }) => [name, data.toString()]),
    [
      ['dump_prefix', 'run7-'],
      ['threshold', '12.5'],
      ['flag', 'True'],
    ],
  );
  const bytes = readFileSync(file('run7-parameters', '.cbor'));
  const cbor = readParameters(bytes, 'p.cbor');
  t.same(cbor[1], { name: 'mask', data: Buffer.from([0, 1, 2, 255]) });
  t.equal(writeParameters(json).ending, 'json');
  t.same(readParameters(writeParameters(json).bytes, ''), json);
  const written = writeParameters(cbor);
  t.equal(written.ending, 'cbor');
  t.same(readParameters(written.bytes, ''), cbor);
  t.throws(() => readParameters(Buffer.from('[{"data":"1"}]'), 'p'), { code: 'bad-parameters' });
  t.same(
    readParameters(Buffer.from('{"threshold": 12.5, "flag": true, "file": "x"}'), 'p').map(({ data }) =>
      data.toString(),
    ),
    ['12.5', 'True', 'x'],
    'as people write it',
  );
  t.throws(() => readParameters(Buffer.from('{"threshold": [1]}'), 'p'), {
    message: /the value of threshold is neither text/,
  });
  t.throws(() => readParameters(Buffer.from('threshold: 5'), 'p'), { message: /neither JSON nor CBOR/ });
  t.throws(() => readParameters(Buffer.from([0x9f]), 'p'), { code: 'bad-parameters' });
});

t.test('recordings are written below their folder only (spec mapreduce.md 14)', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'root-'));
  const outside = mkdtempSync(join(tmpdir(), 'outside-'));
  t.teardown(() => [root, outside].map((folder) => rmSync(folder, { recursive: true })));
  t.equal(recordingPath(root, 'a/run7-', 'x.cbors'), join(root, 'a/run7-x.cbors'));
  mkdirSync(join(root, 'b'));
  symlinkSync(outside, join(root, 'b/link'));
  for (const prefix of ['/etc/', '../', 'a/../../', 'b/link/', 'b/link/made/', 'a\0b'])
    t.throws(() => recordingPath(root, prefix, 'x.cbors'), { code: 'dump-refused' }, prefix);
  t.same(readdirSync(outside), [], 'not even a folder is made there');
});
