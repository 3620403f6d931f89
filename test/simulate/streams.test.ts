import t from 'tap';
import { describeRun } from '../../lib/simulate/document.ts';
import { OutBlock } from '../../lib/simulate/out-block.ts';
import { Simulation, simulateRun, simulateStreams } from '../../lib/simulate/simulation.ts';
import { DAMAGE } from '../../lib/xtc/damage.ts';
import { type Decoded, decode } from './decode.ts';

const detectors = [
  { kind: 'gmd' },
  { kind: 'waveform', name: 'hsd', segments: 2, samples: 50, group: 1 },
  { kind: 'camera', name: 'cam', rows: 20, columns: 10, group: 2 },
  { kind: 'encoder', name: 'enc', group: 1 },
];
const run = {
  events: 120,
  steps: 2,
  groups: { 0: '1.02kHz', 1: '102Hz', 2: '10.2Hz' },
  slowUpdates: { interval: 9100, offset: 5 },
  epics: { t: { generator: 'gaussian' }, note: 'hello' },
  detectors,
};

/** Every stream of a run, decoded, by node id. */
function streams(description: unknown): Map<number, Decoded[]> {
  const bytes = new Map<number, Buffer[]>();
  for (const dgrams of simulateStreams(description)) {
    for (const [node, dgram] of dgrams) bytes.set(node, [...(bytes.get(node) ?? []), dgram]);
  }
  return new Map(
    [...bytes].map(([node, dgrams]) => {
      const { dgrams: decoded, findings } = decode(dgrams);
      if (findings.length > 0) throw new Error(JSON.stringify(findings[0]));
      return [node, decoded];
    }),
  );
}

const timeOf = ({ sec, nsec }: Decoded) => sec * 1e9 + nsec;
const eventsOf = (dgrams: readonly Decoded[]) => dgrams.filter(({ service }) => service === 'L1Accept');
const joined = (description: unknown) => Buffer.concat([...simulateRun(description)]);

/** What a detector delivered, by time. */
function delivered(dgrams: Iterable<Decoded>, detector: string): Map<number, Record<string, unknown>> {
  const found = new Map<number, Record<string, unknown>>();
  for (const dgram of dgrams) {
    const own = Object.entries(dgram.fields).filter(([name]) => name.startsWith(`${detector}.`));
    if (dgram.service === 'L1Accept' && own.length > 0) found.set(timeOf(dgram), Object.fromEntries(own));
  }
  return found;
}

t.test('the same seed gives the same bytes, another seed others', (t) => {
  t.same(joined(run), joined(run));
  t.notSame(joined(run), joined({ ...run, seed: 2 }));
  t.end();
});

t.test('streams of one partition have the same transitions, times and env (xtc2.md 14)', (t) => {
  for (const count of [1, 2, 3, 5]) {
    const all = streams({ ...run, streams: count });
    t.strictSame(
      [...all.keys()].sort(),
      Array.from({ length: count }, (_, node) => node),
    );
    const skeleton = (dgrams: readonly Decoded[]) =>
      dgrams.filter(({ service }) => service !== 'L1Accept').map((dgram) => [dgram.service, timeOf(dgram), dgram.env]);
    const first = skeleton(all.get(0)!);
    const env = new Map(eventsOf(all.get(0)!).map((dgram) => [timeOf(dgram), dgram.env]));
    for (const [node, dgrams] of all) {
      t.strictSame(skeleton(dgrams), first, `stream ${node} of ${count}`);
      t.ok(
        dgrams.every(({ src }) => src === node),
        'root src is the node id',
      );
      for (const dgram of eventsOf(dgrams)) {
        if (env.get(timeOf(dgram)) !== dgram.env) t.fail(`an event of stream ${node} is not in stream 0`);
      }
    }
  }
  t.end();
});

t.test('what a detector delivers does not depend on streams, on event building, or on other detectors', (t) => {
  const flat = streams(run).get(0)!;
  const several = [...streams({ ...run, streams: 5 }).values()].flat();
  const built = streams({ ...run, streams: 3, eventBuilt: true }).get(0)!;
  const alone = streams({ ...run, detectors: [{ ...detectors[1] }] }).get(0)!;
  for (const name of ['gmd_0', 'hsd_0', 'hsd_1', 'cam_0', 'enc_0']) {
    const wanted = delivered(flat, name);
    t.ok(wanted.size > 1, name);
    t.strictSame(delivered(several, name), wanted, `${name} in streams`);
    t.strictSame(delivered(built, name), wanted, `${name} in event-built dgrams`);
  }
  for (const name of ['hsd_0', 'hsd_1']) t.strictSame(delivered(alone, name), delivered(flat, name), `${name} alone`);
  t.notSame([...delivered(flat, 'hsd_0').values()], [...delivered(flat, 'hsd_1').values()], 'segments differ');
  t.end();
});

t.test('a detector has data exactly when its group fired', (t) => {
  for (const dgram of eventsOf(streams(run).get(0)!)) {
    t.equal('gmd_0.raw.energy' in dgram.fields, true);
    t.equal('hsd_1.raw.waveform' in dgram.fields, (dgram.groups & 2) !== 0);
    t.equal('cam_0.raw.image' in dgram.fields, (dgram.groups & 4) !== 0);
  }
  t.end();
});

t.test('a stream has dgrams only when one of its groups fired', (t) => {
  const description = { ...run, detectors: detectors.map((detector, stream) => ({ ...detector, stream: 2 * stream })) };
  const all = streams(description);
  t.strictSame([...all.keys()].sort(), [0, 2, 4, 6], 'node ids are those of the description');
  t.equal(eventsOf(all.get(0)!).length, 240);
  for (const [node, bit] of [
    [2, 2],
    [4, 4],
    [6, 2],
  ] as const) {
    const events = eventsOf(all.get(node)!);
    t.equal(events.length, eventsOf(all.get(0)!).filter(({ groups }) => groups & bit).length);
    t.ok(events.every(({ groups }) => groups & bit));
  }
  t.end();
});

t.test('runinfo, scan, epics and epicsinfo are where the DAQ has them (xtc2.md 10)', (t) => {
  const steps = { count: 2, motors: { x: [3, 4] }, docstring: 'two' };
  const all = streams({ ...run, steps, streams: 2, experiment: 'abc', run: 77 });
  for (const [node, dgrams] of all) {
    const one = (service: string, turn = 0) => dgrams.filter((dgram) => dgram.service === service)[turn]!.fields;
    t.strictSame(one('BeginRun'), { 'runinfo_0.runinfo.expt': 'abc', 'runinfo_0.runinfo.runnum': 77 });
    if (node === 0) {
      t.match(one('BeginStep', 1), { 'scan_0.raw.x': 4, 'scan_0.raw.step_value': 1 });
      t.strictSame(JSON.parse(String(one('BeginStep', 1)['scan_0.raw.step_docstring'])), {
        step: 1,
        docstring: 'two',
        x: 4,
      });
      t.match(one('SlowUpdate'), { 'epics_0.raw.note': 'hello' });
      t.type(one('SlowUpdate')['epics_0.raw.t'], 'number');
      t.match(one('Configure'), {
        'epicsinfo_0.epicsinfo.keys': 'epicsname,provider',
        'epicsinfo_0.epicsinfo.note': 'note,ca',
        'hsd_1.config.samples': 50,
      });
    } else {
      t.strictSame(one('BeginStep'), {});
      t.strictSame(one('SlowUpdate'), {});
    }
  }
  t.end();
});

t.test('settings: those of the kind, replaced and extended by the description', (t) => {
  const config = { noise: 9, cooled: { labels: { No: 0, Yes: 1 }, value: 'Yes' }, serial: 'A17' };
  const [configure] = streams({ events: 1, detectors: [{ kind: 'camera', rows: 2, columns: 2, config }] }).get(0)!;
  t.match(configure!.fields, {
    'camera_0.config.rows': 2,
    'camera_0.config.noise': 9,
    'camera_0.config.cooled:cooledEnum': 1,
    'camera_0.config.serial': 'A17',
    'camera_0.config.gainMode:gainModeEnum': 0,
  });
  t.end();
});

t.test('event-built: one Parent per contributor, root of level Event (xtc2.md 12)', (t) => {
  const dgrams = streams({ ...run, streams: 3, eventBuilt: true }).get(0)!;
  for (const dgram of dgrams) {
    t.equal(dgram.src, 0x10000000);
    const nodes = dgram.contributors.map(({ src }) => src);
    t.ok(dgram.service === 'L1Accept' ? nodes.length > 0 : nodes.length === 3, dgram.service);
    t.strictSame(nodes, [...nodes].sort());
  }
  t.end();
});

t.test('damage sits where it was asked for, and flags go up to the root without user values (xtc2.md 6)', (t) => {
  const rule = (kind: string | string[], at: string) => ({ kind, probability: 0.3, at });
  const description = {
    events: 400,
    detectors: [
      { kind: 'gmd', damage: rule(['MissingData', 'User5'], 'block'), stream: 0 },
      { kind: 'encoder', damage: rule('OutOfOrder', 'data'), stream: 1 },
      { kind: 'timetool', damage: rule(['TimedOut', 'User3'], 'root'), stream: 1 },
    ],
  };
  const all = streams(description);
  let seen = 0;
  for (const { damage, blockDamage } of eventsOf(all.get(0)!)) {
    t.equal(damage, blockDamage['gmd_0.raw'] === 0x5020 ? 0x20 : 0);
    seen += damage === 0 ? 0 : 1;
  }
  t.ok(seen > 80 && seen < 160, `${seen} of 400 at 0.3`);
  const roots = new Map<number, number>();
  for (const { damage, blockDamage, dataDamage } of eventsOf(all.get(1)!)) {
    t.strictSame(blockDamage, {});
    t.equal(damage & 2, dataDamage['encoder_0.raw'] ?? 0);
    roots.set(damage, (roots.get(damage) ?? 0) + 1);
  }
  t.strictSame([...roots.keys()].sort(), [0, 0x2, 0x3040, 0x3042].sort());
  for (const dgram of eventsOf(streams({ ...description, eventBuilt: true }).get(0)!)) {
    const [gmd, others] = dgram.contributors;
    t.equal(dgram.damage, (gmd!.damage | others!.damage) & 0xfff, 'the root is the OR of the contributors');
  }
  t.end();
});

t.test('damage of whole events is in the root of every stream', (t) => {
  const all = streams({ ...run, streams: 3, damage: { kind: ['OutOfSynch', 'User2'], probability: 0.2 } });
  const damaged = (dgrams: readonly Decoded[]) =>
    new Map(eventsOf(dgrams).map((dgram) => [timeOf(dgram), dgram.damage]));
  const first = damaged(all.get(0)!);
  t.strictSame(new Set(first.values()), new Set([0, 0x2004]));
  for (const dgrams of all.values()) {
    for (const [time, damage] of damaged(dgrams)) if (first.get(time) !== damage) t.fail(`time ${time}`);
  }
  t.end();
});

t.test('a lost contribution is missing, and DroppedContribution in all others of the event', (t) => {
  const lossy = [
    { kind: 'gmd', drop: 0.2, stream: 0 },
    { kind: 'encoder', stream: 1 },
    { kind: 'timetool', drop: 0.1, stream: 1 },
    { kind: 'timing', drop: 0.05, stream: 2 },
  ];
  const description = { events: 500, detectors: lossy };
  const all = streams(description);
  const times = eventsOf(all.get(1)!).map(timeOf);
  t.equal(times.length, 500, 'a stream with something left has its dgram');
  const parts = new Map([...all].map(([node, dgrams]) => [node, new Map(eventsOf(dgrams).map((d) => [timeOf(d), d]))]));
  for (const time of times) {
    const whole =
      parts.get(0)!.has(time) && parts.get(2)!.has(time) && 'timetool_0.ttfex.ampl' in parts.get(1)!.get(time)!.fields;
    for (const part of parts.values()) {
      const dgram = part.get(time);
      if (dgram) t.equal(dgram.damage, whole ? 0 : DAMAGE.DroppedContribution);
    }
  }
  t.ok(parts.get(0)!.size > 350 && parts.get(0)!.size < 450);
  const built = eventsOf(streams({ ...description, eventBuilt: true }).get(0)!);
  built.forEach((dgram, i) => {
    const nodes = [0, 1, 2].filter((node) => parts.get(node)!.has(times[i]!));
    t.strictSame(
      dgram.contributors.map(({ src }) => src),
      nodes,
    );
    t.equal(dgram.damage, parts.get(1)!.get(times[i]!)!.damage);
  });
  t.end();
});

t.test('the balance is closed: triggers = events + every kind of loss', (t) => {
  const simulation = new Simulation(
    describeRun({
      events: 300,
      bypass: 'drop',
      groups: { 0: { interval: 10 }, 1: { interval: 4 } },
      slowUpdates: { interval: 100, offset: 0 },
      detectors: [{ kind: 'gmd', drop: 0.5 }],
    }),
  );
  const out = new OutBlock({ bytes: () => {} });
  while (simulation.next()) {
    simulation.write([out]);
    out.settle();
  }
  const { balance } = simulation;
  const { 'slow-update': slow, 'no-common-group': bypassed, 'lost-by-all': lost } = balance.losses;
  t.equal(balance.in, balance.out + slow! + bypassed! + lost!);
  t.ok(slow! > 0 && bypassed! > 0 && lost! > 100);
  t.equal(balance.out, 300 - lost!);
  t.equal(simulation.lanes[0]!.missed, lost);
  t.equal(balance.info!['contributions lost'], lost);
  t.end();
});

t.test('more streams than segments give detectors more segments', (t) => {
  const all = streams({ events: 1, streams: 5, detectors: [{ kind: 'gmd' }, { kind: 'encoder' }] });
  const names = [...all].map(([node, dgrams]) => [node, Object.keys(eventsOf(dgrams)[0]!.fields)[0]]);
  t.strictSame(names, [
    [0, 'gmd_0.raw.energy'],
    [1, 'gmd_1.raw.energy'],
    [2, 'gmd_2.raw.energy'],
    [3, 'encoder_0.raw.position'],
    [4, 'encoder_1.raw.position'],
  ]);
  t.end();
});

t.test('more blocks than NamesIds are refused with advice', (t) => {
  const many = { detectors: [{ kind: 'encoder', segments: 126 }] };
  t.throws(() => [...simulateRun(many)], { code: 'bad-description', message: /use more streams/ });
  t.doesNotThrow(() => new Simulation(describeRun({ ...many, streams: 2 })));
  t.end();
});
