import t from 'tap';
import { DataError, formatPlace } from '../../lib/errors.ts';
import { describeRun, plainRun } from '../../lib/simulate/document.ts';
import { GENERATORS } from '../../lib/simulate/generators/registry.ts';
import { KINDS } from '../../lib/simulate/kinds/registry.ts';
import { overridesOf, paceOf } from '../../lib/simulate/options.ts';
import { DEFAULT_RUN } from '../../lib/simulate/usual-runs.ts';
import { parseRun, printRun } from '../../lib/simulate/yaml-text.ts';

const gmd = 'detectors: [{kind: gmd}]\n';

/** All lines of the complaint about a text. */
function complaints(text: string): string[] {
  try {
    parseRun(text, 'run.yaml');
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return `${formatPlace(error.place)}: ${error.message}`.split('\n');
  }
  return [];
}

const cases: [string, string, RegExp][] = [
  ['unknown key', `runn: 3\n${gmd}`, /^run.yaml:1:1:runn: there is no key "runn" here; allowed are .*\brun\b/],
  [
    'unknown key of a kind',
    'detectors:\n  - kind: gmd\n    rows: 3\n',
    /^run.yaml:3:5:detectors.0.rows: there is no key "rows".*mean/,
  ],
  ['fields of a kind', 'detectors: [{kind: gmd, fields: {a: 1}}]', /fields: there is no key "fields"/],
  ['not a number', `events: many\n${gmd}`, /^run.yaml:1:9:events: must be a whole number of at least 0, not "many"$/],
  ['not whole', `run: 1.5\n${gmd}`, /^run.yaml:1:6:run: must be a whole number from 0 to 4294967295, not 1.5$/],
  ['choice', `bypass: maybe\n${gmd}`, /bypass: must be one of refuse, drop, keep, not "maybe"/],
  ['flag', `eventBuilt: 3\n${gmd}`, /eventBuilt: must be true or false, not 3/],
  ['no detectors', 'run: 3\n', /detectors: a run needs at least one detector/],
  ['nothing at all', '', /detectors: a run needs at least one detector/],
  ['no mapping', '- 1\n- 2\n', /^run.yaml:1:1: must be a run description with keys, not \[1,2\]/],
  ['not YAML', 'a: [1\nb: 2\n', /^run.yaml:2:1: not YAML: /],
  ['a key twice', 'run: 1\nrun: 2\n', /^run.yaml:2:1: not YAML: Map keys must be unique/],
  ['kind', 'detectors: [{kind: kamera}]', /detectors.0.kind: there is no kind "kamera"; there are camera, waveform/],
  ['no kind', 'detectors: [{name: x}]', /kind: a detector needs a kind: camera/],
  ['name twice', 'detectors: [{kind: gmd}, {kind: gmd}]', /detectors.1.name: there is another detector "gmd"/],
  ['reserved name', 'detectors: [{kind: gmd, name: scan}]', /name: "scan" is reserved/],
  ['bad name', 'detectors: [{kind: gmd, name: a-b}]', /name: must be a detector name of 0-9 A-Z a-z _, not "a-b"/],
  ['group number', `groups: {0: 1Hz, 8: 1Hz}\n${gmd}`, /^run.yaml:1:18:groups.8: readout groups are 0 to 7, not 8$/],
  ['group without rate', 'detectors: [{kind: gmd, group: 4}]', /group: readout group 4 has no rate; groups has 0/],
  [
    'no common group',
    `partition: 2\ngroups: {0: 1Hz}\n${gmd}`,
    /groups: group 2, the common group of partition 2, needs a rate/,
  ],
  ['bare rate', `groups: {0: 120}\n${gmd}`, /groups.0: say 120Hz, or \{interval: N\}/],
  ['rate', `groups: {0: quick}\n${gmd}`, /groups.0: must be one of 1.02Hz, .*929kHz, .* not "quick"/],
  ['offset', `groups: {0: {interval: 5, offset: 5}}\n${gmd}`, /groups.0.offset: must be less than the interval 5/],
  [
    'rate and interval',
    `groups: {0: {interval: 5, rate: 1Hz}}\n${gmd}`,
    /groups.0.interval: give a rate or an interval/,
  ],
  [
    'overlap',
    `groups: {0: 1kHz, 1: 35kHz}\n${gmd}`,
    /groups.1: group 1 fires on pulses without the common group 0.*bypass/,
  ],
  [
    'generator',
    'detectors: [{fields: {x: {generator: gaus}}}]',
    /x.generator: there is no generator "gaus"; there are constant/,
  ],
  [
    'type',
    'detectors: [{fields: {x: {value: 1, type: int12}}}]',
    /x.type: must be one of uint8, .*float64, not "int12"/,
  ],
  [
    'scalar generator',
    'detectors: [{fields: {x: {generator: pulseId, shape: [2]}}}]',
    /shape: .*makes scalars; arrays take constant/,
  ],
  ['array generator', 'detectors: [{fields: {x: {generator: trace}}}]', /shape: the generator trace needs a shape/],
  ['rank', 'detectors: [{fields: {x: {value: 1, shape: [1,1,1,1,1]}}}]', /shape: has 5 dimensions; at most 4/],
  ['huge', 'detectors: [{fields: {x: {value: 1, shape: [65536, 65536]}}}]', /shape: makes a field of more than 1 GiB/],
  ['field name', 'detectors: [{fields: {"a b": 1}}]', /fields.a b: "a b" is not a field name/],
  ['label', 'detectors: [{fields: {x: {labels: [a, b], value: c}}}]', /x.value: must be one of a, b, not "c"/],
  ['no labels', 'detectors: [{fields: {x: {generator: enum}}}]', /labels: an enum needs labels/],
  [
    'motor',
    'detectors: [{fields: {x: {generator: scan, motor: z}}}]',
    /motor: there is no motor "z"; steps.motors has none/,
  ],
  [
    'positions',
    `steps: {count: 3, motors: {m: [1, 2]}}\n${gmd}`,
    /^run.yaml:1:31:steps.motors.m: has 2 positions; there are 3 steps$/,
  ],
  [
    'setting',
    'detectors: [{kind: gmd, config: {x: {generator: counter}}}]',
    /config.x: a setting has a constant value/,
  ],
  [
    'damage',
    'detectors: [{kind: gmd, damage: {kind: Wet}}]',
    /damage.kind: there is no damage "Wet"; there are Truncated/,
  ],
  [
    'probability',
    `damage: [{kind: TimedOut, probability: 7}]\n${gmd}`,
    /damage.0.probability: must be a number from 0 to 1, not 7/,
  ],
  ['place of run damage', `damage: {kind: TimedOut, at: block}\n${gmd}`, /damage.at: there is no key "at" here/],
  ['time', `start: {time: yesterday}\n${gmd}`, /start.time: must be now, a UTC time/],
  ['experiment', `experiment: a b\n${gmd}`, /experiment: must be an experiment name of 0-9 A-Z a-z _, not "a b"/],
  [
    'bounds',
    'detectors: [{fields: {x: {generator: uniform, low: 3, high: 2}}}]',
    /high: must be at least low \(3\), not 2/,
  ],
];

for (const [name, text, wanted] of cases) {
  t.test(`a mistake is told with its place and what is allowed: ${name}`, (t) => {
    const lines = complaints(text);
    t.ok(
      lines.some((line) => wanted.test(line)),
      `${wanted}`,
      { found: lines },
    );
    t.end();
  });
}

t.test('all mistakes are told at once, in the order of the text', (t) => {
  const lines = complaints('runn: 1\nevents: x\ndetectors:\n  - kind: gmd\n    mean: y\n');
  t.strictSame(
    lines.map((line) => line.split(':').slice(0, 3).join(':')),
    ['run.yaml:1:1', 'run.yaml:2:9', 'run.yaml:5:11'],
  );
  const many = complaints(`${Array.from({ length: 30 }, (_, i) => `key${i}: 1`).join('\n')}\n${gmd}`);
  t.equal(many.length, 11);
  t.match(many.at(-1), '... and 20 more');
  t.end();
});

t.test('what is printed is read back as the same run, for every kind and generator', (t) => {
  const everything = {
    ...DEFAULT_RUN,
    groups: { 0: '1kHz', 1: { interval: 9100, offset: 910 } },
    keepRaw: '1Hz',
    slowUpdates: 'off',
    steps: { count: 2, motors: { m: [1, 2] }, docstring: 'x' },
    damage: { kind: ['TimedOut', 'User3'], probability: 0.5 },
    detectors: [
      ...[...KINDS.keys()].filter((kind) => kind !== 'fields').map((kind) => ({ kind, name: `k_${kind}` })),
      {
        name: 'all',
        group: 1,
        drop: 0.25,
        stream: 3,
        segments: 2,
        damage: [{ kind: 'MissingData', at: 'data' }],
        config: { gain: { labels: ['low', 'high'], value: 'high' }, volts: 3.5 },
        fields: Object.fromEntries([...GENERATORS.keys()].map((generator) => [generator, fieldOf(generator)])),
      },
    ],
  };
  for (const description of [DEFAULT_RUN, everything]) {
    const run = describeRun(description);
    const printed = printRun(run);
    t.equal(printRun(parseRun(printed, 'printed')), printed);
    t.strictSame(plainRun(describeRun(plainRun(run))), plainRun(run));
  }
  t.end();
});

function fieldOf(generator: string): Record<string, unknown> {
  if (generator === 'enum') return { generator, labels: { a: 3, b: 4 } };
  if (generator === 'photons' || generator === 'trace') return { generator, shape: [4, 4] };
  return { generator };
}

t.test('start times: dates, seconds-nanoseconds, now', (t) => {
  const start = (time: string) => parseRun(`start: {time: ${time}}\n${gmd}`, 'x').start;
  t.match(start('2026-01-01T00:00:00Z'), { sec: 1_136_073_600, nsec: 0 });
  t.match(start('2026-01-01 00:00:00.250'), { sec: 1_136_073_600, nsec: 250_000_000 });
  t.match(start('2026-01-01'), { sec: 1_136_073_600, nsec: 0 });
  t.match(start('1000-000000005'), { sec: 1000, nsec: 5 });
  t.ok(Math.abs(start('now').sec - (Date.now() / 1000 - 631_152_000)) < 100);
  t.end();
});

t.test('overrides: numbers replace, steps keep their motors, groups are added', (t) => {
  const run = describeRun(
    { steps: { count: 2, motors: { m: { from: 0, to: 1 } } }, groups: { 0: '1kHz' }, detectors: [{ kind: 'gmd' }] },
    { steps: 3, events: 7, groups: { 1: '10Hz' }, eventBuilt: true },
  );
  t.strictSame(run.steps.motors.get('m'), [0, 0.5, 1]);
  t.strictSame([...run.groups.keys()], [0, 1]);
  t.match(run, { events: 7, eventBuilt: true });
  t.end();
});

t.test('-p N gives the common group the number of the partition', (t) => {
  const description = {
    groups: { 0: '1kHz', 3: '10Hz' },
    detectors: [{ kind: 'gmd' }, { kind: 'encoder', group: 0 }, { kind: 'timing', group: 3 }],
  };
  const run = describeRun(description, { partition: 5 });
  t.strictSame([...run.groups.keys()].sort(), [3, 5]);
  t.strictSame(
    run.detectors.map(({ group }) => group),
    [5, 5, 3],
  );
  t.equal(run.partition, 5);
  t.throws(() => describeRun(description, { partition: 3 }), { code: 'usage', message: /-p 3.*readout group 3/ });
  t.equal(describeRun(description, { partition: 0 }).partition, 0);
  t.end();
});

t.test('the command line as values', (t) => {
  t.strictSame(overridesOf({ group: ['1=10Hz', '0=1kHz'], events: 0, 'event-built': false }), {
    events: 0,
    groups: { 1: '10Hz', 0: '1kHz' },
  });
  for (const group of ['9=1Hz', '1', '=', '1=']) t.throws(() => overridesOf({ group: [group] }), { code: 'usage' });
  t.throws(() => overridesOf({ exp: 'a/b' }), { code: 'usage' });
  t.throws(() => overridesOf({ partition: 8 }), { code: 'usage' });
  t.strictSame(paceOf({ rate: '2.5', realtime: false }), { kind: 'rate', hz: 2.5 });
  t.equal(paceOf({ realtime: false }), undefined);
  for (const rate of ['', 'x', '0', '-3', 'Infinity'])
    t.throws(() => paceOf({ rate, realtime: false }), { code: 'usage' });
  t.end();
});
