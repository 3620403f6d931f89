import t from 'tap';
import { simulateRun } from '../../lib/simulate/simulation.ts';
import { type Decoded, decode } from './decode.ts';

/** Events of one detector `d` with these fields. */
function events(fields: Record<string, unknown>, run: Record<string, unknown> = {}): Decoded[] {
  const { dgrams, findings } = decode(simulateRun({ events: 50, detectors: [{ name: 'd', fields }], ...run }));
  if (findings.length > 0) throw new Error(JSON.stringify(findings[0]));
  return dgrams.filter(({ service }) => service === 'L1Accept');
}

const column = (list: readonly Decoded[], name: string) => list.map(({ fields }) => fields[`d_0.raw.${name}`]);

t.test('constants, short and long, scalars and arrays', (t) => {
  const [event] = events({
    number: 5,
    text: 'grüße',
    byte: { value: 200, type: 'uint8' },
    list: { value: [1, 2, 3], shape: [2, 3], type: 'int16' },
    filled: { value: -1, shape: [4], type: 'float32' },
  });
  t.match(event!.fields, { 'd_0.raw.number': 5, 'd_0.raw.text': 'grüße', 'd_0.raw.byte': 200 });
  t.same(event!.fields['d_0.raw.list'], Buffer.from(new Int16Array([1, 2, 3, 1, 2, 3]).buffer));
  t.same(event!.fields['d_0.raw.filled'], Buffer.from(new Float32Array(4).fill(-1).buffer));
  t.strictSame(event!.shapes, { 'd_0.raw.text': [8], 'd_0.raw.list': [2, 3], 'd_0.raw.filled': [4] });
  t.end();
});

t.test('integers saturate, counters wrap', (t) => {
  const list = events({
    high: { value: 1e9, type: 'uint16' },
    low: { value: -1e9, type: 'int16' },
    negative: { value: -3, type: 'uint64' },
    wide: { value: 9007199254740991, type: 'int64' },
    minus: { value: -9007199254740991, type: 'int64' },
    wrapped: { generator: 'counter', start: 250, type: 'uint8' },
    signed: { generator: 'counter', start: 120, step: 10, type: 'int8' },
    wideCounter: { generator: 'counter', start: 4294967290, step: 3, type: 'uint64' },
    many: { generator: 'counter', start: 254, type: 'uint8', shape: [3] },
  });
  t.match(list[0]!.fields, {
    'd_0.raw.high': 65535,
    'd_0.raw.low': -32768,
    'd_0.raw.negative': 0n,
    'd_0.raw.wide': 9007199254740991n,
    'd_0.raw.minus': -9007199254740991n,
  });
  t.strictSame(column(list, 'wrapped').slice(4, 8), [254, 255, 0, 1]);
  t.strictSame(column(list, 'signed').slice(0, 3), [120, -126, -116]);
  t.strictSame(column(list, 'wideCounter').slice(0, 4), [4294967290n, 4294967293n, 4294967296n, 4294967299n]);
  t.same(column(list, 'many')[1], Buffer.from([255, 0, 1]));
  t.end();
});

t.test('ramps, pulse ids, times, events and steps', (t) => {
  const list = events(
    {
      ramp: { generator: 'ramp', from: 10, to: 20, events: 11 },
      line: { generator: 'ramp', from: 0, to: 1, shape: [5] },
      pulse: { generator: 'pulseId' },
      time: { generator: 'timestamp' },
      event: { generator: 'event' },
      step: { generator: 'step' },
    },
    { steps: 2, events: 12, start: { pulseId: 0, time: '1000-999999999' } },
  );
  t.strictSame(column(list, 'ramp').slice(9, 13), [19, 20, 10, 11]);
  t.same(column(list, 'line')[0], Buffer.from(new Float64Array([0, 0.25, 0.5, 0.75, 1]).buffer));
  t.equal(column(list, 'pulse')[0], 9100n);
  t.strictSame(
    column(list, 'time'),
    list.map(({ sec, nsec }) => (BigInt(sec) << 32n) | BigInt(nsec)),
  );
  t.strictSame(
    column(list, 'event'),
    list.map((_event, i) => i),
  );
  t.strictSame(new Set(column(list.slice(0, 12), 'step')), new Set([0]));
  t.strictSame(new Set(column(list.slice(12), 'step')), new Set([1]));
  t.end();
});

t.test('chance stays within what was asked for', (t) => {
  const list = events(
    {
      u: { generator: 'uniform', low: 3, high: 4 },
      g: { generator: 'gaussian', mean: 100, sigma: 2 },
      p: { generator: 'poisson', mean: 6 },
      a: { generator: 'uniform', low: 0, high: 9, shape: [1000], type: 'uint8', pool: 3 },
    },
    { events: 2000 },
  );
  const numbers = (name: string) => column(list, name).map(Number);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  t.ok(numbers('u').every((value) => value >= 3 && value < 4));
  t.ok(Math.abs(mean(numbers('g')) - 100) < 0.3);
  t.ok(Math.abs(mean(numbers('p')) - 6) < 0.3);
  t.equal(new Set(numbers('g')).size > 1990, true, 'not the same again and again');
  t.equal(new Set(column(list, 'a').map((bytes) => (bytes as Buffer).toString('hex'))).size, 3, 'a pool of 3 frames');
  t.end();
});

t.test('pool 0 makes a new frame for every event', (t) => {
  const noise = (pool: number, elements: number) =>
    column(events({ n: { generator: 'gaussian', shape: [elements], pool } }, { events: 20 }), 'n').map((bytes) =>
      (bytes as Buffer).toString('hex', 0, 64),
    );
  t.equal(new Set(noise(0, 16)).size, 20);
  t.equal(new Set(noise(0, 10_000)).size, 20, 'large frames as well');
  t.equal(new Set(noise(2, 10_000)).size, 2);
  t.end();
});

t.test('enums have their labels beside them, in turn, at random, or fixed (xtc2.md 9)', (t) => {
  const list = events({
    turn: { labels: { Off: 0, On: 5 } },
    any: { labels: ['a', 'b', 'c'], order: 'random' },
    fixed: { labels: ['a', 'b'], value: 'b' },
  });
  t.strictSame(column(list, 'turn:turnEnum').slice(0, 3), [0, 5, 0]);
  t.match(list[0]!.fields, { 'd_0.raw.Off:turnEnum': 0, 'd_0.raw.On:turnEnum': 5, 'd_0.raw.c:anyEnum': 2 });
  t.strictSame(new Set(column(list, 'any:anyEnum')), new Set([0, 1, 2]));
  t.strictSame(new Set(column(list, 'fixed:fixedEnum')), new Set([1]));
  t.end();
});

t.test('fields follow the motors of a scan', (t) => {
  const steps = { count: 3, motors: { x: { from: -1, to: 1 }, y: [5, 7, 6] } };
  const list = events(
    {
      a: { generator: 'scan', motor: 'x', slope: 2, intercept: 10 },
      b: { generator: 'scan', motor: 'y', sigma: 0.01 },
    },
    { steps, events: 2 },
  );
  t.strictSame(column(list, 'a'), [8, 8, 10, 10, 12, 12]);
  column(list, 'b').forEach((value, i) => {
    t.ok(Math.abs(Number(value) - [5, 5, 7, 7, 6, 6][i]!) < 0.1);
  });
  t.not(column(list, 'b')[0], column(list, 'b')[1], 'with noise');
  t.end();
});

t.test('photons: pedestal, noise, and as many photons as truth says', (t) => {
  const camera = { kind: 'camera', rows: 100, columns: 80, photons: 20, adu: 3000, pedestal: 500, noise: 2 };
  for (const sharing of [0, 0.5]) {
    const { dgrams } = decode(simulateRun({ events: 30, detectors: [{ ...camera, sharing }] }));
    for (const { fields, shapes, service } of dgrams) {
      if (service !== 'L1Accept') continue;
      t.strictSame(shapes['camera_0.raw.image'], [100, 80]);
      const image = fields['camera_0.raw.image'] as Buffer;
      let excess = 0;
      for (let i = 0; i < 8000; i++) excess += image.readUInt16LE(2 * i) - 500;
      const photons = excess / 3000;
      const truth = Number(fields['camera_0.truth.photons']);
      // Charge shared over the edge of the image is lost.
      t.ok(photons > truth - 0.3 - sharing && photons < truth + 0.3, `${photons} photons seen, ${truth} made`);
    }
  }
  t.end();
});

t.test('frames that are written without copying are the same as copied ones', (t) => {
  const image = (rows: number) => {
    const { dgrams, findings } = decode(
      simulateRun({ events: 5, detectors: [{ kind: 'camera', rows, columns: 256, pool: 4 }, { kind: 'gmd' }] }),
    );
    t.strictSame(findings, []);
    return dgrams.filter(({ service }) => service === 'L1Accept');
  };
  for (const rows of [127, 128, 400]) {
    for (const { fields, size } of image(rows)) {
      const bytes = fields['camera_0.raw.image'] as Buffer;
      t.equal(bytes.length, rows * 512);
      t.ok(size > bytes.length);
      t.ok(Number(fields['camera_0.truth.photons']) > 40, 'what lies behind the frame is in its place');
      t.type(fields['gmd_0.raw.energy'], 'number');
    }
  }
  t.end();
});
