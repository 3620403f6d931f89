/** JSON lines of contributions, decisions and joined events (spec teb.md, section 2.6). */

import t from 'tap';
import { Contracts } from '../../../lib/trigger/building/contracts.ts';
import { EventBuilder } from '../../../lib/trigger/building/event-builder.ts';
import { bufferWord } from '../../../lib/trigger/wire/buffer-word.ts';
import { EbDgram } from '../../../lib/trigger/wire/eb-dgram.ts';
import { decisionLine, parseContributionLine } from '../../../lib/trigger/wire/json-lines.ts';
import { FLAG } from '../../../lib/trigger/wire/layout.ts';
import { dataWord } from '../../../lib/trigger/wire/result.ts';

const parse = (value: unknown) => {
  const bytes = parseContributionLine(JSON.stringify(value));
  return new EbDgram().move(bytes, 0, bytes.length);
};

t.test('contributions: keys and defaults', async (t) => {
  const pid = 2 * 928_571 + 7;
  t.match(parse({ src: 2, pid, rogs: 3, more: 'is passed over' }), {
    source: 2,
    pid,
    service: 12,
    rogs: 3,
    keep: false,
    damage: 0,
    seconds: 1002,
    nanoseconds: 7 * 1077,
    payloadLength: 0,
  });
  const full = parse({ src: 0, pid: 5, svc: 10, rogs: 255, keep: 1, damage: 16, ts: [9, 8] });
  t.match(full, { service: 10, rogs: 255, keep: true, damage: 16, seconds: 9, nanoseconds: 8 });
  const marker = parse({ src: 7, pid: 99, marker: 1 });
  t.match(marker, { isMarker: true, source: 7, pid: 99, length: 32 });
});

t.test('primitives', async (t) => {
  const hex = (prim: unknown) => parse({ src: 0, pid: 1, rogs: 1, prim }).payload().toString('hex');
  t.equal(hex({ tmo: [7, 9] }), '0700000009000000');
  t.equal(
    hex({ timing: { dest: 3, beam: 1, codes: [30, 257] } }),
    `830000000000004${'0'.repeat(57)}02000000`.slice(0, 80),
  );
  t.equal(hex({ hex: '00ff' }), '00ff');
  t.equal(
    hex({ json: { n: 4 } }),
    `5450524d01000000 07000000 ${Buffer.from('{"n":4}').toString('hex')}`.replaceAll(' ', ''),
  );
});

t.test('what is no contribution says why', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [[], /no object/],
    [{ pid: 1, rogs: 1 }, /"src"/],
    [{ src: 0, pid: 1.5, rogs: 1 }, /"pid"/],
    [{ src: 0, pid: 1 }, /"rogs"/],
    [{ src: 0, pid: 1, rogs: 1, svc: 16 }, /"svc"/],
    [{ src: 0, pid: 1, rogs: 1, ts: [1] }, /"ts"/],
    [{ src: 0, pid: 1, rogs: 1, prim: { tmo: [1] } }, /"tmo"/],
    [{ src: 0, pid: 1, rogs: 1, prim: { timing: { codes: [288] } } }, /"codes"/],
    [{ src: 0, pid: 1, rogs: 1, prim: { hex: '0' } }, /"hex"/],
    [{ src: 0, pid: 1, rogs: 1, prim: { pickle: 1 } }, /none of/],
  ];
  for (const [value, message] of wrong) t.throws(() => parse(value), { code: 'bad-line', message });
  t.throws(() => parseContributionLine('{"src":'), { code: 'bad-line' });
});

t.test('a decision has exactly the keys of the specification', async (t) => {
  const drps = [0, 1, 40].map((id) => ({ id, alias: `d${id}`, rog: id === 40 ? 1 : 0, buffers: 1 }));
  const builder = new EventBuilder(new Contracts({ common: 0, drps, contributors: [0, 1, 40] }));
  for (const line of [
    { src: 0, pid: 2000060, rogs: 3 },
    { src: 1, pid: 2000060, rogs: 3 },
    { src: 40, pid: 2000061, marker: 1 },
  ]) {
    builder.contribute(parse(line), 0);
  }
  const event = builder.next()!;
  const outcome = { data: dataWord(false, 15), monBufNo: bufferWord(0, 1), damage: event.damage, flags: 0 };
  t.equal(
    decisionLine(event, outcome),
    '{"pid":2000060,"svc":12,"rogs":3,"prescale":0,"persist":0,"monitor":15,"monbuf":"40000001","damage":16,"aux":0,"bypass":0,"recv":[0,1,40],"missing":[40],"why":"watermark","meb":0}\n',
  );
  const forced = JSON.parse(decisionLine(event, { data: 2, monBufNo: 0, damage: 0x1000, flags: FLAG.forced }));
  t.match(forced, { persist: 1, monitor: 0, monbuf: '00000000', damage: 0x1000, forced: 1 });
  t.notOk('meb' in forced);
});
