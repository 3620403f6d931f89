/** Two processes, seeded: every message comes back, once, unchanged, in order, while watches are closed and opened. */
import { once } from 'node:events';
import t from 'tap';
import { IPC_PRIVATE, PosixQueue, SysvQueue, type Watch } from '../src/index.ts';
import { nameFor, seeded, startPeer } from './play.ts';

const messages = 20_000;
const largest = 512;

/** Message number n: its number, then bytes that depend on it. */
function compose(n: number, random: () => number): Buffer {
  const message = Buffer.allocUnsafe(4 + Math.floor(random() * (largest - 4)));
  message.fill(n & 0xff);
  message.writeUInt32LE(n);
  return message;
}

async function play(
  out: PosixQueue | SysvQueue,
  back: PosixQueue | SysvQueue,
  seed: number,
): Promise<{ received: number; reopened: number; wrong: number }> {
  const random = seeded(seed);
  const expected = seeded(seed);
  const end = Buffer.of(0);
  let received = 0;
  let reopened = 0;
  let wrong = 0;
  let watch: Watch;
  const chance = seeded(seed + 1);
  const done = new Promise<void>((resolve) => {
    const onMessage = (buffer: Buffer, length: number) => {
      if (length === 1) {
        watch.close();
        return resolve();
      }
      const wanted = compose(received, expected);
      if (length !== wanted.length || wanted.compare(buffer, 0, length) !== 0) wrong++;
      received++;
      if (chance() < 0.01) {
        watch.close();
        reopened++;
        setImmediate(() => {
          watch = back.watch(onMessage);
        });
      }
    };
    watch = back.watch(onMessage);
  });
  for (let n = 0; n < messages; n++) {
    const message = compose(n, random);
    if (!out.trySend(message)) await out.sendSoon(message);
  }
  await out.sendSoon(end);
  await done;
  return { received, reopened, wrong };
}

const seed = Number(process.env.SHIM_SEED ?? 20261121);

t.test(`POSIX queues (SHIM_SEED=${seed})`, async (t) => {
  const names = [nameFor(t), nameFor(t)] as const;
  const sizes = { maxMessages: 4, messageSize: largest };
  const out = PosixQueue.create(names[0], { ...sizes, access: 'write' });
  const back = PosixQueue.create(names[1], { ...sizes, access: 'read' });
  const peer = startPeer(['echo-posix', ...names]);
  const ended = once(peer, 'exit');
  const { received, reopened, wrong } = await play(out, back, seed);
  t.same({ received, wrong }, { received: messages, wrong: 0 });
  t.ok(reopened > 50);
  t.same(await ended, [0, null]);
  out.close();
  back.close();
});

t.test(`SysV queues (SHIM_SEED=${seed})`, async (t) => {
  const [out, back] = [SysvQueue.create(IPC_PRIVATE), SysvQueue.create(IPC_PRIVATE)];
  t.teardown(() => {
    out.remove();
    back.remove();
  });
  const peer = startPeer(['echo-sysv', String(out.id), String(back.id)]);
  const ended = once(peer, 'exit');
  const { received, reopened, wrong } = await play(out, back, seed);
  t.same({ received, wrong }, { received: messages, wrong: 0 });
  t.ok(reopened > 50);
  t.same(await ended, [0, null]);
});
