/** Sources that are the user's classes, in whole scans (spec mapreduce.md 7, kind script). */

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PROJECT, run } from '../executable.ts';
import { Ensemble, published } from '../mapreduce/ensemble.ts';

const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const POSITIONS = 20;
/** The thermometer takes part in every second event. */
const MAP = {
  parts: {
    row: {
      stage: Array.from({ length: POSITIONS }, (_, i) => [{ constraint: i }]),
      thermometer: Array.from({ length: POSITIONS }, (_, i) => (i % 2 === 0 ? [{ constraint: i }] : null)),
    },
  },
  sequence: ['row'],
};
const WORKER = `export default class {
  static acceptMissing = true;
  processEvent(event) {
    return Object.fromEntries([...event.streams].map(([name, { typ, frames }]) => [name, typ === 'MISSING' ? typ : String(frames[0])]));
  }
}`;
const REDUCER = `export default class {
  publish = { seen: {} };
  processResult({ event_number, payload }) { this.publish.seen[event_number] = JSON.stringify(payload); }
}`;

const BAD = `from dranspose.event import StreamData
from dranspose.ingester import Ingester, IsSoftwareTriggered

class Source(Ingester):
    async def run_source(self, stream):
        if stream == "thermometer":
            while True:
                yield IsSoftwareTriggered()
        for number in range(3):
            yield StreamData(typ="JSON", frames=[str(number).encode()])
        raise RuntimeError("out of order")

    def software_trigger(self):
        yield {"thermometer": StreamData(typ="JSON", frames=[b"1"])}
        yield {}
        yield {"thermometer": StreamData(typ="JSON", frames=[b"3"])}

class Dies(Source):
    async def run_source(self, stream):
        import os
        yield StreamData(typ="JSON", frames=[b"0"])
        os._exit(9)
`;

async function scan(t: Test, upstream: string, ...more: string[]) {
  const ensemble = await Ensemble.start(t);
  const folder = t.testdir({ 'w.mjs': WORKER, 'r.mjs': REDUCER, 'bad.py': BAD });
  const streams = ['--stream', 'stage', '--stream', 'thermometer'];
  const ingester = ensemble.run('map-ingest', [
    '--kind',
    'script',
    '--upstream',
    upstream.replace('FOLDER', folder),
    ...streams,
    ...more,
  ]);
  ensemble.run('map-work', ['--js', join(folder, 'w.mjs'), '--name', 'w1']);
  const reducer = ensemble.run('map-reduce', [
    '--js',
    join(folder, 'r.mjs'),
    '--bind',
    'tcp://127.0.0.1:*',
    '--port',
    '0',
  ]);
  const play = async () => {
    await ensemble.post(MAP, 1);
    const progress = await ensemble.finished();
    return { progress, seen: await seenBy(await published(reducer)) };
  };
  return { ensemble, ingester, play };
}

async function seenBy(http: string): Promise<Record<number, Record<string, string>>> {
  const hex = (path: string) => Buffer.from(path).toString('hex').toUpperCase();
  const group = `${http}/groups/g-h5dict-${hex('/seen')}`;
  const { links } = (await (await fetch(`${group}/links`)).json()) as { links: { title: string }[] };
  const seen: Record<number, Record<string, string>> = {};
  for (const { title } of links) {
    const answer = await fetch(`${http}/datasets/d-h5dict-${hex(`/seen/${title}`)}/value`);
    seen[Number(title)] = JSON.parse(((await answer.json()) as { value: string }).value) as Record<string, string>;
  }
  return seen;
}

/** Reads of the thermometer count up, over the start event, every second image, and the end event. */
function checkWhole(t: Test, seen: Record<number, Record<string, string>>): void {
  const reads = [0, ...Array.from({ length: POSITIONS / 2 }, (_, i) => 1 + 2 * i), POSITIONS + 1];
  for (let event = 0; event < POSITIONS + 2; event++) {
    const stage = event === 0 ? '"start"' : event > POSITIONS ? '"end"' : JSON.stringify((event - 1) * 2);
    const read = reads.indexOf(event);
    t.same(seen[event], read < 0 ? { stage } : { stage, thermometer: String(read + 1) }, `event ${event}`);
  }
}

for (const [language, upstream] of Object.entries({
  Python: 'positions:Positions',
  JavaScript: join(EXAMPLES, 'positions-source.mjs'),
})) {
  t.test(
    `${language}: one stream brings frames, the other makes them for events; one map after the other`,
    async (t) => {
      const { ingester, play } = await scan(t, upstream);
      for (let map = 0; map < 2; map++) {
        const { progress, seen } = await play();
        t.match(progress, { completed_events: POSITIONS + 2, damaged: 0 });
        checkWhole(t, seen);
      }
      t.equal(await ingester.stop(), 0, ingester.words);
    },
  );
}

t.test(
  'a class that raises, has nothing, ends or dies: its events go on without the stream, and it is said',
  async (t) => {
    for (const name of ['Source', 'Dies']) {
      const { ingester, play } = await scan(t, `FOLDER/bad.py:${name}`, '--alias-dranspose');
      for (let map = 0; map < 2; map++) {
        const { progress, seen } = await play();
        t.equal(progress.completed_events, POSITIONS + 2);
        const stage = Array.from({ length: POSITIONS + 2 }, (_, event) => seen[event]?.stage);
        const there = name === 'Source' ? ['0', '1', '2'] : ['0'];
        t.same(stage, [...there, ...Array.from({ length: POSITIONS + 2 - there.length }, () => 'MISSING')]);
        if (name === 'Source')
          t.same(
            [0, 1, 3, 5].map((event) => seen[event]?.thermometer),
            ['1', 'MISSING', '3', 'MISSING'],
          );
      }
      t.equal(await ingester.stop(), 3);
      t.match(
        ingester.words,
        name === 'Source'
          ? /stream stage: .*RuntimeError: out of order \(.*bad\.py:\d+\)/
          : /the process ended: exit status 9/,
      );
    }
  },
);

t.test('what cannot be used is said', async (t) => {
  const { ensemble } = { ensemble: await Ensemble.start(t) };
  const refused = async (upstream: string, status: number, pattern: RegExp) => {
    const args = ['--redis', ensemble.redis.url, '--kind', 'script', '--upstream', upstream, '--stream', 's'];
    const outcome = await run('map-ingest', args, {
      cwd: t.testdir({ 'x.mjs': 'export default 5', 'y.py': 'raise ValueError("no")' }),
    });
    t.equal(outcome.status, status, outcome.stderr);
    t.match(outcome.stderr, pattern);
  };
  await refused('nothing', 2, /neither module:Class nor FILE.mjs/);
  await refused('absent:Class', 1, /No module named 'absent'/);
  await refused('y:Class', 1, /ValueError: no/);
  await refused('x.mjs', 2, /no default export/);
  await refused('absent.mjs', 2, /absent.mjs: no such file/);
});
