import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import t from 'tap';
import { Publisher, Push } from 'zeromq';
import { KINDS, type KindName } from '../../../lib/mapreduce/source/kinds.ts';
import { keepSource, openSource, type Source } from '../../../lib/mapreduce/source/open.ts';
import type { SourceFrame } from '../../../lib/mapreduce/source/types.ts';
import { executable } from '../../executable.ts';
import { needsShared, SHARED } from '../../golden.ts';

const said: string[] = [];
const options = (kind: KindName, upstream: string) => ({
  ...{ kind, upstream, stream: 's', numbered: KINDS[kind].numbered },
  say: (text: string) => said.push(text),
});

/** Frames up to the end marker, or the end of the source. */
async function all(source: Source): Promise<SourceFrame[]> {
  const frames: SourceFrame[] = [];
  for await (const some of source) {
    frames.push(...some);
    if (some.at(-1)?.mark === 'end') break;
  }
  source.close();
  return frames;
}

const marks = (frames: readonly SourceFrame[]) => frames.map(({ mark }) => mark);

t.test(
  'contrast: a Python helper marks pickles, and runs nothing that they name (spec mapreduce.md 6.3)',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'contrast-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const trap = join(folder, 'trap');
    const script = `
import os, pickle, struct, sys
class Evil:
    def __reduce__(self):
        return (os.mkdir, (${JSON.stringify(trap)},))
messages = [{"status": "heartbeat"}, {"status": "started", "path": "/p", "scannr": 1, "description": "d", "x": Evil()},
            {"status": "running", "dt": 0.1, "set": {1}, "o": Evil()}, [1], {"status": Evil()}, {"status": "finished"}]
for m in messages:
    b = pickle.dumps(m)
    sys.stdout.write(b.hex() + "\\n")
sys.stdout.write(b"not a pickle".hex() + "\\n")
`;
    const pickles = execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
    const publisher = new Publisher({ linger: 0 });
    await publisher.bind('tcp://127.0.0.1:*');
    const source = await openSource(options('contrast', publisher.lastEndpoint!), false);
    const frames: SourceFrame[] = [];
    const reading = (async () => {
      for await (const some of source) {
        frames.push(...some);
        if (some.at(-1)?.mark === 'end') break;
      }
    })();
    // A subscriber that has not arrived misses messages: heartbeats until it has.
    while (source.counts!.messages === 0) {
      await publisher.send(Buffer.from(pickles[0]!, 'hex'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const hex of [pickles[6]!, ...pickles.slice(1, 6)]) await publisher.send(Buffer.from(hex, 'hex'));
    await reading;
    source.close();
    publisher.close();
    t.same(marks(frames), ['start', 'data', 'end']);
    t.ok(frames[1]!.frames[0]!.equals(Buffer.from(pickles[2]!, 'hex')), 'the pickle passes as it is');
    t.match(source.counts, { bad: 3, skipped: Number });
    t.throws(() => execFileSync('test', ['-e', trap]), 'nothing was run');
  },
);

t.test('sardana: HTTP as the scan speaks it; between maps nothing waits', async (t) => {
  const kept = await keepSource(options('sardana', 'http://127.0.0.1:0'));
  t.teardown(() => kept!.close());
  const url = said.at(-1)!.split(' is ')[1]!;
  const post = async (path: string, body: unknown) =>
    (await fetch(`${url}${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }))
      .status;
  const description = { serialno: 1, scandir: '/d', title: 'ascan' };
  t.equal(await post('/v1/data_desc', description), 200);
  t.equal(kept!.unheard, 1);
  const source = await openSource({ ...options('sardana', url), kept }, false);
  const frames = all(source);
  t.equal(await post('/v1/custom_data', { a: 1 }), 200);
  t.equal(await post('/v1/data_desc', description), 200);
  t.equal(await post('/v1/record_data', { timestamp: 1.5, motor: 2 }), 200);
  t.equal(await post('/v1/record_data', { motor: 2 }), 422);
  t.equal(await post('/v1/record_data', 'no json'), 422);
  t.equal(await post('/v1/record_data', 'x'.repeat(1 << 21)), 413);
  t.equal(await post('/v1/else', {}), 404);
  t.equal((await fetch(`${url}/v1/record_end`)).status, 405);
  const ended = post('/v1/record_end', {});
  t.same(marks(await frames), ['start', 'data', 'end']);
  t.equal(await ended.catch(() => 200), 200);
});

t.test('what is too large is refused and counted (spec mapreduce.md 14)', async (t) => {
  const push = new Push({ linger: 0, sendTimeout: 5000 });
  await push.bind('tcp://127.0.0.1:*');
  t.teardown(() => push.close());
  const limits = { parts: 8, part: 10_000, body: 100 };
  const source = await openSource({ ...options('stins', push.lastEndpoint!), limits }, false);
  const frames = all(source);
  const image = (frame: number) => JSON.stringify({ htype: 'image', frame });
  await push.send([JSON.stringify({ htype: 'header' })]);
  await push.send([image(0), ...Array.from({ length: 9 }, () => 'x')]);
  await push.send([image(1), 'x'.repeat(9000)]);
  await push.send([image(2), 'x'.repeat(20_000)]);
  await push.send([image(3), 'x']);
  await push.send([JSON.stringify({ htype: 'series_end' })]);
  t.same(
    (await frames).map(({ mark, number }) => [mark, number]),
    [
      ['start', undefined],
      ['data', 1],
      ['data', 3],
      ['end', undefined],
    ],
  );
  t.equal(source.counts?.bad, 2);
  const kept = await keepSource({ ...options('sardana', 'http://127.0.0.1:0'), limits });
  t.teardown(() => kept!.close());
  const url = said.at(-1)!.split(' is ')[1]!;
  t.equal((await fetch(`${url}/v1/record_end`, { method: 'POST', body: `{"a":"${'x'.repeat(100)}"}` })).status, 413);
});

t.test('pcap-raw: greets, reads lines, and connects again', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.once('data', () => {
      if (connections === 1) return socket.destroy();
      for (const text of ['OK\narm_ti', 'me: 1\n\n', ' 1', ' 2\nEND 1\n']) socket.write(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const frames = await all(await openSource(options('pcap-raw', `tcp://127.0.0.1:${port}`), false));
  server.close();
  t.same(
    frames.map(({ mark, frames: [line] }) => [mark, String(line)]),
    [
      ['start', 'arm_time: 1\n\n'],
      ['data', ' 1 2\n'],
      ['end', 'END 1\n'],
    ],
  );
});

t.test('xtc: L1Accepts between Configure and EndRun', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'xtc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'run.xtc2');
  writeFileSync(file, execFileSync(executable('dgram-gen'), ['--events', '20'], { maxBuffer: 1 << 28 }));
  const frames = await all(await openSource(options('xtc', file), false));
  t.same(marks(frames), ['start', ...Array.from({ length: 20 }, () => 'data'), 'end']);
  t.ok(frames.every(({ typ, frames: [dgram] }) => typ === 'XTC2' && dgram!.length === 12 + dgram!.readUInt32LE(20)));
});

t.test('recordings and captures are sources', needsShared('data', 'mapreduce', 'dump'), async (t) => {
  const map = '7d0f6d1c-58a4-4b5e-9f53-0c2b1a7e4d10';
  const recording = join(SHARED, 'data/mapreduce/dump', `run7-mot-ingester-${map}.cbors.gz`);
  const recorded = await all(await openSource({ ...options('recorded', recording), stream: 'mot', rate: 500 }, false));
  t.same(
    recorded.map(({ typ }) => typ),
    Array.from({ length: 6 }, () => 'PCAP'),
  );
  const capture = join(SHARED, 'data/mapreduce/stins/series.cbors');
  const captured = await all(await openSource(options('stins', `file:${capture}`), false));
  t.same(
    captured.map(({ mark, number }) => [mark, number]),
    [['start', undefined], ...[0, 1, 2, 3, 4, 5].map((number) => ['data', number]), ['end', undefined]],
  );
});

t.test('hdf5: a packed dataset, frame by frame', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hdf5-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  await h5wasm.ready;
  const path = join(folder, 'a.h5');
  const file = new h5wasm.File(path, 'w');
  const data = Int32Array.from({ length: 24 }, (_, i) => -i);
  file.create_dataset({
    ...{ name: 'only', data, shape: [4, 2, 3], dtype: '<i' },
    ...{ chunks: [1, 2, 3], compression: 'gzip', compression_opts: 4 },
  });
  file.close();
  const frames = await all(await openSource({ ...options('hdf5', path), rate: 10_000 }, false));
  t.same(marks(frames), ['start', 'data', 'data', 'data', 'data', 'end']);
  t.same(
    frames.map(({ number }) => number),
    [undefined, 0, 1, 2, 3, undefined],
  );
  const [header, blob] = frames[2]!.frames;
  t.match(JSON.parse(String(header)), { htype: 'image', shape: [2, 3], type: 'int32', compression: 'none' });
  t.same([...new Int32Array(new Uint8Array(blob!).buffer)], [...data.subarray(6, 12)]);
});
