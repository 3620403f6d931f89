/** Records of the trigger chain, byte by byte (spec teb.md, sections 1 and 2). */

import t from 'tap';
import type { BuiltEvent } from '../../../lib/trigger/building/built-event.ts';
import { Contracts } from '../../../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../../../lib/trigger/building/event-builder.ts';
import { bufferOf, bufferWord, isBufferWord, mebOf, wordText } from '../../../lib/trigger/wire/buffer-word.ts';
import { contributionBytes, EbDgram, eventEnv, markerBytes, setEndOfList } from '../../../lib/trigger/wire/eb-dgram.ts';
import { FLAG } from '../../../lib/trigger/wire/layout.ts';
import { dataWord, ResultRecord, writeResult } from '../../../lib/trigger/wire/result.ts';
import { isWholeMessage, RecordSplitter } from '../../../lib/trigger/wire/splitter.ts';
import { Random } from '../../random.ts';

/** The example of section 1.4. */
const GOLDEN = '5634120000000000 05000000 e8030000 0300400c 01000010 0000 0300 14000000 3e000000 02000040'.replaceAll(
  ' ',
  '',
);

/** The event of that example: pid 0x123456, 1000 s 5 ns, rogs 3, keepRaw. Source 1 is missing. */
function goldenEvent(): BuiltEvent {
  const drps = [0, 1].map((id) => ({ id, alias: `d${id}`, rog: id, buffers: 1 }));
  const builder = new EventBuilder(new Contracts({ common: 0, drps, contributors: [0, 1] }));
  const env = eventEnv(3, 12, true);
  const bytes = contributionBytes({ pid: 0x123456, seconds: 1000, nanoseconds: 5, env, src: 0 });
  builder.contribute(new EbDgram().move(bytes, 0, bytes.length), 0);
  builder.end(1, 0);
  return builder.next()!;
}

t.test('a result is the 40 bytes of the existing class (1.4)', async (t) => {
  const bytes = Buffer.alloc(44, 0xee);
  const outcome = { data: dataWord(true, 15), monBufNo: bufferWord(0, 2), damage: 0, flags: 0 };
  const end = writeResult(bytes, 2, goldenEvent(), outcome, { decider: 1, extended: false });
  t.equal(end, 42);
  t.equal(bytes.toString('hex', 2, 42), GOLDEN);
  t.equal(bytes.toString('hex', 42), 'eeee');

  const record = new ResultRecord().move(bytes, 2, 40);
  t.ok(record.isResult);
  t.match(record, { pid: 0x123456, seconds: 1000, nanoseconds: 5, rogs: 3, keep: true, service: 12, typeId: 3 });
  t.match(record, { data: 0x3e, monBufNo: 0x40000002, persist: true, prescale: false, monitor: 15, aux: 0 });
  t.match(record, { extended: false, meb: 255, flags: 0, missingLow: 0, receiversLow: 0, sequence: 0 });
});

t.test('an extended result has 24 bytes more, and a reader of 40 steps over them (1.6)', async (t) => {
  const bytes = Buffer.alloc(128, 0xee);
  const outcome = {
    data: dataWord(false, 2, 0xabcdef, true),
    monBufNo: bufferWord(1, 7),
    damage: 0x1010,
    flags: FLAG.eof,
  };
  const options = { decider: 3, extended: true };
  const second = writeResult(bytes, 0, goldenEvent(), outcome, options, 9);
  writeResult(bytes, second, goldenEvent(), { ...outcome, monBufNo: 0 }, options, 9);
  const words = '03000000 00000000 02000000 00000000 01 08 0000 09000000'.replaceAll(' ', '');
  t.equal(bytes.toString('hex', 40, 64), words);
  const record = new ResultRecord();
  const splitter = new RecordSplitter();
  splitter.push(bytes);
  t.ok(splitter.next(record));
  t.equal(record.length, 64);
  t.match(record, { data: 0xabcdef09, prescale: true, persist: false, monitor: 2, aux: 0xabcdef, damage: 0x1010 });
  t.match(record, { receiversLow: 3, missingLow: 2, meb: 1, flags: FLAG.eof, sequence: 9, source: 0x10000003 });
  t.ok(splitter.next(record));
  t.equal(record.meb, 255);
  t.notOk(splitter.next(record));
});

t.test('buffer words (1.5)', async (t) => {
  t.equal(bufferWord(3, 0x123456), 0x43123456);
  t.equal(mebOf(0x43123456), 3);
  t.equal(bufferOf(0x43123456), 0x123456);
  t.equal(wordText(0x40000002), '40000002');
  t.equal(wordText(0), '00000000');
  t.ok(isBufferWord(0xc0000001));
  t.notOk(isBufferWord(0x80000001));
});

t.test('end of list and high bits do not belong to the pid', async (t) => {
  const bytes = markerBytes(63, 2 ** 53 - 1);
  setEndOfList(bytes, 0);
  bytes[7]! |= 0xbf;
  const record = new EbDgram().move(bytes, 0, bytes.length);
  t.equal(record.pid, 2 ** 53 - 1);
  t.equal(record.source, 63);
  t.ok(record.eol);
  t.ok(record.isMarker);
});

t.test('a stream in any pieces gives the same records, with and without prefix', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const prefix = seed % 2 === 0 ? 4 : 0;
    const payloads = Array.from({ length: 40 }, () =>
      Buffer.alloc(random.below(random.chance(0.1) ? 3000 : 30), random.below(256)),
    );
    const records = payloads.map((payload, i) =>
      contributionBytes({ pid: 1000 + i, seconds: i, nanoseconds: 0, env: eventEnv(1, 12), src: i % 64 }, payload),
    );
    const stream = Buffer.concat(
      records.flatMap((record, i) => (prefix ? [Buffer.from([i, 0, 0, 0x40]), record] : [record])),
    );
    const splitter = new RecordSplitter({ prefix });
    const record = new EbDgram();
    const seen: { bytes: Buffer; prefix: number }[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random.below([3, 50, 500, 5000][seed % 4]!);
      splitter.push(stream.subarray(at, at + size));
      at += size;
      while (splitter.next(record)) {
        seen.push({ bytes: record.bytes(), prefix: prefix ? record.block.readUInt32LE(record.at - 4) : 0 });
      }
    }
    splitter.end();
    // Views must still be what they were: nothing is written to a block again.
    t.strictSame(
      seen.map(({ bytes }) => bytes.toString('hex')),
      records.map((one) => one.toString('hex')),
      `seed ${seed}`,
    );
    if (prefix)
      t.strictSame(
        seen.map((one) => one.prefix),
        records.map((_, i) => 0x40000000 + i),
      );
  }
});

t.test('framing errors tell where; the end inside a record is one', async (t) => {
  const good = contributionBytes({ pid: 5, seconds: 0, nanoseconds: 0, env: 0, src: 0 }, Buffer.alloc(8));
  const withWord = (at: number, word: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt32LE(word, at);
    return bytes;
  };
  const flaws: [Buffer, RegExp][] = [
    [withWord(28, 11), /extent 11 is below 12/],
    [withWord(28, 12 + 101), /extent 113 is above the largest allowed, 112/],
    [withWord(28, 0xffffffff), /above/],
    [withWord(4, 0x200000), /above 2\^53/],
  ];
  for (const [flawed, message] of flaws) {
    for (const cut of [0, 1, 45, 71]) {
      const splitter = new RecordSplitter({ input: 'det.ebd', maxPayload: 100 });
      const record = new EbDgram();
      const stream = Buffer.concat([good, flawed]);
      const read = () => {
        let count = 0;
        for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) {
          splitter.push(part);
          while (splitter.next(record)) count++;
        }
        return count;
      };
      t.throws(read, { code: 'framing', message, place: { file: 'det.ebd', offset: 40 } });
    }
    t.notOk(isWholeMessage(Buffer.concat([good, flawed]), 100));
  }
  const splitter = new RecordSplitter();
  splitter.push(Buffer.concat([good, good.subarray(0, 33)]));
  const record = new EbDgram();
  t.ok(splitter.next(record));
  t.notOk(splitter.next(record));
  t.equal(splitter.pending, 33);
  t.throws(() => splitter.end(), { code: 'framing', message: /33 bytes/, place: { offset: 40 } });
});

t.test('a message is whole records of one source, or nothing (2.1)', async (t) => {
  const of = (src: number) => contributionBytes({ pid: 5, seconds: 0, nanoseconds: 0, env: 0, src }, Buffer.alloc(5));
  t.ok(isWholeMessage(Buffer.concat([of(1), of(1)])));
  t.ok(isWholeMessage(Buffer.alloc(0)));
  t.notOk(isWholeMessage(Buffer.concat([of(1), of(2)])), 'two sources');
  t.notOk(isWholeMessage(Buffer.concat([of(1), of(1).subarray(0, 20)])), 'half a header');
  t.notOk(isWholeMessage(Buffer.concat([of(1), of(1).subarray(0, 36)])), 'half a payload');
});

t.test('a little of a large buffer is copied, so that the buffer can be used again', async (t) => {
  const large = Buffer.alloc(64 * 1024);
  const one = contributionBytes({ pid: 5, seconds: 0, nanoseconds: 0, env: 0, src: 0 }, Buffer.from('payload'));
  one.copy(large);
  const splitter = new RecordSplitter();
  const record = new EbDgram();
  splitter.push(large.subarray(0, one.length));
  t.ok(splitter.next(record));
  large.fill(0xff);
  t.equal(record.payload().toString(), 'payload');
});
