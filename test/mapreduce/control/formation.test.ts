import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { orderedJson } from '../../../lib/json/ordered.ts';
import { depthFor, secondsPerEvent } from '../../../lib/mapreduce/control/depth.ts';
import { Formation, type FormationSetup } from '../../../lib/mapreduce/control/formation.ts';
import { LoadTable } from '../../../lib/mapreduce/control/load.ts';
import { Messages, openFeed, openWork, routesOf } from '../../../lib/mapreduce/control/messages.ts';
import { Trimmer } from '../../../lib/mapreduce/control/trim.ts';
import { readMap } from '../../../lib/mapreduce/map/read.ts';
import { BadRecord } from '../../../lib/mapreduce/redis/fields.ts';
import { entryOf, type Step, stepsIn } from '../../../lib/mapreduce/redis/log.ts';
import { Random } from '../../random.ts';

/** The pure parts of the controller (spec mapreduce.md 3, 3.5, 5.2, 16). */

const times = (custom_code: number, no_events = 1) => ({
  ...{ get_assignments: 0, get_messages: 0, assemble_event: 0, custom_code, send_result: 0, no_events },
});

t.test('depth: work of about 20 ms, between 1 and 64', async (t) => {
  t.equal(depthFor(undefined), 1);
  t.equal(depthFor(0), 64);
  t.equal(depthFor(0.0001), 64);
  t.equal(depthFor(0.001), 20);
  t.equal(depthFor(0.01), 2);
  t.equal(depthFor(5), 1);
  const random = new Random(1);
  for (let i = 0; i < 10_000; i++) {
    const real = 10 ** (-5 + random.below(5000) / 1000);
    let seconds: number | undefined;
    for (let n = 0; n < 30; n++) {
      const events = 1 + random.below(20);
      const noise = 0.8 + random.below(400) / 1000;
      seconds = secondsPerEvent(seconds, times(real * events * noise, events));
    }
    const depth = depthFor(seconds);
    const ideal = Math.min(64, Math.max(1, 0.02 / real));
    if (!(depth >= Math.floor(ideal * 0.7) && depth <= Math.ceil(ideal * 1.4))) t.fail(`${real} s: depth ${depth}`);
  }
  t.equal(secondsPerEvent(0.5, times(1, 0)), 0.5, 'a report without events says nothing');
});

t.test('load: by interval, from the times in reports', async (t) => {
  const load = new LoadTable();
  for (let ms = 0; ms < 20_000; ms += 100) load.add('w1', [ms / 100], { ...times(0.05), get_messages: 0.05 }, ms);
  const { active, total, events } = load.of('w1', 10, 19_999);
  t.equal(events, 100);
  t.ok(Math.abs(active - 5) < 1e-9 && Math.abs(total - 10) < 1e-9);
  t.equal(load.of('w1', 'scan', 0).events, 200);
  t.equal(load.lastEvent('w1'), 199);
  t.equal(load.wantWorkers(19_999), 1);
});

/** What a snapshot holds. */
const plain = (formation: Formation): unknown => JSON.parse(JSON.stringify(formation.save()));

/** A random map, workers with random ways, and a log that a controller could have seen. */
class Scan {
  readonly random: Random;
  readonly setup: FormationSetup;
  readonly log: string[] = [];
  readonly routes = routesOf([
    { name: 'i1', streams: ['a', 'b'], ours: true },
    { name: 'i2', streams: ['c'], ours: true },
  ]);
  formation: Formation;
  readonly queues = new Map<string, { event: number; origin: string; attempt: number }[]>();
  readonly numbers = new Map<string, number>();
  results: (readonly [number, string])[] = [];
  readonly told: string[] = [];
  lives = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const { random } = this;
    const cells = () =>
      Array.from({ length: 12 }, (_, i) =>
        random.chance(0.1)
          ? null
          : random.chance(0.1)
            ? []
            : [{ constraint: random.chance(0.1) ? null : i >> random.below(3) }],
      );
    const map = {
      parts: { p: { a: cells(), b: cells(), c: cells() } },
      sequence: Array(1 + random.below(3)).fill('p'),
    };
    this.setup = {
      map: readMap(orderedJson(Buffer.from(JSON.stringify(map)))),
      options: { wrap: random.chance(0.7), future: 10_000, redo: random.chance(0.3) ? 'group' : 'rest' },
      depth: random.chance(0.5) ? 'auto' : 1 + random.below(6),
    };
    this.formation = new Formation(this.setup);
  }

  /** One entry of the log is applied. */
  put(text: string): void {
    const id = this.log.push(text);
    const messages = new Messages(this.routes, (name) => this.formation.members.get(name)?.ours === true);
    for (const step of stepsIn(text)) messages.add(this.formation.apply(step, id));
    this.told.push(JSON.stringify([messages.common, [...messages.work], [...messages.feed]]));
    for (const [name, work] of messages.work)
      for (const { event_number: event, origin, attempt } of work)
        this.queues.get(name)?.push({ event, origin, attempt });
  }

  join(): void {
    const worker = `w${++this.lives}`;
    this.queues.set(worker, []);
    this.put(entryOf([{ op: 'join', worker, tags: ['generic'], service: `s-${worker}`, ours: true }]));
    this.report(worker, 'ready', 0);
  }

  report(worker: string, state: 'ready' | 'idle', most: number): void {
    const done = this.queues.get(worker)?.splice(0, most) ?? [];
    const number = (this.numbers.get(worker) ?? 0) + 1;
    this.numbers.set(worker, number);
    const has_result = done.map(() => this.random.chance(0.5));
    this.results.push(...done.flatMap(({ event, origin }, i) => (has_result[i] ? [[event, origin] as const] : [])));
    const report = {
      ...{ source: 'worker', state, worker, completed: done.map(({ event }) => event), has_result },
      ...{ processing_times: times(0.001 * done.length, done.length), report: number, service_uuid: `s-${worker}` },
    };
    this.put(JSON.stringify(report));
    // A command whose answer was lost is sent again.
    if (this.random.chance(0.1)) this.put(JSON.stringify(report));
  }

  reduce(): void {
    if (this.results.length === 0) return;
    this.put(
      JSON.stringify({
        source: 'reducer',
        state: 'idle',
        completed: null,
        worker: null,
        accepted: this.results.splice(0),
      }),
    );
  }

  step(): void {
    const { random } = this;
    const names = [...this.queues.keys()];
    const name = names[random.below(names.length)];
    const choice = random.below(20);
    if (name && choice < 14) this.report(name, 'idle', 1 + random.below(4));
    else if (choice < 17) this.reduce();
    else if (name && choice < 18 && names.length > 1) {
      this.queues.delete(name);
      this.put(entryOf([{ op: 'gone', worker: name }]));
      this.put(entryOf([{ op: 'grace', worker: name }]));
    } else if (choice < 19 && names.length < 5) this.join();
  }
}

t.test('whoever reads the log comes to the same state, from the start or from any snapshot', async (t) => {
  let finished = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const scan = new Scan(seed);
    const { random } = scan;
    scan.join();
    scan.join();
    const snapshots: { at: number; text: string }[] = [];
    for (let n = 0; n < 2000 && scan.formation.ending === undefined; n++) {
      if (random.chance(0.05)) snapshots.push({ at: scan.log.length, text: JSON.stringify(scan.formation.save()) });
      if (n < 150) scan.step();
      else {
        for (const name of scan.queues.keys()) scan.report(name, 'idle', 10);
        scan.reduce();
      }
    }
    if (scan.formation.ending === 'complete') finished++;
    const final = plain(scan.formation);
    for (const { at, text } of snapshots) {
      const formation = Formation.restore(scan.setup, [], JSON.parse(text));
      for (let i = at; i < scan.log.length; i++) {
        const messages = new Messages(scan.routes, (name) => formation.members.get(name)?.ours === true);
        for (const step of stepsIn(scan.log[i]!)) messages.add(formation.apply(step, i + 1));
        const told = JSON.stringify([messages.common, [...messages.work], [...messages.feed]]);
        if (told !== scan.told[i])
          return t.fail(`seed ${seed}, snapshot at ${at}, entry ${i}: ${told}, not ${scan.told[i]}`);
      }
      if (!isDeepStrictEqual(plain(formation), final)) return t.fail(`seed ${seed}, snapshot at ${at}: another end`);
    }
  }
  t.equal(finished, 300, 'every scan came to its end');
});

t.test(
  'who asks after a crash is told what is open: workers by their deliveries, ingesters every event once',
  async (t) => {
    let shortened = 0;
    for (let seed = 1; seed <= 600; seed++) {
      const scan = new Scan(seed);
      scan.join();
      scan.join();
      for (let n = scan.random.below(100); n > 0; n--) scan.step();
      const { assigner } = scan.formation;
      for (const [name, queue] of scan.queues) {
        const open = openWork(assigner, scan.routes, name).map(
          ({ event_number, origin, attempt }) => `${event_number} ${origin} ${attempt}`,
        );
        const wanted = queue.map(({ event, origin, attempt }) => `${event} ${origin} ${attempt}`);
        if (scan.formation.ending === undefined && open.join() !== wanted.join())
          return t.fail(`seed ${seed}: ${name} ${open}, not ${wanted}`);
      }
      const next = scan.random.chance(0.5) ? 0 : scan.random.below(assigner.front + 1);
      const told = openFeed(assigner, scan.routes, 'i1', next);
      const first = told.feed.filter(({ origin }) => origin === null);
      const streamsOf = (event: number) => assigner.events.instance(event).event(event).streams;
      const all = Array.from({ length: assigner.front - next }, (_, i) => next + i);
      // Who knows nothing is told of events that are over only how many there are.
      const passed = all.filter((event) => event > 0 && event < (told.passed?.before ?? 0));
      for (const stream of ['a', 'b']) {
        const places = passed.filter((event) => streamsOf(event).includes(stream)).length;
        if ((told.passed?.places[stream] ?? 0) !== places) return t.fail(`seed ${seed}: places of ${stream}`);
      }
      if (passed.length > 0) shortened++;
      if (next === 0 && assigner.ledger.over - 1 > passed.length) return t.fail(`seed ${seed}: told what is over`);
      const wanted = all.filter(
        (event) => !passed.includes(event) && streamsOf(event).some((stream) => stream !== 'c'),
      );
      if (first.map(({ event_number }) => event_number).join() !== wanted.join())
        return t.fail(`seed ${seed}: feed from ${next}`);
    }
    t.ok(shortened > 20, `${shortened} of 600 schedules`);
  },
);

t.test('trimming: an entry goes when everybody has proved to have read it', async (t) => {
  const trimmer = new Trimmer();
  const readers = (event: number) => new Map([['i1', event]]);
  trimmer.wrote('assigned', '1-0', 0, readers(0));
  trimmer.wrote('assigned', '2-0', 1, readers(1));
  trimmer.wrote('assigned', '3-0', 2, readers(2));
  trimmer.published('i1', 0);
  trimmer.published('i1', 2);
  trimmer.completed([1]);
  t.same([...trimmer.take()], [], 'event 0 is not complete');
  trimmer.completed([0]);
  t.same([...trimmer.take()], [['assigned', '2-0']], 'event 1, without shares, proves nothing');
  trimmer.completed([2]);
  t.same([...trimmer.take()], [], 'the last entry stays');
  trimmer.wrote('assigned', '4-0', 3, readers(3));
  t.same([...trimmer.take()], [['assigned', '4-0']]);
});

t.test('garbage in the log is refused, and never takes the reader down', async (t) => {
  const good = [
    '{"state":"idle","source":"worker","completed":[3],"worker":"w1","has_result":[true],"processing_times":null}',
    '{"state":"idle","source":"reducer","completed":3,"worker":"w1"}',
    '{"state":"finished","source":"ingester","ingester":"det"}',
    entryOf([
      { op: 'join', worker: 'w1', tags: ['a'], service: 's', ours: true },
      { op: 'evict', through: 3 },
    ]),
  ];
  const random = new Random(5);
  let refused = 0;
  for (let i = 0; i < 100_000; i++) {
    const bytes = Buffer.from(good[random.below(good.length)]!);
    for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = 32 + random.below(95);
    const formation = i % 100 === 0 ? new Scan(1).formation : undefined;
    try {
      const steps: readonly Step[] = stepsIn(bytes.toString());
      for (const step of steps) formation?.apply(step, 1);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      refused++;
    }
  }
  t.ok(refused > 50_000, `${refused} of 100000 refused`);
});
