/** Large frames of an ingester reach workers of its machine through shared memory: real processes, every byte is looked at. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { Push } from 'zeromq';
import { executable } from '../executable.ts';
import { batches, Ensemble } from '../mapreduce/control/ensemble.ts';
import { until } from '../until.ts';

t.setTimeout(300_000);

const LARGE = 2 << 20;
const SMALL = 100;

const JS = `
import { appendFileSync } from 'node:fs';
const large = Buffer.alloc(${LARGE}), small = Buffer.alloc(${SMALL});
export default class {
  static acceptMissing = true;
  constructor({ state }) { this.file = state.name + '.seen'; }
  processEvent(event) {
    const { typ, frames } = event.streams.get('det');
    let what = typ;
    if (frames.length === 2) {
      const expected = (frames[1].length === ${LARGE} ? large : small).fill(event.event_number);
      what = frames[1].equals(expected) ? 'right' : 'wrong';
      frames[1].fill(0);
    } else if (frames.length === 1) what = 'mark';
    const until = performance.now() + Number(process.env.SLOW ?? 0);
    while (performance.now() < until);
    appendFileSync(this.file, event.event_number + ' ' + what + '\\n');
    return process.env.RESULTS ? { n: 1 } : undefined;
  }
}`;

const PY = `
class Copies:
    accept_missing = True
    def __init__(self, state, **kwargs):
        self.file = open(state.name + ".seen", "a", buffering=1)
    def process_event(self, event, parameters, tick):
        data = event.streams["det"]
        what = data.typ
        if data.length == 2:
            frame = data.frames[1]
            what = "right" if self.bytes_of(frame) == bytes([event.event_number % 256]) * len(frame) else "wrong"
        elif data.length == 1:
            what = "mark"
        self.file.write("%d %s\\n" % (event.event_number, what))
    def bytes_of(self, frame):
        return frame.bytes
class Views(Copies):
    borrow_frames = True
    def bytes_of(self, frame):
        return frame
class Keeps(Views):
    kept = []
    def bytes_of(self, frame):
        if isinstance(frame, memoryview):
            self.kept.append(memoryview(frame)[1:])
        return frame
`;

class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'shared-frames-'));
  readonly ensemble: Ensemble;
  readonly #socket: Push;
  readonly #children: { kill(signal: NodeJS.Signals): boolean; stderr: string; ended: Promise<unknown> }[] = [];

  private constructor(t: Test, ensemble: Ensemble, socket: Push) {
    this.ensemble = ensemble;
    this.#socket = socket;
    writeFileSync(join(this.folder, 'w.mjs'), JS);
    writeFileSync(join(this.folder, 'p.py'), PY);
    t.teardown(async () => {
      for (const child of this.#children) child.kill('SIGKILL');
      await Promise.all(this.#children.map(({ ended }) => ended));
      socket.close();
      for (const file of this.segments()) rmSync(join('/dev/shm', file));
      rmSync(this.folder, { recursive: true });
    });
  }

  static async start(t: Test): Promise<Scene> {
    const ensemble = await Ensemble.start(t, { workers: 0, streams: [], ours: true });
    const socket = new Push({ linger: 0, sendHighWaterMark: 2 });
    await socket.bind('tcp://127.0.0.1:*');
    return new Scene(t, ensemble, socket);
  }

  /** Name of the ingester, so that scenes do not meet. */
  get ingester(): string {
    return `det${process.pid}-${this.folder.slice(-6)}`;
  }

  segments(): string[] {
    return readdirSync('/dev/shm').filter((file) => file.includes(this.ingester));
  }

  run(command: string, args: readonly string[], env: Record<string, string> = {}) {
    const child = execa(executable(command), ['--redis', this.ensemble.redis.url, ...args], {
      ...{ cwd: this.folder, reject: false, stdin: 'ignore', stdout: 'ignore', env },
    });
    const one = { kill: (signal: NodeJS.Signals) => child.kill(signal), stderr: '', ended: child as Promise<unknown> };
    child.stderr?.on('data', (text) => {
      one.stderr += String(text);
    });
    this.#children.push(one);
    return one;
  }

  ingest(...more: string[]) {
    const url = this.#socket.lastEndpoint!;
    return this.run('map-ingest', ['--stream', 'det', '--upstream', url, '--name', this.ingester, ...more]);
  }

  async connected(workers: number): Promise<void> {
    await until('workers at the ingester', async () => {
      const { ingesters } = await this.ensemble.get<{ ingesters: { connected_workers: object }[] }>('config');
      return Object.keys(ingesters[0]?.connected_workers ?? {}).length === workers;
    });
  }

  /** Event n has a frame full of n; one in three is small. */
  async frames(from: number, to: number): Promise<void> {
    if (from === 0) await this.#socket.send('{"htype":"header"}');
    for (let frame = from; frame < to; frame++)
      await this.#socket.send([
        JSON.stringify({ htype: 'image', frame }),
        Buffer.alloc(frame % 3 === 2 ? SMALL : LARGE, frame + 1),
      ]);
  }

  async end(): Promise<void> {
    await this.#socket.send('{"htype":"series_end"}');
  }

  /** Lines `event what` of all workers. */
  get seen(): string[] {
    return readdirSync(this.folder)
      .filter((file) => file.endsWith('.seen'))
      .flatMap((file) => readFileSync(join(this.folder, file), 'utf8').trim().split('\n'));
  }
}

async function balanceOf(child: { kill(signal: NodeJS.Signals): boolean; stderr: string }): Promise<string> {
  const before = child.stderr.length;
  child.kill('SIGUSR1');
  return until('the balance', () => /in \d+ = .*\n/.exec(child.stderr.slice(before))?.[0]);
}

t.test('workers in JavaScript and Python, one without shared memory: every frame is what was sent', async (t) => {
  const scene = await Scene.start(t);
  // Smaller than what is sent: it is waited for room, and memory is used again and again.
  const ingest = scene.ingest('--shared-memory', '13M');
  const work = (name: string, ...args: string[]) => scene.run('map-work', [...args, '--name', name, '--tags', name]);
  const js = work('js', '--js', 'w.mjs');
  const sockets = work('sockets', '--js', 'w.mjs', '--no-shared-memory');
  const copies = work('copies', 'p:Copies');
  const views = work('views', 'p:Views');
  await scene.connected(4);
  const tags = ['js', 'sockets', 'copies', 'views'];
  // One frame in ten goes to two, of whom one reads it from the socket.
  const cells = Array.from({ length: 120 }, (_, i) => [
    { constraint: i, tags: [tags[i % 4]] },
    ...(i % 10 === 0 ? [{ constraint: -i, tags: ['sockets'] }] : []),
  ]);
  await scene.ensemble.post({ parts: { main: { det: cells } }, sequence: ['main'] });
  await scene.frames(0, 120);
  await scene.end();
  const { completed_events, damaged } = await scene.ensemble.finished();
  t.same([completed_events, damaged], [122, 0]);
  const seen = scene.seen;
  t.same(
    seen.filter((line) => line.endsWith('wrong')),
    [],
  );
  t.equal(new Set(seen.filter((line) => line.endsWith('right'))).size, 120);
  for (const [worker, shared] of [
    [js, true],
    [copies, true],
    [views, true],
    [sockets, false],
  ] as const)
    t.equal(/shared-frames \d+/.test(await balanceOf(worker)), shared);
  const balance = await until('the end', async () => {
    const text = await balanceOf(ingest);
    return text.includes('shared-bytes') ? undefined : text;
  });
  t.match(balance, /shared \d+/);
  t.notMatch(balance, /kept-bytes/);
  t.equal(scene.segments().length, 1);
  ingest.kill('SIGTERM');
  await ingest.ended;
  t.same(scene.segments(), []);
  t.match(ingest.stderr, /received 122 = sent 122$/m);
});

t.test('a reducer that accepts nothing stops no scan: what is complete goes when there is no room', async (t) => {
  const scene = await Scene.start(t);
  await scene.ensemble.reducer!.kill({ delete: false });
  const ingest = scene.ingest('--shared-memory', '9M');
  scene.run('map-work', ['--js', 'w.mjs', '--name', 'js'], { RESULTS: '1' });
  await scene.connected(1);
  await scene.ensemble.post(batches(12, 1));
  await scene.frames(0, 12);
  await scene.end();
  await scene.ensemble.complete(14);
  t.same(
    scene.seen.filter((line) => line.endsWith('wrong')),
    [],
  );
  t.match(await balanceOf(ingest), /in 14 = out 14;/);
});

t.test('a worker is killed amid the scan: others get its frames, nothing is lost', async (t) => {
  const scene = await Scene.start(t);
  scene.ingest('--shared-memory', '32M');
  const victim = scene.run('map-work', ['--js', 'w.mjs', '--name', 'victim'], { SLOW: '20' });
  scene.run('map-work', ['p:Copies', '--name', 'copies']);
  await scene.connected(2);
  await scene.ensemble.post(batches(60, 1));
  const sending = scene.frames(0, 60).then(() => scene.end());
  await scene.ensemble.complete(12);
  victim.kill('SIGKILL');
  await sending;
  const { completed_events, damaged } = await scene.ensemble.finished();
  t.same([completed_events, damaged], [62, 0]);
  t.same(
    scene.seen.filter((line) => line.endsWith('wrong')),
    [],
  );
  t.equal(new Set(scene.seen.filter((line) => line.endsWith('right'))).size, 60);
});

t.test('the ingester is killed amid the scan: what came is right, and its memory goes with the next one', async (t) => {
  const scene = await Scene.start(t);
  const first = scene.ingest('--shared-memory', '32M');
  scene.run('map-work', ['--js', 'w.mjs', '--name', 'js'], { SLOW: '5' });
  scene.run('map-work', ['p:Copies', '--name', 'copies']);
  await scene.connected(2);
  await scene.ensemble.post(batches(60, 1));
  const sending = scene.frames(0, 30);
  await scene.ensemble.complete(12);
  first.kill('SIGKILL');
  await first.ended;
  const [left] = scene.segments();
  t.ok(left, 'nobody could take it away');
  scene.ingest('--shared-memory', '32M');
  await sending;
  await until('the memory of the first to go', () => !scene.segments().includes(left!));
  await scene.connected(2);
  await scene.frames(30, 60);
  await scene.end();
  const { completed_events } = await scene.ensemble.finished();
  t.equal(completed_events, 62);
  t.same(
    scene.seen.filter((line) => line.endsWith('wrong')),
    [],
  );
});

t.test('a class that keeps a borrowed frame is told so: it would see another frame later', async (t) => {
  const scene = await Scene.start(t);
  scene.ingest();
  const keeps = scene.run('map-work', ['p:Keeps', '--name', 'keeps']);
  await scene.connected(1);
  await scene.ensemble.post(batches(2, 1));
  await scene.frames(0, 2);
  await scene.end();
  const { damaged } = await scene.ensemble.finished();
  t.equal(damaged, 2);
  t.match(keeps.stderr, /keeps a view of a borrowed frame/);
});
