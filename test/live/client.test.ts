/** The parts of `shm:TAG` without a server: what is kept, what is believed, how the URL is read (spec live.md, requirements of the source). */

import t from 'tap';
import { parseLiveUrl } from '../../lib/live/client/address.ts';
import { Guard, sizeAt } from '../../lib/live/client/guard.ts';
import { Inbox } from '../../lib/live/client/inbox.ts';
import { encodeMessage, indexOf, layoutOf, returnQueueOf } from '../../lib/live/protocol.ts';
import { readableLine } from '../../lib/live/server/flags.ts';
import { chooseBuffers } from '../../lib/live/server/limits.ts';
import { seatOf } from '../../lib/live/server/objects.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { Random } from '../random.ts';
import { eventDgram, transitionDgram } from '../stream/sample-run.ts';

t.test('message: the bytes that were seen of the existing server', async (t) => {
  const layout = { events: 10, queues: 2, returnQueue: 2, bufferBytes: 0x80000 };
  t.equal(encodeMessage(7, layout).toString('hex'), '070000001c020200000008 00 00000000'.replaceAll(' ', ''));
  t.same(layoutOf(encodeMessage(7, layout)), layout);
  t.equal(indexOf(encodeMessage(-3, layout)), -3);
  t.equal(returnQueueOf(0, { ...layout, returnQueue: 0 }), 1);
});

t.test('seats: every client reads and returns through queues of its own', async (t) => {
  for (const order of ['distributed', 'serial'] as const) {
    const options = { tag: 'x', buffers: 8, bufferBytes: 4096, clients: 4, order, mode: 0o600 };
    const queues = [0, 1, 2, 3].flatMap((number) => {
      const { wireNumber, returnQueue, layout } = seatOf(number, options);
      t.equal(returnQueueOf(wireNumber, layout), returnQueue);
      t.ok(wireNumber < layout.queues);
      return [wireNumber, returnQueue];
    });
    t.equal(new Set(queues).size, 8);
  }
});

t.test('inbox: every transition, the latest events, the balance closes, bytes in order', async (t) => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = new Random(seed);
    const depth = 1 + random.below(4);
    const inbox = new Inbox(depth);
    const out: Buffer[] = [];
    const transitions: number[] = [];
    let number = 0;
    for (let step = 0; step < 60; step++) {
      const what = random.below(4);
      if (what === 3) {
        const into = Buffer.alloc(1 + random.below(40));
        out.push(into.subarray(0, inbox.drainInto(into)));
      } else {
        const event = what > 0;
        if (!event) transitions.push(number);
        // Length, number, kind, filled with the number.
        const dgram = Buffer.alloc(4 + random.below(20), number);
        dgram[0] = dgram.length;
        dgram[1] = number++;
        dgram[2] = event ? 1 : 0;
        inbox.add(dgram, event);
      }
      const { received, written, replaced, invalid } = inbox.counts;
      if (received !== written + replaced + invalid + inbox.inside) t.fail(`seed ${seed}: the balance is open`);
    }
    for (;;) {
      const into = Buffer.alloc(64);
      const bytes = inbox.drainInto(into);
      if (bytes === 0) break;
      out.push(into.subarray(0, bytes));
    }
    const bytes = Buffer.concat(out);
    const seen: { number: number; event: boolean }[] = [];
    for (let at = 0; at < bytes.length; at += bytes[at]!) {
      seen.push({ number: bytes[at + 1]!, event: bytes[at + 2] === 1 });
      const body = bytes.subarray(at + 3, at + bytes[at]!);
      if (body.some((byte) => byte !== bytes[at + 1])) t.fail(`seed ${seed}: dgrams are mixed`);
    }
    const numbers = seen.map((dgram) => dgram.number);
    if (numbers.some((n, i) => i > 0 && n <= numbers[i - 1]!)) t.fail(`seed ${seed}: out of order`);
    if (
      seen
        .filter(({ event }) => !event)
        .map((dgram) => dgram.number)
        .join() !== transitions.join()
    ) {
      t.fail(`seed ${seed}: a transition is missing`);
    }
  }
});

t.test('guard: kinds, sizes and the order of transitions', async (t) => {
  const guard = new Guard();
  const pass = (service: number) => guard.fault(transitionDgram(service, 1), true);
  t.equal(guard.fault(eventDgram(1), false), 'order', 'an event before Configure');
  t.equal(pass(SERVICE.BeginRun), 'order', 'anything before Configure');
  t.equal(pass(SERVICE.Configure), undefined);
  t.equal(pass(SERVICE.BeginRun), undefined);
  t.equal(guard.fault(eventDgram(1), false), undefined, 'streams without Enable have events all the same');
  t.equal(pass(SERVICE.Disable), 'order', 'an end of what has not begun');
  t.equal(pass(SERVICE.Enable), undefined);
  t.equal(pass(SERVICE.Enable), 'order', 'twice');
  t.equal(pass(SERVICE.SlowUpdate), undefined);
  t.equal(guard.fault(eventDgram(1), true), 'kind');
  t.equal(guard.fault(transitionDgram(SERVICE.SlowUpdate, 1), false), 'kind');
  t.equal(pass(SERVICE.Disable), undefined);
  t.equal(guard.fault(eventDgram(1), false), 'overtaken', 'by Disable');
  t.equal(pass(SERVICE.Configure), undefined, 'a new beginning at any time');
  const changed = Buffer.concat([eventDgram(1), Buffer.alloc(4)]);
  t.equal(guard.fault(changed, false), 'size', 'the extent has changed while it was copied');
});

t.test('sizeAt: only what lies in a buffer', async (t) => {
  const dgram = eventDgram(1);
  t.equal(sizeAt(dgram, 0, 4096), dgram.length);
  t.equal(sizeAt(dgram, 0, dgram.length - 1), 0);
  for (const extent of [0, 11, 0x7fffffff, 0xffffffff]) {
    dgram.writeUInt32LE(extent, 20);
    t.equal(sizeAt(dgram, 0, 4096), 0);
  }
});

t.test('shm: URLs', async (t) => {
  t.match(parseLiveUrl('shm:tst'), { tag: 'tst', depth: 1, wait: 10, reconnect: false });
  t.match(parseLiveUrl('shm:tst?every'), { depth: 64 });
  t.match(parseLiveUrl('shm:tst?every&depth=5&wait=0.5&reconnect'), { depth: 5, wait: 0.5, reconnect: true });
  for (const url of ['shm:', 'shm:/a', 'shm:a?x', 'shm:a?depth=', 'shm:a?depth=1.5', 'shm:a?wait=-1']) {
    t.throws(() => parseLiveUrl(url), { code: 'usage' }, url);
  }
});

t.test('-n: the usual number is made smaller, an asked one is refused with the largest that works', async (t) => {
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  t.equal(chooseBuffers(undefined, 2, 10, say), 8);
  t.same(said, []);
  t.equal(chooseBuffers(undefined, 2, 5, say), 5);
  t.match(said[0], /5 event buffers instead of 8: fs\.mqueue\.msg_max is 5/);
  t.throws(() => chooseBuffers(11, 2, 10, say), /-n 10 is the largest that works \(sysctl -w fs\.mqueue\.msg_max=11/);
  t.throws(() => chooseBuffers(238, 2, 1000, say), /counts up to 237/);
  t.throws(() => chooseBuffers(undefined, 11, 10, say), /at least as many/);
  t.equal(chooseBuffers(undefined, 2, undefined, say), 8);
});

t.test('command lines of the existing server', async (t) => {
  t.same(readableLine(['-p', 'tst', '-n', '8', '-p', '3', '--loop']), [
    '--tag',
    'tst',
    '-n',
    '8',
    '-p',
    '3',
    '--loop',
    '0',
  ]);
  t.same(readableLine(['tst', '--loop', '4', '-L', '2']), ['tst', '--loop', '4', '-L', '2']);
});
