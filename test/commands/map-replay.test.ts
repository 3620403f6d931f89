/** `map-replay` on recordings (spec mapreduce.md 10). */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    'bad.py': 'class Worker:\n    def __init__(self, **kwargs):\n        raise ValueError("no")\n',
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
  await ends(2, /is not module:Class/, '-w', 'absent', '-f', 'x.cbors');
  await ends(2, /no default export/, '-w', 'e.mjs', '-f', 'x.cbors');
  await ends(2, /what is to be replayed/, '-w', 'bad:Worker');
  await ends(2, /no such file|ENOENT/, '-w', 'bad:Worker', '-f', 'absent.cbors');
});
