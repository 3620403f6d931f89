/** Events that are given again to an ingester that had nothing to send at first (spec mapreduce.md 3.2, 6.4). Random schedules. */

import t from 'tap';
import { MISSING } from '../../../lib/mapreduce/frames/types.ts';
import { Ingester, type MapStart } from '../../../lib/mapreduce/ingest/ingester.ts';
import type { SourceFrame } from '../../../lib/mapreduce/source/types.ts';
import type { Feed } from '../../../lib/mapreduce/transport/types.ts';
import { Random } from '../../random.ts';

const STREAMS = ['a', 'b'];
const LANE = { gaps: 'ignore', firstFrame: 0, queue: 1 << 20, lossy: false } as const;

const first = (event_number: number, assignments: Feed['assignments']): Feed => ({
  ...{ event_number, assignments, attempt: 1, origin: null },
});
const again = (event_number: number, stream: string, attempt = 2): Feed => ({
  ...{ event_number, assignments: { [stream]: ['w2'] }, attempt, origin: 'w1' },
});
const frame = (name: string): SourceFrame => ({
  ...{ typ: 'T', frames: [Buffer.from(name)], mark: 'data', number: undefined },
});

type Begun = 'start' | 'hello' | 'midway';

class Schedule {
  readonly problems: string[] = [];
  messages = 0;
  readonly #random: Random;
  readonly #ingester: Ingester;
  /** By stream: its frames, and the events that want one, both in order. */
  readonly #frames = new Map(STREAMS.map((name) => [name, [] as SourceFrame[]]));
  readonly #wants = new Map(STREAMS.map((name) => [name, [] as number[]]));
  /** Keys of what must come. */
  readonly #owed = new Set<string>();
  #next = 0;
  #attempt = 1;

  readonly #afterHello: boolean;

  /** @param begun how the ingester is told: from the start, after a hello to another controller, or it begins amid the map */
  constructor(seed: number, begun: Begun) {
    const midway = begun === 'midway';
    this.#afterHello = begun === 'hello';
    this.#random = new Random(seed);
    const streams = Object.fromEntries(STREAMS.map((name) => [name, { ...LANE, repeats: midway }]));
    this.#ingester = new Ingester({ streams, hold: 1 << 30 });
    const settled = new Map(STREAMS.map((name) => [name, 0]));
    const start: MapStart = { streams: new Set(STREAMS), saysOver: true, ...(midway ? { settled } : {}) };
    this.#ingester.begin(start);
  }

  /** One batch: new events, some of them for nobody; some of them are given again at once. */
  batch(): void {
    const random = this.#random;
    const feeds: Feed[] = [];
    for (let n = 1 + random.below(4); n > 0; n--) {
      const names = STREAMS.filter(() => random.chance(0.8));
      for (const name of names) this.#wants.get(name)!.push(this.#next);
      const lists = names.map((name) => [name, random.chance(0.6) ? [] : ['w1']] as const);
      feeds.push(first(this.#next++, Object.fromEntries(lists)));
    }
    const repeated = feeds.filter(() => random.chance(0.5)).flatMap((feed) => this.#repeat(feed));
    this.#give([...feeds, ...repeated]);
  }

  #repeat({ event_number, assignments }: Feed): Feed[] {
    return Object.keys(assignments)
      .filter(() => this.#random.chance(0.6))
      .map((name) => again(event_number, name, ++this.#attempt));
  }

  /** One of the events so far is given again. */
  later(): void {
    const event = this.#random.below(this.#next);
    const names = STREAMS.filter((name) => this.#wants.get(name)!.includes(event));
    const [name] = names;
    if (name !== undefined) this.#give([again(event, name, ++this.#attempt)]);
  }

  #give(feeds: readonly Feed[]): void {
    for (const { event_number, assignments, attempt } of feeds)
      for (const [name, workers] of Object.entries(assignments))
        for (const worker of workers) this.#owed.add(`${event_number} ${attempt} ${name} ${worker}`);
    this.#ingester.give(feeds, this.#afterHello);
    this.#collect();
  }

  frame(): void {
    const name = STREAMS[this.#random.below(STREAMS.length)]!;
    const frames = this.#frames.get(name)!;
    const made = frame(`${name}${frames.length}`);
    frames.push(made);
    this.#ingester.arrive(name, made);
    this.#collect();
  }

  #collect(): void {
    for (const message of this.#ingester.takeMessages()) {
      const { event, attempt, worker, streams } = message;
      for (const { name, data } of streams) {
        this.messages++;
        const expected = this.#frames.get(name)![this.#wants.get(name)!.indexOf(event)];
        if (!this.#owed.delete(`${event} ${attempt} ${name} ${worker}`)) this.problems.push(`${event} came unasked`);
        if (data !== expected)
          this.problems.push(
            `event ${event}, attempt ${attempt}: ${name} is ${data === MISSING ? 'missing' : 'wrong'}`,
          );
      }
      if (this.#random.chance(0.9)) this.#ingester.delivered(message);
      else this.#ingester.undeliverable(message);
    }
  }

  /** All frames come; everything that was asked for has been sent, and every frame has one fate. */
  end(): void {
    const wanted = Math.max(...[...this.#wants.values()].map(({ length }) => length));
    while (STREAMS.some((name) => this.#frames.get(name)!.length < wanted)) this.frame();
    for (const key of this.#owed) this.problems.push(`${key} has not come`);
    this.#ingester.over([[0, this.#next]]);
    this.#ingester.end();
    for (const [name, { counts, held }] of this.#ingester.lanes) {
      const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
      if (held !== 0 || counts.received !== counts.sent + counts.discarded + dropped)
        this.problems.push(`${name}: ${held} held, ${JSON.stringify(counts)}`);
    }
    if (this.#ingester.keptBytes !== 0) this.problems.push(`${this.#ingester.keptBytes} bytes are kept`);
    if (this.#ingester.oddities.gone > 0) this.problems.push(`${this.#ingester.oddities.gone} frames were gone`);
  }
}

function play(begun: Begun): { readonly problems: readonly string[]; readonly messages: number } {
  let messages = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const schedule = new Schedule(seed, begun);
    const random = new Random(-seed);
    schedule.batch();
    for (let n = random.below(40); n > 0; n--) {
      const choice = random.below(10);
      if (choice < 3) schedule.batch();
      else if (choice < 5 && begun !== 'start') schedule.later();
      else schedule.frame();
    }
    schedule.end();
    messages += schedule.messages;
    if (schedule.problems.length > 0) return { problems: [`seed ${seed}`, ...schedule.problems], messages };
  }
  return { problems: [], messages };
}

t.test('what is told for nobody and given again in the same batch is sent', async (t) => {
  const { problems, messages } = play('start');
  t.same(problems, []);
  t.ok(messages > 10_000, `${messages} messages`);
});

t.test('what an ingester is told after a hello is kept until it is over', async (t) => {
  const { problems, messages } = play('hello');
  t.same(problems, []);
  t.ok(messages > 10_000, `${messages} messages`);
});

t.test('an ingester that begins amid a map keeps what is for nobody until it is over', async (t) => {
  const { problems, messages } = play('midway');
  t.same(problems, []);
  t.ok(messages > 10_000, `${messages} messages`);
});

t.test('a frame that nobody asks for goes at once, also behind an event that waits', async (t) => {
  const ingester = new Ingester({ streams: { a: LANE, b: LANE }, hold: 1 << 30 });
  ingester.begin({ streams: new Set(STREAMS), saysOver: true });
  ingester.arrive('a', frame('early'));
  ingester.give([first(0, { a: [], b: ['w1'] }), first(1, { a: [] })]);
  ingester.arrive('a', frame('late'));
  const { counts, held } = ingester.lanes.get('a')!;
  t.same([counts.discarded, held], [2, 0]);
  ingester.give([again(1, 'a')]);
  t.equal(ingester.takeMessages()[0]!.streams[0]!.data, MISSING, 'asked for too late');
  t.equal(ingester.oddities.gone, 1);
});
