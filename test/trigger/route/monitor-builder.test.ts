/** Monitored events of all receivers, and where the buffers are (spec teb.md, sections 2.4 and 8.1). */

import t from 'tap';
import { BufferLedger } from '../../../lib/trigger/route/buffer-ledger.ts';
import { MON_PREFIX, MonitorBuilder } from '../../../lib/trigger/route/monitor-builder.ts';
import { bufferWord } from '../../../lib/trigger/wire/buffer-word.ts';
import { contributionBytes, EbDgram, eventEnv } from '../../../lib/trigger/wire/eb-dgram.ts';
import { RecordSplitter } from '../../../lib/trigger/wire/splitter.ts';
import { Random } from '../../random.ts';

const DRPS = [0, 1, 2].map((id) => ({ id, alias: `d${id}`, rog: id === 2 ? 1 : 0, buffers: 8 }));

function monitored(src: number, pid: number, rogs: number, word: number, svc = 12): Buffer {
  const prefix = Buffer.alloc(MON_PREFIX);
  prefix.writeUInt32LE(word);
  const payload = Buffer.alloc(svc === 12 ? 100 + src : 0, src);
  return Buffer.concat([
    prefix,
    contributionBytes({ pid, seconds: 1, nanoseconds: 2, env: eventEnv(rogs, svc), src }, payload),
  ]);
}

t.test('streams of the receivers in any pieces become whole events with their buffer', async (t) => {
  const streams = DRPS.map(({ id }) =>
    Buffer.concat([
      monitored(id, 1, 3, 0, 2),
      ...(id === 2 ? [] : [monitored(id, 100, 1, bufferWord(0, 1))]),
      // Receiver 1 has lost this one, and shows so by the next.
      ...(id === 1 ? [] : [monitored(id, 200, 3, bufferWord(2, 5))]),
      monitored(id, 300, 3, 0, 9),
    ]),
  );
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const builder = new MonitorBuilder({ common: 0, drps: DRPS });
    const record = new EbDgram();
    const inputs = streams.map((bytes) => ({ bytes, at: 0, splitter: new RecordSplitter({ prefix: MON_PREFIX }) }));
    const seen: unknown[] = [];
    while (inputs.some(({ bytes, at }) => at < bytes.length)) {
      const input = inputs[random.below(inputs.length)]!;
      const to = input.at + 1 + random.below(60);
      input.splitter.push(Buffer.from(input.bytes.subarray(input.at, to)));
      input.at = to;
      while (input.splitter.next(record)) t.equal(builder.contribute(record, 0), 'accepted');
      for (let whole = builder.next(); whole; whole = builder.next()) {
        const { event, monBufNo, payloadBytes } = whole;
        seen.push([event.pid, monBufNo, payloadBytes, event.missingLow]);
        builder.release();
      }
    }
    const right = [
      [1, 0, 0, 0],
      [100, bufferWord(0, 1), 201, 0],
      [200, bufferWord(2, 5), 202, 2],
      [300, 0, 0, 0],
    ];
    t.strictSame(seen, right, `seed ${seed}`);
    t.equal(builder.disagreements, 0);
  }
});

t.test('receivers that name different buffers are counted', async (t) => {
  const builder = new MonitorBuilder({ common: 0, drps: DRPS.slice(0, 2) });
  const record = new EbDgram();
  for (const src of [0, 1]) {
    const bytes = monitored(src, 5, 1, bufferWord(0, src));
    builder.contribute(record.move(bytes, MON_PREFIX, bytes.length - MON_PREFIX), 0);
  }
  t.equal(builder.next()?.monBufNo, bufferWord(0, 0));
  t.equal(builder.disagreements, 1);
});

t.test('idle + announced + held is always all buffers (I18)', async (t) => {
  const ledger = new BufferLedger(2, 6);
  t.equal(ledger.announce(), bufferWord(2, 0));
  t.notOk(ledger.give(bufferWord(2, 1), 1), 'not announced');
  t.notOk(ledger.give(bufferWord(1, 0), 1), 'of another monitor');
  t.notOk(ledger.give(bufferWord(2, 99), 1), 'no such buffer');
  t.equal(ledger.strays, 3);
  t.ok(ledger.give(bufferWord(2, 0), 7));
  t.notOk(ledger.give(bufferWord(2, 0), 8), 'not twice');
  t.equal(ledger.heldBy(7), 1);
  t.ok(ledger.giveBack(bufferWord(2, 0)));
  t.notOk(ledger.giveBack(bufferWord(2, 0)), 'nobody has it');

  const random = new Random(1);
  for (let step = 0; step < 5000; step++) {
    const word = bufferWord(2, random.below(6));
    const action = random.below(20);
    if (action < 7) ledger.announce();
    else if (action < 13) ledger.give(word, random.below(3));
    else if (action < 18) ledger.giveBack(word);
    else if (action < 19) ledger.clientGone(random.below(3));
    else ledger.configure();
    if (ledger.idle + ledger.announced + ledger.held !== 6) t.fail(`step ${step}`);
  }
  for (const client of [0, 1, 2]) ledger.clientGone(client);
  t.equal(ledger.held, 0);
});
