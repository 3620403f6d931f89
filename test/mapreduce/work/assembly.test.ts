/** Events out of messages (spec mapreduce.md 1, 6.1): random schedules of work, messages, deaths and repetitions. */

import t from 'tap';
import type { Work } from '../../../lib/mapreduce/transport/types.ts';
import { type Assembled, Assembly } from '../../../lib/mapreduce/work/assembly.ts';
import { readIngesterMessage } from '../../../lib/mapreduce/work/ingester-message.ts';
import { Random } from '../../random.ts';

const MAP = 'm';
const stream = (name: string) => new Map([[name, { typ: 'STINS', frames: [Buffer.from(name)] }]]);

interface Scheduled {
  readonly work: Work[];
  readonly messages: { ingester: string; of: Work }[];
}

function schedule(random: Random): Scheduled {
  const ingesters = ['a', 'b', 'c'].slice(0, 1 + random.below(3));
  const work = Array.from({ length: 1 + random.below(30) }, (_, i): Work => {
    const own = ingesters.filter(() => random.chance(0.8));
    const again = random.chance(0.1);
    return { event_number: i, streams_from: own, attempt: again ? 2 : 1, origin: again ? 'dead' : 'w' };
  });
  const messages = work.flatMap((of) => of.streams_from.map((ingester) => ({ ingester, of })));
  for (let i = messages.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [messages[i], messages[j]] = [messages[j]!, messages[i]!];
  }
  return { work, messages };
}

function deliver(assembly: Assembly, { ingester, of }: Scheduled['messages'][number], map?: string): void {
  const { event_number, attempt, origin } = of;
  const identity = attempt === 1 ? {} : { attempt, origin };
  assembly.message(ingester, { event_number, streams: stream(ingester), ...identity, ...(map ? { map } : {}) });
}

t.test(
  '10,000 schedules: every event once, in the order of the work, with the streams of all its ingesters',
  async (t) => {
    for (let seed = 0; seed < 10_000; seed++) {
      const random = new Random(seed);
      const { work, messages } = schedule(random);
      const assembly = new Assembly(MAP, 'w');
      const lost = new Set(messages.filter(() => random.chance(0.05)));
      const rest = messages.filter((message) => !lost.has(message));
      const got: Assembled[] = [];
      const take = (now: number) => {
        for (let event = assembly.next(now); event; event = assembly.next(now)) got.push(event);
      };
      const todo = [...work];
      let strange = 0;
      while (todo.length > 0 || rest.length > 0) {
        if (todo.length > 0 && random.chance(0.5)) assembly.expect(todo.shift()!);
        else if (rest.length > 0) {
          const message = rest.shift()!;
          deliver(assembly, message, random.chance(0.5) ? MAP : undefined);
          if (random.chance(0.1)) {
            deliver(assembly, message, 'another map');
            strange++;
          }
        }
        take(0);
      }
      for (const ingester of ['a', 'b', 'c']) assembly.gone(ingester, 10);
      take(9);
      const before = got.length;
      take(10);
      const problems = got.filter(({ problem }) => problem !== undefined);
      const damaged = new Set([...lost].map(({ of }) => of.event_number));
      const ok =
        got.map(({ work: { event_number } }) => event_number).join() ===
          work.map(({ event_number }) => event_number).join() &&
        problems.every(({ work: { event_number } }) => damaged.has(event_number)) &&
        problems.length === damaged.size &&
        (damaged.size === 0 || before < got.length) &&
        got.every(
          ({ work: { streams_from }, streams, problem }) =>
            problem || [...streams.keys()].join() === streams_from.join(),
        ) &&
        assembly.counts.stale === strange &&
        assembly.waiting === 0;
      if (!ok) return t.fail(`seed ${seed}`, { work, got });
    }
    t.pass();
  },
);

t.test('what an ingester owed is given up also if it comes back; what it is asked for afterwards is not', async (t) => {
  const assembly = new Assembly(MAP, 'w');
  const event = (event_number: number): Work => ({ event_number, streams_from: ['a'], attempt: 1, origin: 'w' });
  for (const number of [0, 1]) assembly.expect(event(number));
  assembly.gone('a', 100);
  assembly.back('a');
  assembly.expect(event(2));
  t.equal(assembly.deadline, 100);
  t.equal(assembly.next(99), undefined);
  deliver(assembly, { ingester: 'a', of: event(0) });
  t.equal(assembly.next(99)?.problem, undefined, 'it came in time');
  t.match(assembly.next(100)?.problem, /a went away/);
  t.equal(assembly.deadline, undefined);
  t.equal(assembly.next(1e9), undefined, 'a detector may be slow');
  deliver(assembly, { ingester: 'a', of: event(2) });
  t.equal(assembly.next(1e9)?.problem, undefined);
});

t.test('while an ingester is away what it is asked for is given up at the same time', async (t) => {
  const assembly = new Assembly(MAP, 'w');
  assembly.gone('a', 100);
  assembly.expect({ event_number: 0, streams_from: ['a', 'b'], attempt: 1, origin: 'w' });
  assembly.expect({ event_number: 1, streams_from: ['b'], attempt: 1, origin: 'w' });
  assembly.gone('a', 200);
  t.match(assembly.next(100), undefined, 'b is there and may be slow');
  deliver(assembly, { ingester: 'b', of: { event_number: 0, streams_from: [], attempt: 1, origin: 'w' } });
  t.match(assembly.next(100)?.problem, /^a went away/);
  t.equal(assembly.next(1e9), undefined);
});

t.test('what is withdrawn holds up nobody', async (t) => {
  const assembly = new Assembly(MAP, 'w');
  const event = (event_number: number): Work => ({ event_number, streams_from: ['a'], attempt: 1, origin: 'w' });
  for (const number of [0, 1, 2]) assembly.expect(event(number));
  deliver(assembly, { ingester: 'a', of: event(2) });
  t.equal(assembly.next(0), undefined);
  t.equal(assembly.withdraw(event(1)), true);
  t.equal(assembly.withdraw(event(1)), false);
  t.equal(assembly.withdraw(event(0)), true);
  t.equal(assembly.waiting, 1);
  t.equal(assembly.next(0)?.work.event_number, 2);
  t.equal(assembly.withdraw(event(2)), false, 'it has begun');
});

t.test('messages twice, and of ingesters that nobody waits for, are counted and change nothing', async (t) => {
  const assembly = new Assembly(MAP, 'w');
  const work: Work = { event_number: 3, streams_from: ['a', 'b'], attempt: 1, origin: 'w' };
  deliver(assembly, { ingester: 'a', of: work });
  deliver(assembly, { ingester: 'a', of: work });
  t.same(assembly.counts, { stale: 0, repeated: 1, unasked: 0 });
  assembly.expect(work);
  deliver(assembly, { ingester: 'a', of: work });
  deliver(assembly, { ingester: 'z', of: work });
  t.same(assembly.counts, { stale: 0, repeated: 3, unasked: 0 });
  t.equal(assembly.next(0), undefined);
  deliver(assembly, { ingester: 'b', of: work });
  t.same([...assembly.next(0)!.streams.keys()], ['a', 'b']);
});

t.test('what nobody has asked for by the end of the map is counted, also over several maps', async (t) => {
  const counts = { stale: 0, repeated: 0, unasked: 0 };
  for (const total of [3, 6]) {
    const assembly = new Assembly(MAP, 'w', counts);
    const event = (event_number: number): Work => ({ event_number, streams_from: ['a'], attempt: 1, origin: 'w' });
    for (const number of [0, 1, 2]) deliver(assembly, { ingester: 'a', of: event(number) });
    assembly.expect(event(1));
    t.equal(assembly.next(0)?.work.event_number, 1);
    assembly.end();
    deliver(assembly, { ingester: 'a', of: event(3) });
    t.same(counts, { stale: 0, repeated: 0, unasked: total });
  }
});

t.test('messages as ingesters send them (spec 6.1)', async (t) => {
  const header = (event: number, more = {}) => ({
    event_number: event,
    streams: { det: { typ: 'STINS', length: 2 } },
    ...more,
  });
  const parts = (value: object, ...frames: string[]) =>
    [JSON.stringify(value), ...frames].map((one) => Buffer.from(one));
  const [one] = readIngesterMessage(parts(header(4), 'x', 'y'));
  t.equal(one!.event_number, 4);
  t.equal(one!.map, undefined);
  t.same(one!.streams.get('det'), { typ: 'STINS', frames: [Buffer.from('x'), Buffer.from('y')] });
  for (const bad of [
    [],
    parts(header(4), 'x'),
    parts(header(4), 'x', 'y', 'z'),
    parts(header(-1), 'x', 'y'),
    [Buffer.from('{')],
  ])
    t.throws(() => readIngesterMessage(bad), /header|parts|number|JSON/);
});
