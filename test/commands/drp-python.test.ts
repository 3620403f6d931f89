/** drp-python with our own runtime, over System V IPC and pipes: the real executable, real Python, real kills. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dgramsOf, FEX, run, scratch, script } from '../drp/command.ts';
import { cameraRun } from '../drp/streams.ts';

const own = ['sysv', 'pipe'] as const;

for (const ipc of own) {
  t.test(
    `--ipc ${ipc}: a script that changes nothing gives identical bytes, over three configure cycles`,
    async (t) => {
      const input = cameraRun(300, { cycles: 3 });
      const { status, stdout, stderr } = await run(
        [script(scratch(t), 'def event(evt):\n    pass\n'), '--ipc', ipc, '-W', '2'],
        input,
      );
      t.equal(status, 0, stderr);
      t.ok(stdout.equals(input));
      t.match(stderr, /<I> drp-python: OK in 942 = out 942; unchanged 942/);
    },
  );

  t.test(
    `--ipc ${ipc}: features are added and raw is dropped, in the order of the input, whoever worked on it`,
    async (t) => {
      const folder = scratch(t);
      const input = cameraRun(500);
      const { status, stdout, stderr } = await run([script(folder, FEX), '--ipc', ipc, '-W', '3'], input);
      t.equal(status, 0, stderr);
      const events = (await dgramsOf(stdout, folder)).filter((dgram) => dgram.service === 'L1Accept');
      t.same(
        events.map(({ data }) => data.camera!['0']),
        Array.from({ length: 500 }, (_, n) => ({ fex: { n, square: n * n, label: `event ${n}` } })),
      );
      const [first] = await dgramsOf(stdout, folder);
      t.equal(first!.service, 'Configure');
    },
  );
}

t.test('the transport does not show in the data', async (t) => {
  const folder = scratch(t);
  const file = script(folder, FEX);
  const [sysv, pipe] = await Promise.all(own.map((ipc) => run([file, '--ipc', ipc, '-W', '2'], cameraRun(200))));
  t.ok(sysv!.stdout.length > 0 && sysv!.stdout.equals(pipe!.stdout));
});

t.test('a script that cannot be loaded, or fails at Configure, ends the command with its own words', async (t) => {
  const folder = scratch(t);
  const syntax = await run([script(folder, 'def event(evt:\n', 'a.py')], cameraRun(1));
  t.equal(syntax.status, 1);
  t.match(syntax.stderr, /SyntaxError/);
  const configure = await run(
    [
      script(
        folder,
        'def configure(cfg):\n    raise ValueError("no such crystal")\ndef event(evt):\n    pass\n',
        'b.py',
      ),
    ],
    cameraRun(1),
  );
  t.equal(configure.status, 1);
  t.match(configure.stderr, /no such crystal/);
  t.notMatch(configure.stderr, /restarting it/);
});

t.test('oversize results: abort names the event; damage keeps the order', async (t) => {
  const folder = scratch(t);
  const big = `
from daqpipe import drp
def configure(cfg):
    global fex
    fex = cfg.add("fex", version=(0, 0, 1), blob=("uint8", 1))
def event(evt):
    evt.add(fex, blob=bytes(100000 if evt.det.raw.number == 3 else 10))
`;
  const file = script(folder, big);
  const abort = await run([file, '--pebble', '50000'], cameraRun(10));
  t.equal(abort.status, 1);
  t.match(abort.stderr, /needs \d+ bytes; the limit is 50000/);
  for (const [keep, damage] of [
    ['none', ['Truncated']],
    ['raw', ['Truncated']],
    ['cut', ['Truncated', 'Corrupted']],
  ] as const) {
    const { status, stdout, stderr } = await run(
      [file, '--pebble', '50000', '--on-oversize', 'damage', '--oversize-keep', keep],
      cameraRun(10),
    );
    t.equal(status, 3, stderr);
    const events = (await dgramsOf(stdout, folder)).filter((dgram) => dgram.service === 'L1Accept');
    t.equal(events.length, 10);
    t.same(events[3]!.damage, damage, keep);
  }
});

t.test(
  'trigger data: one contribution for every dgram, payload for L1Accepts (teb.md sections 1.1, 3.1)',
  async (t) => {
    const folder = scratch(t);
    const triggers = join(folder, 'trigger.ebd');
    const text = 'def event(evt):\n    n = evt.det.raw.number\n    if n % 2 == 0:\n        evt.trigger(b"n=%d" % n)\n';
    const { status, stderr } = await run([script(folder, text), '-t', triggers, '-W', '2'], cameraRun(20));
    t.equal(status, 0, stderr);
    const bytes = readFileSync(triggers);
    const records: { pulse: bigint; service: number; payload: string }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.readUInt32LE(at + 28) - 12;
      records.push({
        pulse: bytes.readBigUInt64LE(at),
        service: (bytes.readUInt32LE(at + 16) >>> 24) & 15,
        payload: bytes.toString('latin1', at + 32, at + 32 + size),
      });
      at += 32 + size;
    }
    t.equal(records.length, 28);
    t.ok(
      records.every(({ pulse }, i) => i === 0 || pulse > records[i - 1]!.pulse),
      'pulse ids grow',
    );
    const events = records.filter(({ service }) => service === 12);
    t.ok(events.every(({ payload }, n) => (n % 2 === 0 ? payload.endsWith(`n=${n}`) : payload === '')));
  },
);

t.test('mistakes on the command line are named, with exit status 2', async (t) => {
  const folder = scratch(t);
  const noop = script(folder, 'def event(evt):\n    pass\n');
  t.match(await run([]), { status: 2, stderr: /which script/ });
  t.match(await run(['/nonexistent.py']), { status: 2, stderr: /no such script/ });
  t.match(await run([noop, '--pebble', 'big'], cameraRun(1)), { status: 2, stderr: /"big" is no size/ });
  t.match(await run([noop, '--python', '/nonexistent'], cameraRun(1)), { status: 2, stderr: /does not run/ });
  const input = cameraRun(3, { pixels: 64 });
  t.match(await run([noop, '--pebble', '1000'], input), { status: 2, stderr: /give at least --pebble \d+/ });
  const chunk = input.subarray(12 + input.readUInt32LE(20));
  t.match(await run([noop], chunk), { status: 2, stderr: /--config/ });
});

t.test('--check says what a script would do, and writes nothing', async (t) => {
  const { status, stdout, stderr } = await run([script(scratch(t), FEX), '--check', '--events', '5'], cameraRun(40));
  t.equal(status, 0, stderr);
  const text = stdout.toString();
  t.match(text, /adds camera_0 fex 0\.0\.1: n UINT32, square UINT64, label CHARSTR/);
  t.match(text, /5 events: mean size \d+ -> \d+ bytes/);
  t.match(text, /adds camera_0 fex to 5 of 5/);
  t.match(text, /removes camera_0 raw from 5 of 5/);
});

t.test(
  'trigger data above --trigger-size: the event is kept, the contribution is empty and Truncated (teb.md section 3.1)',
  async (t) => {
    const folder = scratch(t);
    const triggers = join(folder, 'trigger.ebd');
    const text = 'def event(evt):\n    evt.trigger(bytes(100 if evt.det.raw.number == 1 else 10))\n';
    const { status, stderr } = await run(
      [script(folder, text), '-t', triggers, '--trigger-size', '32', '-W', '1'],
      cameraRun(3),
    );
    t.equal(status, 0, stderr);
    t.match(stderr, /prim_overrun 1/);
    const bytes = readFileSync(triggers);
    const events: { damage: number; size: number }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.readUInt32LE(at + 28) - 12;
      if (((bytes.readUInt32LE(at + 16) >>> 24) & 15) === 12)
        events.push({ damage: bytes.readUInt16LE(at + 24), size });
      at += 32 + size;
    }
    t.same(
      events.map(({ damage }) => damage),
      [0, 1, 0],
    );
    t.equal(events[1]!.size, 0);
  },
);
