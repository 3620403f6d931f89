/** Frames in pieces, frames that are none, and the bytes of events in a batch (spec teb.md, 5.3). */

import t from 'tap';
import { Contributions, EventBatch } from '../../../lib/trigger/decide/batch.ts';
import {
  FRAME,
  type FrameHeader,
  FrameReader,
  readPid,
  writeFrameHeader,
  writePid,
} from '../../../lib/trigger/decide/frames.ts';
import { Random } from '../../random.ts';
import { event, tmo } from './deciding.ts';

function frame(number: number, payload: Buffer): Buffer {
  const header = { kind: 0x83, flags: number & 1, count: number, bytes: payload.length, sequence: 7, number };
  return Buffer.concat([writeFrameHeader(Buffer.alloc(FRAME.size), header), payload]);
}

t.test('frames come out whole, however the bytes are split', (t) => {
  const random = new Random(5);
  for (let round = 0; round < 100; round++) {
    const payloads = Array.from({ length: 20 }, (_, i) => Buffer.alloc(random.below(60), i));
    const all = Buffer.concat(payloads.map((payload, i) => frame(i, payload)));
    const found: [number, string][] = [];
    const reader = new FrameReader(({ number }, payload) => found.push([number, payload.toString('hex')]));
    for (let at = 0; at < all.length; ) {
      const end = at + 1 + random.below(90);
      if (reader.push(Buffer.from(all.subarray(at, end))) !== undefined) t.fail('a good frame was refused');
      at = end;
    }
    const wanted = payloads.map((payload, i): [number, string] => [i, payload.toString('hex')]);
    if (JSON.stringify(found) !== JSON.stringify(wanted)) t.fail(`round ${round}`);
  }
  t.end();
});

t.test('what is no frame', (t) => {
  const seen: FrameHeader[] = [];
  const reader = () => new FrameReader((header) => seen.push(header));
  t.match(reader().push(Buffer.from('Traceback (most recent call last)')), /no frame: 5472/);
  const huge = frame(1, Buffer.alloc(0));
  huge.writeUInt32LE(0xffff_ffff, FRAME.offset.bytes);
  t.match(reader().push(huge), /4294967295 bytes/);
  t.equal(reader().push(Buffer.from('TDF1')), undefined, 'a beginning is none yet');
  t.same(seen, []);
  t.end();
});

t.test('the header, byte for byte', (t) => {
  const header = { kind: 3, flags: 1, count: 0x1234, bytes: 0xa0b0c0d0, sequence: 2, number: 0xfffffffe };
  t.equal(writeFrameHeader(Buffer.alloc(20), header).toString('hex'), '5444463103013412d0c0b0a002000000feffffff');
  t.end();
});

t.test('a batch holds events as EVENTS carries them, and gives them back', (t) => {
  const batch = new EventBatch(64);
  const events = Array.from({ length: 64 }, (_, i) =>
    event(2 ** 40 + i, Object.fromEntries(Array.from({ length: i % 5 }, (_, s) => [s * 9, tmo(i, s)]))),
  );
  for (const round of [1, 2]) {
    batch.reset();
    for (const { pid, records } of events) {
      batch.begin(pid, round);
      for (const record of records) batch.contribution(record, 0, record.length);
    }
    t.ok(batch.full);
    const cursor = new Contributions();
    for (const [i, { pid, records }] of events.entries()) {
      const entry = batch.entries(i, 1);
      const head = Buffer.alloc(16);
      writePid(head, pid, 0);
      head.writeUInt16LE(records.length, 8);
      head.writeUInt16LE(round, 10);
      head.writeUInt32LE(40 * records.length, 12);
      if (!entry.equals(Buffer.concat([head, ...records]))) t.fail(`event ${i}`);
      cursor.of(batch, i);
      const sources: number[] = [];
      while (cursor.advance()) sources.push(cursor.source, cursor.end - cursor.payloadAt);
      if (sources.join() !== records.flatMap((_, s) => [s * 9, 8]).join()) t.fail(`sources of event ${i}`);
    }
  }
  t.equal(batch.entries(0, 64).length, batch.offsets[64]);
  t.equal(readPid(Buffer.from('ffffffffffff1f40', 'hex'), 0), 2 ** 53 - 1, 'bits above 55 are not part of a pid');
  t.end();
});
