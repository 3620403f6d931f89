import t from 'tap';
import { graphFrom } from '../../../lib/graph/compile/graph-file.ts';
import { SimulatedEvents } from '../../../lib/graph/source/simulated.ts';
import type { NdArray, Value } from '../../../lib/graph/value.ts';

/** Simulated events as a worker.json says (spec graph.md 3.3). */

const CONFIG = {
  x: { dtype: 'Scalar', range: [2, 5], integer: true },
  y: { dtype: 'Scalar', range: [-1, 1] },
  wf: { dtype: 'Waveform', pedestal: 5, width: 2, shape: [1000] },
  img: { dtype: 'Image', pedestal: 100, width: 1, shape: [4, 8] },
  bits: { dtype: 'Waveform', shape: 200, binary: true },
  few: { dtype: 'List', length: 3 },
};
const TYPES: Readonly<Record<string, string>> = { img: 'uint16[4,8]', bits: 'float32[200]' };

interface Seen {
  readonly events: { readonly values: readonly (Value | undefined)[]; readonly time: number }[];
  readonly transitions: string[];
}

interface Options {
  readonly more?: object;
  readonly names?: readonly string[];
  readonly constant?: boolean;
  readonly seed?: number;
  readonly paced?: boolean;
  readonly stopAfter?: number;
}

function sourceOf(
  text: string,
  { names = Object.keys(CONFIG), constant = false, seed = 1, paced = false, stop }: Options & { stop?: AbortSignal },
) {
  const sources = names.map((name) => ({ name, ...(TYPES[name] ? { type: TYPES[name] } : {}) }));
  const { sources: specs } = graphFrom({ graph: 1, name: 's', sources, nodes: [] }, 'g.yaml');
  return new SimulatedEvents(text, 'worker.json', specs, { seed, constant, paced, stop });
}

async function seen(options: Options = {}): Promise<Seen> {
  const { more = { bound: 50 }, stopAfter = Number.POSITIVE_INFINITY } = options;
  const stop = new AbortController();
  const source = sourceOf(JSON.stringify({ config: CONFIG, ...more }), { ...options, stop: stop.signal });
  const result: Seen = { events: [], transitions: [] };
  await source.run({
    event: (values, time) => {
      result.events.push({ values: [...values], time });
      if (result.events.length >= stopAfter) stop.abort();
      return undefined;
    },
    transition: (name) => {
      result.transitions.push(name);
      return undefined;
    },
    turn: () => undefined,
  });
  return result;
}

t.test('kinds of values', async (t) => {
  const { events, transitions } = await seen();
  t.equal(events.length, 50);
  t.same(transitions, ['Configure']);
  const column = (i: number) => events.map(({ values }) => values[i]);
  const integers = column(0) as number[];
  t.same([...new Set(integers)].sort(), [2, 3, 4], 'integers: the lower end and not the upper one');
  t.ok((column(1) as number[]).every((y) => y >= -1 && y < 1) && new Set(column(1)).size > 40);
  const samples = (column(2) as NdArray[]).flatMap(({ data }) => [...data]);
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const width = Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples.length);
  t.ok(Math.abs(mean - 5) < 0.05 && Math.abs(width - 2) < 0.05, `normal: ${mean}, ${width}`);
  const [image, bits] = [column(3)[0], column(4)[0]] as [NdArray, NdArray];
  t.match(image, { dtype: 'uint16', shape: [4, 8] }, 'the type that the graph declares');
  t.ok(image.data instanceof Uint16Array);
  t.match(bits, { dtype: 'float32', shape: [200] });
  t.same([...new Set(bits.data)].sort(), [0, 1]);
  t.match(column(2)[0], { dtype: 'float64', shape: [1000] }, 'doubles if it declares none');
  t.equal((column(5)[0] as number[]).length, 3);
});

t.test('the same seed gives the same numbers, and no two events alike', async (t) => {
  const names = ['y', 'img'];
  const [a, b, c] = [await seen({ names }), await seen({ names }), await seen({ names, seed: 2 })];
  t.same(a, b);
  t.not(a.events[0]!.values[0], c.events[0]!.values[0]);
  t.equal(new Set(a.events.map(({ values }) => values[0])).size, 50);
});

t.test('static: ones', async (t) => {
  const { events } = await seen({ constant: true });
  const [x, y, wf, img, , few] = events[7]!.values as [number, number, NdArray, NdArray, NdArray, number[]];
  t.same([x, y, few], [1, 1, [1, 1, 1]]);
  t.ok(wf.data.every((one) => one === 1) && img.data.every((one) => one === 1));
});

t.test('interval is the time between events; bound ends, repeat begins again as a new run', async (t) => {
  const names = ['y'];
  const { events } = await seen({ names, more: { bound: 3, interval: 0.25, init_time: 100 } });
  t.same(
    events.map(({ time }) => time),
    [0, 0.25, 0.5],
  );
  const again = await seen({ names, more: { bound: 3, interval: 1, repeat: true }, stopAfter: 8 });
  t.same(
    again.events.map(({ time }) => time),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  t.equal(again.events[0]!.values[0], again.events[3]!.values[0]);
  t.same(again.transitions, ['Configure', 'Configure', 'Configure']);
  t.equal(
    (await seen({ names, more: { bound: 0, repeat: true } })).events.length,
    0,
    'nothing is not repeated for ever',
  );
});

t.test('paced: it waits, and a stop ends the waiting', async (t) => {
  const begin = performance.now();
  t.equal(
    (await seen({ names: ['y'], more: { bound: 4, interval: 0.02, init_time: 0.02 }, paced: true })).events.length,
    4,
  );
  t.ok(performance.now() - begin >= 79);
  const { events } = await seen({ names: ['y'], more: { interval: 3600 }, paced: true, stopAfter: 1 });
  t.equal(events.length, 1);
});

t.test('what is wrong is said with its name', async (t) => {
  const refused = (config: object, more: object = {}) => {
    try {
      sourceOf(JSON.stringify({ config: { x: config }, ...more }), { names: ['x'] });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(refused({ dtype: 'Scalar' }), undefined);
  t.match(refused({ dtype: 'Cube' }), /x: dtype is Scalar, Waveform, Image or List, not "Cube"/);
  t.match(refused({ dtype: 'Scalar', range: [3, 1] }), /range/);
  t.match(refused({ dtype: 'Image', shape: [0, 3] }), /shape/);
  t.match(refused({ dtype: 'Scalar' }, { interval: '1' }), /interval is a number/);
  t.match(refused({ dtype: 'Scalar' }, { bound: -1 }), /bound is a number/);
  t.throws(() => sourceOf('{', {}), /no JSON/);
  t.throws(() => sourceOf('{"config": {}}', {}), /there is no "x" in config/);
});
