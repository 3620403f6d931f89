/** The source of kind script: frames of generators, and frames made for events (spec mapreduce.md 7). */

import t from 'tap';
import type { StreamData } from '../../../lib/mapreduce/frames/types.ts';
import { Script, type ScriptItem, type ScriptRuntime } from '../../../lib/mapreduce/source/script.ts';
import { Random } from '../../random.ts';

const data = (typ: string, text: string): StreamData => ({ typ, frames: [Buffer.from(text)] });

/** A class whose streams are lists; who waits is woken in a drawn order. */
class Lists implements ScriptRuntime {
  triggers: number[] = [];
  readonly #streams: Readonly<Record<string, readonly (ScriptItem | Error)[]>>;
  readonly #made: (event: number) => ReadonlyMap<string, StreamData> | undefined;
  readonly #random: Random;
  #next = new Map<string, number>();

  constructor(
    streams: Readonly<Record<string, readonly (ScriptItem | Error)[]>>,
    made: (event: number) => ReadonlyMap<string, StreamData> | undefined,
    seed = 1,
  ) {
    this.#streams = streams;
    this.#made = made;
    this.#random = new Random(seed);
  }

  async #turns(): Promise<void> {
    for (let n = this.#random.below(4); n > 0; n--) await new Promise((resolve) => setImmediate(resolve));
  }

  async begin(): Promise<void> {
    this.#next = new Map();
  }

  async next(stream: string): Promise<ScriptItem> {
    await this.#turns();
    const at = this.#next.get(stream) ?? 0;
    this.#next.set(stream, at + 1);
    const item = this.#streams[stream]![at];
    if (item instanceof Error) throw item;
    return item;
  }

  async trigger(event: number): Promise<ReadonlyMap<string, StreamData> | undefined> {
    await this.#turns();
    this.triggers.push(event);
    return this.#made(event);
  }

  async close(): Promise<void> {}
}

async function read(script: Script, stream: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const seen: string[] = [];
  if (most === 0) return seen;
  for await (const { mark, typ, frames } of script.frames(stream)) {
    seen.push(`${mark} ${typ} ${String(frames[0] ?? '')}`);
    if (seen.length === most) break;
  }
  return seen;
}

t.test('frames of a generator; one that raises ends its stream and is named', async (t) => {
  const said: string[] = [];
  const lists = new Lists(
    { a: [data('X', '1'), data('X', '2')], b: [data('Y', '1'), new Error('broken')] },
    () => undefined,
  );
  const script = new Script(lists, (text) => said.push(text));
  await script.begin(['a', 'b']);
  t.same(await read(script, 'a'), ['start X 1', 'data X 2']);
  t.same(await read(script, 'b'), ['start Y 1']);
  t.same(said, ['stream b: broken']);
});

t.test('triggered streams: one call per event that wants one of them, whatever comes first', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const made = (event: number) =>
      event % 5 === 4
        ? new Map()
        : new Map([
            ['x', data('T', `x${event}`)],
            ['y', data('T', `y${event}`)],
          ]);
    const lists = new Lists(
      { det: Array.from({ length: 40 }, (_, i) => data('D', `${i}`)), x: ['triggered'], y: ['triggered'] },
      made,
      seed,
    );
    const script = new Script(lists, () => {});
    await script.begin(['det', 'x', 'y']);
    const want: Record<string, number[]> = { x: [], y: [], det: [] };
    for (let event = 0; event < 30; event++)
      for (const stream of ['x', 'y', 'det']) if (random.chance(0.6)) want[stream]!.push(event);
    const reading = Promise.all(['x', 'y', 'det'].map((stream) => read(script, stream, want[stream]!.length)));
    for (let event = 0; event < 30; event++) {
      for (const stream of ['det', 'x', 'y']) if (want[stream]!.includes(event)) script.wanted(event, stream);
      if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
    }
    const [x, y, det] = await reading;
    const expected = (name: string) =>
      want[name]!.map((event) => (event % 5 === 4 ? 'data MISSING ' : `data T ${name}${event}`));
    const plain = (seen: readonly string[]) => seen.map((text) => text.replace(/^start/, 'data'));
    t.same(plain(x!), expected('x'), `seed ${seed}`);
    t.same(plain(y!), expected('y'), `seed ${seed}`);
    t.same(
      plain(det!),
      want.det!.map((_, i) => `data D ${i}`),
      `seed ${seed}`,
    );
    t.same(
      lists.triggers,
      [...new Set([...want.x!, ...want.y!])].sort((a, b) => a - b),
      `seed ${seed}: once, in order`,
    );
    await script.close();
  }
});

t.test('a map that is replaced ends what waits; the second generator may end, too', async (t) => {
  const lists = new Lists({ x: ['triggered'] }, (event) => (event < 2 ? new Map([['x', data('T', '')]]) : undefined));
  const script = new Script(lists, () => {});
  await script.begin(['x']);
  const waiting = read(script, 'x');
  await new Promise((resolve) => setTimeout(resolve, 5));
  await script.begin(['x']);
  t.same(await waiting, []);
  for (const event of [0, 1, 2]) script.wanted(event, 'x');
  t.same(await read(script, 'x'), ['start T ', 'data T ']);
  await script.begin(['x']);
  const left = read(script, 'x');
  script.leave('x');
  t.same(await left, []);
});
