/** `map-replay` on recordings (spec mapreduce.md 10). */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import h5wasm, { type Dataset, type File } from 'h5wasm/node';
import t, { type Test } from 'tap';
import { eventPieces } from '../../lib/mapreduce/record/event-item.ts';
import { PROJECT, run } from '../executable.ts';
import { needsShared, SHARED } from '../golden.ts';

const DUMP = join(SHARED, 'data/mapreduce/dump');
const shared = needsShared('data', 'mapreduce', 'dump');
const UUID = '7d0f6d1c-58a4-4b5e-9f53-0c2b1a7e4d10';
const DET = join(DUMP, `run7-det-ingester-${UUID}.cbors`);
const MOT = join(DUMP, `run7-mot-ingester-${UUID}.cbors`);
const EXAMPLES = join(PROJECT, 'examples/mapreduce');

/** Prints what every worker gets, and what the reducer gets. */
const TELLS = `import sys
from daqpipe.mapreduce.event import InternalWorkerMessage, StreamData
class Worker:
    def __init__(self, parameters, state, **kwargs):
        self.name = state.name
    def process_event(self, event, parameters, tick):
        if event.event_number == 3 and "raise" in sys.argv: raise ValueError("three")
        return {"w": self.name, "streams": {n: [len(f.bytes) for f in s.frames] for n, s in event.streams.items()},
                "threshold": parameters["threshold"].data.decode() if "threshold" in parameters else None}
class Reducer:
    def __init__(self, **kwargs):
        pass
    def process_result(self, result, parameters):
        print("TOLD", result.event_number, result.worker, result.payload["streams"], result.payload["threshold"])
class Source:
    def get_source_generators(self):
        return [self.numbers("a", 4), self.numbers("b", 6)]
    def numbers(self, name, count):
        for number in range(count):
            yield InternalWorkerMessage(event_number=number, streams={name: StreamData(typ="X", frames=[bytes(number)])})
`;

async function replay(t: Test, ...args: string[]) {
  const cwd = t.testdir({ 'tells.py': TELLS });
  const words = ['-w', 'tells:Worker', '-r', 'tells:Reducer', ...args];
  const { stderr, status } = await run('map-replay', words, { cwd });
  const told = [...stderr.matchAll(/TOLD (\d+) (\S+) (\{.*?\}) (\S+)$/gm)].map(
    ([, event, worker, streams, threshold]) => ({
      event: Number(event),
      worker: worker!,
      streams: JSON.parse(streams!.replaceAll("'", '"')) as Record<string, number[]>,
      threshold,
    }),
  );
  return { stderr, status, told };
}

interface Expected {
  readonly event_number: number;
  readonly streams: Record<string, { frames: { bytes: number }[] }>;
}

t.test('two recordings of a scan: every event with all its streams; a packed file is the same', shared, async (t) => {
  const expected = readFileSync(join(DUMP, 'expected.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Expected);
  for (const mot of [MOT, `${MOT}.gz`]) {
    const parameters = join(DUMP, `run7-parameters-${UUID}.json`);
    const { stderr, status, told } = await replay(t, '-f', DET, '-f', mot, '--parameters', parameters);
    t.equal(status, 0, stderr);
    for (const { event_number, streams } of expected) {
      const got = told.filter(({ event }) => event === event_number);
      t.equal(got.length, event_number === 0 ? 2 : 1, `event ${event_number}`);
      const sizes = Object.fromEntries(
        Object.entries(streams).map(([name, { frames }]) => [name, frames.map(({ bytes }) => bytes)]),
      );
      for (const one of got) t.same(one.streams, sizes, `event ${event_number}`);
    }
    t.ok(told.every(({ threshold }) => threshold === '12.5'));
    t.match(stderr, /OK in 9 = out 9; events 8, results 9/);
  }
});

t.test('a cut recording: reported, the rest is used, the others go on, 3', shared, async (t) => {
  const { stderr, status, told } = await replay(t, '-f', join(DUMP, 'cut.cbors'), '-f', DET);
  t.equal(status, 3);
  t.same([...new Set(told.map(({ event }) => event))], [0, 1, 2, 3, 4, 5, 6, 7]);
  t.match(stderr, /cut\.cbors: the last item is cut off/);
  t.match(stderr, /cut\.cbors ends with event \d+, before the others/);
});

t.test('the same seed deals the same events to the same workers, another one does not', shared, async (t) => {
  const dealt = async (seed: string) =>
    (await replay(t, '-f', DET, '-f', MOT, '--nworkers', '3', '--seed', seed)).told.map(
      ({ event, worker }) => `${event} ${worker}`,
    );
  const first = await dealt('5');
  t.same(await dealt('5'), first);
  t.notSame(await dealt('6'), first);
});

t.test('a plan deals streams and events as it says', shared, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const plan = join(folder, 'plan.jsonl');
  const lines = [
    { op: 1, assign: [{ event_number: 0, assignments: { det: ['x', 'y'], mot: ['x'] } }] },
    { op: 2, complete: [0] },
    {
      op: 3,
      assign: [
        { event_number: 2, assignments: { det: ['y'] } },
        { event_number: 3, assignments: { det: [], mot: ['x'] } },
      ],
    },
  ];
  writeFileSync(plan, lines.map((line) => JSON.stringify(line)).join('\n'));
  const { told, stderr, status } = await replay(t, '-f', DET, '-f', MOT, '--plan', plan);
  t.equal(status, 0);
  t.same(
    told.map(({ event, worker, streams }) => [event, worker, Object.keys(streams).sort().join()]),
    [
      [0, 'x', 'det,mot'],
      [0, 'y', 'det'],
      [2, 'y', 'det'],
      [3, 'x', 'mot'],
    ],
  );
  t.match(stderr, /events 8, for-nobody 5/);
});

t.test('the recorded map deals what met on one worker to one worker, start and end to all', shared, async (t) => {
  const { told, status } = await replay(t, '-f', DET, '-f', MOT, '--map', join(DUMP, `run7-mapping-${UUID}.json`));
  t.equal(status, 0);
  const count = (event: number) => told.filter((one) => one.event === event).length;
  t.same([0, 1, 2, 3, 4, 5, 6, 7].map(count), [2, 1, 1, 1, 1, 1, 1, 2]);
});

t.test('a file that ends before the others is named, and the status says so', shared, async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'replay-')), 'short.cbors');
  t.teardown(() => rmSync(dirname(file), { recursive: true }));
  const streams = new Map([['mot', { typ: 'X', frames: [] }]]);
  writeFileSync(file, Buffer.concat(eventPieces({ event_number: 0, streams, created_at: undefined })));
  const { told, stderr, status } = await replay(t, '-f', DET, '-f', file);
  t.equal(status, 3);
  t.equal(new Set(told.map(({ event }) => event)).size, 8);
  t.match(stderr, /short\.cbors ends with event 0, before the others/);
});

t.test('parameters: JSON and CBOR by -p; a number that a process manager appends is no file', shared, async (t) => {
  for (const ending of ['json', 'cbor']) {
    const file = join(DUMP, `run7-parameters-${UUID}.${ending}`);
    const { told, status, stderr } = await replay(t, '-f', DET, '-p', file, '-u', 'me', '-p', '3');
    t.equal(status, 0, stderr);
    t.ok(told.length > 0 && told.every(({ threshold }) => threshold === '12.5'), ending);
  }
});

t.test('dgrams, a dataset of HDF5 and the capture of a detector, merged', shared, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  await h5wasm.ready;
  const file = new h5wasm.File(join(folder, 'run.h5'), 'w');
  file.create_group('entry');
  file.create_dataset({ name: 'entry/data', data: new Uint16Array(36), shape: [6, 2, 3], dtype: '<H' });
  file.create_dataset({ name: 'entry/energy', data: new Float64Array(6), shape: [6], dtype: '<d' });
  file.create_dataset({ name: 'entry/title', data: 'a scan', shape: [], dtype: 'S' });
  file.close();
  const xtc = await run('dgram-gen', ['--events', '6']);
  writeFileSync(join(folder, 'run.xtc2'), xtc.stdout);
  const series = join(SHARED, 'data/mapreduce/stins/series.cbors');
  const more = ['-f', `det=stins:${series}`, '-f', `mono=${folder}/run.h5:/entry/energy`];
  const { told, status, stderr } = await replay(
    t,
    ...['-f', `cam=${folder}/run.xtc2`, '-f', `img=${folder}/run.h5:/entry/data`, ...more],
  );
  t.equal(status, 0, stderr);
  const seen = new Map(told.map(({ event, streams }) => [event, streams]));
  t.same([...seen.keys()], [0, 1, 2, 3, 4, 5, 6, 7], 'start, six frames, end');
  for (const [event, streams] of seen) {
    t.same(Object.keys(streams).sort(), ['cam', 'det', 'img', 'mono'], `event ${event}`);
    t.equal(streams.cam?.length, 1);
    t.equal(streams.img?.[1], event > 0 && event < 7 ? 12 : undefined);
    t.equal(streams.mono?.[1], event > 0 && event < 7 ? 8 : undefined);
  }
  writeFileSync(join(folder, 'cut.xtc2'), xtc.stdout.subarray(0, xtc.stdout.length - 20));
  writeFileSync(join(folder, 'cut.cbors'), readFileSync(series).subarray(0, -4));
  const cut = await replay(t, '-f', `cam=${folder}/cut.xtc2`, '-f', `det=stins:${folder}/cut.cbors`);
  t.equal(cut.status, 3);
  t.match(cut.stderr, /cut\.xtc2: byte \d+: .*\n/);
  t.match(cut.stderr, /cut\.cbors: .*cut off/);
  const refused = async (status: number, pattern: RegExp, word: string) => {
    const outcome = await replay(t, '-f', word);
    t.equal(outcome.status, status, outcome.stderr);
    t.match(outcome.stderr, pattern);
  };
  await refused(2, /which dataset\? .*\/entry\/data, \/entry\/energy/, `img=${folder}/run.h5`);
  await refused(2, /\/entry\/title is no dataset of numbers/, `img=${folder}/run.h5:/entry/title`);
  await refused(2, /is no dataset of numbers/, `img=${folder}/run.h5:/absent`);
  await refused(2, /no HDF5 file/, `img=hdf5:${folder}/run.xtc2`);
  await refused(2, /ENOENT|no such file/, `img=${folder}/absent.h5`);
  await refused(2, /ENOENT|no such file/, `cam=${folder}/absent.xtc2`);
  await refused(2, /which stream is it/, `${folder}/run.h5`);
  await refused(2, /of which kind/, `det=${folder}/some`);
  t.equal((await replay(t, '-f', DET, '--rate', 'fast')).status, 2);
  t.equal((await replay(t, '-f', DET, '--rate', '1000')).status, 0);
});

t.test('--save: what was published, as HDF5 or JSON', shared, async (t) => {
  const folder = t.testdir({
    'p.mjs': `export default class {
      publish = { _attrs: { title: 'all' }, group: { x: Float32Array.of(1.5, 2.5) }, n: 7, on: true, gone: Number.NaN, names: ['a', 'ü'],
        img: [[1, 2], [3, 4]], img_attrs: { unit: 'adu', dark: [1, 2] } };
      processResult() {}
    }`,
    'w.mjs': 'export default class { processEvent() { return 1; } }',
    'p.py': `import array
class Reducer:
    def __init__(self, **kwargs):
        self.publish = {"n": 7, "text": "grün", "img": [[1.5, 2.5]], "flat": array.array("H", [1, 2])}
        try:
            import numpy
            self.publish["big"] = numpy.arange(3, dtype=">u2")
        except ImportError:
            pass
    def process_result(self, result, parameters): pass
`,
  });
  await h5wasm.ready;
  const saved = async (reducer: string) => {
    const args = ['-w', 'w.mjs', '-r', reducer, '-f', DET, '--save', 'out.h5'];
    const { status, stderr } = await run('map-replay', args, { cwd: folder });
    t.equal(status, 0, stderr);
    return new h5wasm.File(join(folder, 'out.h5'), 'r');
  };
  const value = (file: File, path: string) => (file.get(path) as Dataset).value;
  const js = await saved('p.mjs');
  t.equal(js.attrs.title?.value, 'all');
  t.same(value(js, 'group/x'), Float32Array.of(1.5, 2.5));
  t.equal(value(js, 'n'), 7n);
  t.equal(value(js, 'on'), 1);
  t.ok(Number.isNaN(value(js, 'gone')));
  t.same(value(js, 'names'), ['a', 'ü']);
  t.same((js.get('img') as Dataset).shape, [2, 2]);
  t.same(value(js, 'img'), BigInt64Array.of(1n, 2n, 3n, 4n));
  t.equal((js.get('img') as Dataset).attrs.unit?.value, 'adu');
  t.same((js.get('img') as Dataset).attrs.dark?.value, BigInt64Array.of(1n, 2n));
  js.close();
  const python = await saved('p:Reducer');
  t.equal(value(python, 'text'), 'grün');
  t.same(value(python, 'img'), Float64Array.of(1.5, 2.5));
  t.same(value(python, 'flat'), Uint16Array.of(1, 2));
  if (python.keys().includes('big')) t.same(value(python, 'big'), Uint16Array.of(0, 1, 2));
  python.close();
  const args = ['-w', 'w.mjs', '-r', 'p.mjs', '-f', DET];
  t.equal((await run('map-replay', [...args, '--save', 'out.json'], { cwd: folder })).status, 0);
  t.match(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')), { n: 7, img_attrs: { unit: 'adu' } });
  t.equal(
    (await run('map-replay', ['-w', 'w.mjs', '-r', 'p.mjs', '-f', DET, '--save', 'absent/out.h5'], { cwd: folder }))
      .status,
    2,
  );
});

t.test('a source class, whose generators end at different events', async (t) => {
  const { told, stderr, status } = await replay(t, '-s', 'tells:Source', '--nworkers', '1');
  t.equal(status, 0, stderr);
  t.same(
    told.map(({ event, streams }) => [event, streams]),
    [...[0, 1, 2, 3].map((n) => [n, { a: [n], b: [n] }]), ...[4, 5].map((n) => [n, { b: [n] }])],
  );
  t.match(stderr, /tells:Source 0 ends with event 3, before the others/);
});

t.test('the examples, in both languages, agree', async (t) => {
  const file = join(t.testdir({}), 'images.cbors');
  const image = (frame: number) => {
    const header = { htype: 'image', msg_number: frame + 1, frame, shape: [2], type: 'uint16', compression: 'none' };
    return [Buffer.from(JSON.stringify(header)), Buffer.from(Uint16Array.of(frame, 5).buffer)];
  };
  const events = Array.from({ length: 20 }, (_, frame) => {
    const streams = new Map([['det', { typ: 'STINS', frames: image(frame) }]]);
    return Buffer.concat(eventPieces({ event_number: frame, streams, created_at: undefined }));
  });
  writeFileSync(file, Buffer.concat(events));
  for (const words of [
    ['sums:Sums', 'sums:Histogram'],
    ['sums-worker.mjs', 'sums:Histogram'],
    ['sums:Sums', 'histogram-reducer.mjs'],
  ]) {
    const { stderr, status } = await run(
      'map-replay',
      ['-w', words[0]!, '-r', words[1]!, '-f', file, '--nworkers', '1'],
      { cwd: EXAMPLES },
    );
    t.equal(status, 0, stderr);
    t.match(stderr, /OK in 20 = out 20; events 20, results 20/);
    if (words[1] === 'sums:Histogram') t.match(stderr, /20 images, total 290/);
  }
});

t.test('what cannot be used is said', async (t) => {
  const cwd = t.testdir({
    'bad.py':
      'class Worker:\n    def __init__(self, **kwargs):\n        raise ValueError("no")\n    def process_event(self, event): pass\n',
    'odd.py': 'class Worker:\n    def process_evnt(self, event): pass\n',
    'broken.py': 'def f(:\n',
    'odd.mjs': 'export default class { processEvnt() {} }',
    'x.cbors': 'nothing',
    'e.mjs': 'export default 5',
  });
  const ends = async (status: number, pattern: RegExp, ...args: string[]) => {
    const outcome = await run('map-replay', args, { cwd });
    t.equal(outcome.status, status, outcome.stderr);
    t.match(outcome.stderr, pattern);
  };
  await ends(1, /bad:Worker: ValueError: no \(.*bad\.py:3\)/, '-w', 'bad:Worker', '-f', 'x.cbors');
  await ends(1, /ModuleNotFoundError/, '-w', 'absent:Worker', '-f', 'x.cbors');
  await ends(1, /class Worker has no method process_event$/m, '-w', 'odd:Worker', '-f', 'x.cbors');
  await ends(1, /broken:W: SyntaxError: invalid syntax \(broken\.py, line 1\)\n$/, '-w', 'broken:W', '-f', 'x.cbors');
  await ends(1, /odd\.mjs: TypeError: the class has no processEvent/, '-w', 'odd.mjs', '-f', 'x.cbors');
  await ends(2, /--save x.txt: the name ends in .json/, '-w', 'odd.mjs', '-f', 'x.cbors', '--save', 'x.txt');
  await ends(2, /is not module:Class/, '-w', 'absent', '-f', 'x.cbors');
  await ends(2, /no default export/, '-w', 'e.mjs', '-f', 'x.cbors');
  await ends(2, /what is to be replayed/, '-w', 'bad:Worker');
  await ends(2, /no such file|ENOENT/, '-w', 'bad:Worker', '-f', 'absent.cbors');
});
