/** What subscribers may say (spec calib-pub.md, section 5), in pieces of any size, and what ends a connection. */

import t from 'tap';
import { GREETING, MAX_FROM_SUBSCRIBER, READY, SubscriberReader, wireMessage } from '../../lib/calib/publish/zmtp.ts';
import { Random } from '../random.ts';

const hello = Buffer.concat([
  GREETING,
  Buffer.from([4, 25, 5]),
  Buffer.from('READY\x0bSocket-Type\0\0\0\x03SUB', 'latin1'),
]);
const frame = (content: Buffer | string, flags = 0) => {
  const bytes = Buffer.from(content as string, 'latin1');
  if (bytes.length < 256) return Buffer.concat([Buffer.from([flags, bytes.length]), bytes]);
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeBigUInt64BE(BigInt(bytes.length), 1);
  return Buffer.concat([head, bytes]);
};
const commandFrame = (name: string, body: string) => frame(`${String.fromCharCode(name.length)}${name}${body}`, 4);

/** What a reader makes of bytes; an error is the last word. */
function heard(bytes: Buffer, cut: (left: number) => number = (left) => left): string[] {
  const said: string[] = [];
  const reader = new SubscriberReader({
    ready: () => void said.push('ready'),
    subscribe: (topic) => void said.push(`+${topic}`),
    cancel: (topic) => void said.push(`-${topic}`),
    reply: (reply) => void said.push(`reply ${reply.toString('hex')}`),
  });
  try {
    for (let at = 0; at < bytes.length; ) {
      const piece = Math.max(1, cut(bytes.length - at));
      reader.take(bytes.subarray(at, at + piece));
      at += piece;
    }
  } catch (error) {
    said.push(`error: ${(error as Error).message}`);
  }
  return said;
}

t.test('subscriptions of version 3.0 and 3.1, however they are cut', async (t) => {
  const all = Buffer.concat([
    hello,
    frame('\x01'),
    frame('\x01calib/1'),
    frame('\x00'),
    commandFrame('SUBSCRIBE', 'x'),
    commandFrame('CANCEL', 'x'),
    commandFrame('UNKNOWN', 'x'),
    commandFrame('PING', '\x00\x0aabc'),
    frame('\x02 something upstream'),
    frame(`\x01${'y'.repeat(300)}`),
  ]);
  const expected = [
    'ready',
    '+',
    '+calib/1',
    '-',
    '+x',
    '-x',
    `reply 040804${Buffer.from('PONGabc').toString('hex')}`,
    `+${'y'.repeat(300)}`,
  ];
  t.same(heard(all), expected);
  t.same(
    heard(all, () => 1),
    expected,
  );
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed);
    t.same(
      heard(all, () => random.below(40)),
      expected,
    );
  }
});

t.test('our own READY says XPUB, which a subscriber would refuse as a peer of ours', async (t) => {
  t.match(heard(Buffer.concat([GREETING, READY])), [/error: its socket is of type "XPUB"/]);
});

t.test('what ends a connection', async (t) => {
  const ends = (bytes: Buffer, why: RegExp) => t.match(heard(bytes).at(-1), why);
  ends(Buffer.from('GET / HTTP/1.1\r\n\r\n'), /does not speak ZMTP/);
  ends(Buffer.from('ff000000000000000001017f', 'hex'), /older than 3.0/);
  const curve = Buffer.from(hello);
  curve.write('CURVE', 12);
  ends(curve, /security mechanism "CURVE"/);
  ends(Buffer.concat([GREETING, frame('\x01')]), /before READY/);
  ends(Buffer.concat([GREETING, commandFrame('HELLO', '')]), /"HELLO" instead of READY/);
  ends(Buffer.concat([GREETING, commandFrame('READY', '\x0bSocket-Type\0\0\0\x05SUB')]), /cut short/);
  ends(Buffer.concat([GREETING, commandFrame('READY', '\xffS')]), /cut short/);
  ends(Buffer.concat([hello, Buffer.from([8, 0])]), /unknown flags/);
  ends(Buffer.concat([hello, frame('\x01', 1)]), /one frame/);
  ends(Buffer.concat([hello, frame(Buffer.alloc(MAX_FROM_SUBSCRIBER + 1))]), /frame of 65537 bytes/);
  ends(Buffer.concat([hello, Buffer.from('02ffffffffffffffff', 'hex')]), /frame of 18446744073709551615 bytes/);
  t.same(
    heard(Buffer.concat([hello, frame(Buffer.alloc(MAX_FROM_SUBSCRIBER, 1))])).length,
    2,
    'the largest one is taken',
  );
});

t.test('random bytes end in an error or in waiting, never in anything else', async (t) => {
  for (let seed = 0; seed < 2000; seed++) {
    const random = new Random(seed);
    const bytes = Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
    const whole = random.chance(0.5) ? Buffer.concat([hello, bytes]) : bytes;
    heard(whole, () => random.below(50));
  }
  t.pass();
});

t.test('messages: short and long frames, several pieces, several frames', async (t) => {
  const large = Buffer.alloc(300, 7);
  const pieces = wireMessage([[Buffer.from('ab')], [], [Buffer.from('c'), large]]);
  t.equal(pieces.at(-1), large, 'contents are not copied');
  t.equal(Buffer.concat(pieces).toString('hex'), `01026162${'0100'}02000000000000012d63${large.toString('hex')}`);
});
