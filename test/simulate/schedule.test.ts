import t from 'tap';
import { MARKERS, PERIOD, type Rate } from '../../lib/simulate/clock.ts';
import type { Moment } from '../../lib/simulate/moment.ts';
import { Random } from '../../lib/simulate/random.ts';
import { Schedule, type ScheduleOptions } from '../../lib/simulate/schedule.ts';
import { envGroups, envService, SERVICE, serviceName } from '../../lib/xtc/service.ts';

const usual: ScheduleOptions = {
  groups: new Map([[0, { interval: 9100, offset: 0 }]]),
  partition: 0,
  bypass: 'refuse',
  events: 3,
  steps: 1,
  slowUpdates: undefined,
  keepRaw: undefined,
  start: { pulseId: 0, sec: 100, nsec: 0 },
};

function play(schedule: Schedule, until = Number.POSITIVE_INFINITY): Moment[] {
  const moments: Moment[] = [];
  while (moments.length < until && schedule.next()) moments.push({ ...schedule.moment });
  return moments;
}

const names = (moments: readonly Moment[]) => moments.map(({ service }) => serviceName(service));
const rates = (...list: [number, number, number?][]) =>
  new Map(list.map(([group, interval, offset]): [number, Rate] => [group, { interval, offset: offset ?? 0 }]));

t.test('transitions come in canonical order, step by step (xtc2.md 5.2)', (t) => {
  const step = ['BeginStep', 'Enable', 'L1Accept', 'L1Accept', 'Disable', 'EndStep'];
  const found = names(play(new Schedule({ ...usual, events: 2, steps: 3 })));
  t.strictSame(found, ['Configure', 'BeginRun', ...step, ...step, ...step, 'EndRun']);
  t.end();
});

t.test('pulse ids and times increase strictly, whatever happens', (t) => {
  const moments = play(
    new Schedule({
      ...usual,
      groups: rates([0, 13], [1, 26], [2, 910]),
      events: 500,
      steps: 4,
      slowUpdates: { interval: 91, offset: 0 },
      keepRaw: { interval: 1000, offset: 0 },
    }),
  );
  let before = { pulseId: -1, time: -1 };
  for (const { pulseId, sec, nsec } of moments) {
    const time = sec * 1e9 + nsec;
    if (pulseId <= before.pulseId || time <= before.time) t.fail(`pulse ${pulseId}`);
    before = { pulseId, time };
  }
  t.equal(moments.filter(({ service }) => service === SERVICE.L1Accept).length, 2000);
  t.end();
});

t.test('each group fires exactly as often as its marker in a machine period (timing.md 1.2, 1.5)', (t) => {
  const groups = rates([0, 13], [1, 91], [2, 910], [3, 9100], [4, 91_000], [5, 910_000], [6, 26]);
  const schedule = new Schedule({ ...usual, groups, events: 0 });
  const counts = new Map<number, number>();
  let first = -1;
  while (schedule.next()) {
    const { service, pulseId, env } = schedule.moment;
    if (service !== SERVICE.L1Accept) continue;
    first = first < 0 ? pulseId : first;
    if (pulseId >= first + PERIOD) break;
    for (const group of groups.keys()) if (env & (1 << group)) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  for (const [group, { interval }] of groups) t.equal(counts.get(group), PERIOD / interval, `interval ${interval}`);
  t.ok([...groups.values()].every(({ interval }) => MARKERS.some(([ticks]) => ticks === interval)));
  t.end();
});

t.test('events are the pulses on which a group fires, found by trying every pulse', (t) => {
  const random = new Random(11, 'schedule');
  for (let round = 0; round < 60; round++) {
    const groups = rates(
      ...Array.from({ length: 1 + random.below(4) }, (_, group): [number, number, number] => {
        const interval = 1 + random.below(40);
        return [group, interval, random.below(interval)];
      }),
    );
    const bypass = round % 2 === 0 ? 'drop' : 'keep';
    const slow = { interval: 17, offset: random.below(17) };
    const schedule = new Schedule({ ...usual, groups, bypass, events: 0, slowUpdates: slow });
    const found = play(schedule, 300).slice(4);
    const enable = 3 * 1300;
    const expected: [number, string, number][] = [];
    const lost = { triggers: 0, overtaken: 0, bypassed: 0 };
    for (let pulse = enable + 1; expected.length < found.length; pulse++) {
      let mask = 0;
      for (const [group, { interval, offset }] of groups) if (pulse % interval === offset) mask |= 1 << group;
      if (mask !== 0) lost.triggers++;
      if (pulse % slow.interval === slow.offset) {
        if (mask !== 0) lost.overtaken++;
        expected.push([pulse, 'SlowUpdate', (1 << groups.size) - 1]);
      } else if (mask !== 0 && (mask & 1 || bypass === 'keep')) expected.push([pulse, 'L1Accept', mask]);
      else if (mask !== 0) lost.bypassed++;
    }
    const seen = found.map(({ pulseId, service, env }) => [pulseId, serviceName(service), envGroups(env)]);
    t.strictSame(seen, expected, `round ${round}`);
    t.match(schedule, lost, 'and nothing is lost without being counted');
    t.equal(schedule.triggers, schedule.events + schedule.overtaken + schedule.bypassed);
  }
  t.end();
});

t.test('env: service, accept bit 16, tag in 21:17 over all dgrams, keepRaw, groups (xtc2.md 5.1)', (t) => {
  const keepRaw = { interval: 30, offset: 0 };
  const groups = rates([2, 13], [3, 26]);
  const moments = play(new Schedule({ ...usual, groups, partition: 2, events: 80, steps: 2, keepRaw }));
  let kept = 0;
  moments.forEach(({ env, service, pulseId, groups: fired }, i) => {
    t.equal(envService(env), service);
    t.equal(envGroups(env), fired);
    t.equal((env >>> 17) & 0x1f, (i + 1) & 0x1f, 'tag');
    t.equal(env >>> 28, 0, 'kind and control bits');
    const event = service === SERVICE.L1Accept;
    t.equal((env >>> 16) & 1, event ? 1 : 0, 'accept');
    t.equal(fired, event ? (pulseId % 26 === 0 ? 0xc : 0x4) : 0xc);
    if (env & (1 << 22)) kept++;
    t.equal((env >>> 23) & 1, 0, 'reject');
  });
  // Two steps of 80 events, 1040 pulses each: one event for each of the 34 or 35 pulses that 30 divides.
  t.ok(kept >= 68 && kept <= 70, `${kept} events keep raw data`);
  t.end();
});

t.test('stop closes what is open and begins nothing, wherever it comes', (t) => {
  const whole = names(play(new Schedule({ ...usual, events: 2, steps: 2 })));
  const ends: Record<string, string[]> = {
    Configure: [],
    BeginRun: ['EndRun'],
    BeginStep: ['EndStep', 'EndRun'],
    Enable: ['Disable', 'EndStep', 'EndRun'],
    L1Accept: ['Disable', 'EndStep', 'EndRun'],
    Disable: ['EndStep', 'EndRun'],
    EndStep: ['EndRun'],
    EndRun: [],
  };
  for (let after = 1; after <= whole.length; after++) {
    const schedule = new Schedule({ ...usual, events: 2, steps: 2 });
    play(schedule, after);
    schedule.stop();
    t.strictSame(names(play(schedule)), ends[whole[after - 1]!], `after ${after} dgrams, the last ${whole[after - 1]}`);
  }
  t.end();
});

t.test('the step and event numbers of a moment', (t) => {
  const moments = play(new Schedule({ ...usual, events: 2, steps: 2 }));
  const events = moments.filter(({ service }) => service === SERVICE.L1Accept);
  t.strictSame(
    events.map(({ step, event }) => [step, event]),
    [
      [0, 0],
      [0, 1],
      [1, 2],
      [1, 3],
    ],
  );
  t.end();
});
