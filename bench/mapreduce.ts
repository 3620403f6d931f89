/**
 * Map-reduce as a whole, with the processes that users start and everything on loopback. Each line stands beside what the reference did
 * (spec mapreduce.md 15; ratios to it hold only roughly, because it ran on another day) and beside the same messages from sender to
 * receiver over ZeroMQ with nothing in between, in this run. CPU of each role per event is what counts on a busy machine.
 *
 * Run: npm run bench mapreduce; some parts: node --import tsx bench/mapreduce.ts rates streams ...
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { batches } from '../test/mapreduce/control/ensemble.ts';
import { type Order, type Peer, peer, type Series } from './mapreduce/peers.ts';
import { type Cpu, MODES, Roles, type Runtime, secondsOf, usedSince } from './mapreduce/roles.ts';

const PARTS = ['setup', 'rates', 'workers', 'streams', 'results', 'latency', 'big', 'python', 'idle'] as const;
type Part = (typeof PARTS)[number];
const STREAMS = 3;
const SMALL = 64;
const MB = 1 << 20;

/** Events/s of the unmodified reference, 64-byte frames: spec mapreduce.md 15, by workers and events per constraint. */
const REFERENCE: Readonly<Record<number, Readonly<Record<number, number>>>> = {
  1: { 1: 776, 10: 2145, 100: 3077 },
  2: { 1: 961, 10: 2778, 100: 3245 },
  4: { 1: 687, 10: 2314, 100: 3811 },
  8: { 1: 473, 10: 1846, 100: 3897 },
};
/** Spec 15: several streams, 4 workers. */
const REFERENCE_STREAMS: typeof REFERENCE = { 2: { 1: 580, 10: 1317 }, 3: { 1: 319, 10: 1137 } };
/** Spec 18, 4 workers. */
const GOALS: Readonly<Record<number, number>> = { 1: 10_000, 10: 15_000, 100: 30_000 };
/** Events per scan: a second or two. */
const COUNTS: Readonly<Record<number, number>> = { 1: 20_000, 10: 40_000, 100: 60_000 };

interface Scan {
  readonly streams?: number;
  readonly batch: number;
  readonly events: number;
  readonly bytes?: number;
  readonly rate?: number;
  readonly mode?: number;
}

interface Measured {
  readonly seconds: number;
  readonly post: number;
  readonly cpu: Cpu;
}

interface Pair {
  readonly sender: Peer;
  readonly receiver: Peer;
}

class Bench {
  readonly #sender: Peer;
  readonly #bare: Pair;
  readonly roles: Roles;
  /** Messages per second straight, by bytes of a frame. */
  readonly #floors = new Map<number, number>();

  private constructor(sender: Peer, bare: Pair, roles: Roles) {
    this.#sender = sender;
    this.#bare = bare;
    this.roles = roles;
  }

  static async start(): Promise<Bench> {
    const [sender, bareSender] = [peer('send', String(STREAMS)), peer('send', '1')];
    const [urls, bareUrls] = (await Promise.all([sender.next(), bareSender.next()])) as [string[], string[]];
    const receiver = peer('pull', bareUrls[0]!);
    await receiver.next();
    return new Bench(sender, { sender: bareSender, receiver }, await Roles.start(urls));
  }

  /** @returns nanoseconds from the sender to the receiver */
  async straight(series: Omit<Series, 'to' | 'mode'>): Promise<readonly number[]> {
    const { sender, receiver } = this.#bare;
    const done = receiver.next();
    receiver.process.send({ messages: series.frames + 2, stamped: series.rate > 0 } satisfies Order);
    sender.process.send({ ...series, to: [0], mode: 0 } satisfies Series);
    return (await done) as number[];
  }

  /** The frames of one stream, straight to a receiver. @returns frames per second */
  async floor(bytes: number): Promise<number> {
    const known = this.#floors.get(bytes);
    if (known !== undefined) return known;
    const { sender, receiver } = this.#bare;
    const frames = bytes < MB ? 40_000 : 300;
    const pids = [sender.process.pid!, receiver.process.pid!];
    const used = () => pids.reduce((sum, pid) => sum + secondsOf(pid), 0);
    const before = used();
    const start = performance.now();
    await this.straight({ bytes, frames, rate: 0 });
    const rate = frames / ((performance.now() - start) / 1000);
    const cpu = ((used() - before) / frames) * 1e6;
    console.log(
      `floor, ${bytes} B: ${thousands(rate)} frames/s, sender and receiver ${cpu.toFixed(0)} us CPU per frame`,
    );
    this.#floors.set(bytes, rate);
    return rate;
  }

  async scan({ streams = 1, batch, events, bytes = SMALL, rate = 0, mode = MODES.nothing }: Scan): Promise<Measured> {
    const names = Array.from({ length: streams }, (_, i) => `s${i}`);
    const post = await this.roles.post(batches(events, batch, names));
    const before = this.roles.cpu();
    const senderBefore = secondsOf(this.#sender.process.pid!);
    const start = performance.now();
    const to = names.map((_, i) => i);
    this.#sender.process.send({ to, bytes, frames: events, rate, mode } satisfies Series);
    const { damaged } = await this.roles.finished();
    const seconds = (performance.now() - start) / 1000;
    if (damaged > 0) throw new Error(`${damaged} events are damaged\n${this.roles.words}`);
    const sender = secondsOf(this.#sender.process.pid!) - senderBefore;
    return { seconds, post, cpu: { ...usedSince(before, this.roles.cpu()), sender } };
  }

  async close(): Promise<void> {
    await this.roles.close();
    for (const { process } of [this.#sender, this.#bare.sender, this.#bare.receiver]) process.kill();
  }
}

let warmed = '';
const bench = await Bench.start();
const asked = process.argv.slice(2).filter((word) => word !== '--page');
const wanted = new Set<string>(asked.length > 0 ? asked : PARTS);
const unknown = [...wanted].filter((word) => !(PARTS as readonly string[]).includes(word));
const wants = (part: Part) => wanted.has(part);
try {
  if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(' ')}; there are ${PARTS.join(' ')}`);
  // Workers are only added, which takes no time.
  if (wants('workers')) await rates(1);
  if (wants('workers')) await rates(2);
  if (wants('big')) await big();
  await team(4);
  if (wants('setup')) await setup();
  if (wants('rates')) await rates(4);
  if (wants('streams')) for (const streams of [2, 3]) await rates(4, { streams });
  if (wants('results')) await results();
  if (wants('latency')) await latency();
  if (wants('workers')) await rates(8);
  if (wants('python')) await rates(4, { runtime: 'python' });
  if (wants('idle')) await idle();
} finally {
  await bench.close();
}

/** So many workers, which have compiled what they run, as those of a beamline have after the first scan of the day. */
async function team(count: number, runtime: Runtime = 'js'): Promise<void> {
  await bench.roles.workers(count, runtime);
  const name = `${runtime} ${count}`;
  if (name === warmed) return;
  warmed = name;
  for (const mode of [MODES.nothing, MODES.result]) {
    await bench.scan({ streams: STREAMS, batch: 10, events: 8000, mode });
  }
}

/** Rates by events per constraint. */
async function rates(workers: number, { streams = 1, runtime = 'js' as Runtime } = {}): Promise<void> {
  await team(workers, runtime);
  const floor = await bench.floor(SMALL);
  for (const batch of streams > 1 ? [1, 10] : [1, 10, 100]) {
    const events = COUNTS[batch]! / streams;
    const { seconds, cpu } = await bench.scan({ streams, batch, events });
    const rate = events / seconds;
    const reference = (streams > 1 ? REFERENCE_STREAMS[streams] : REFERENCE[workers])![batch]!;
    const goal = workers === 4 && streams === 1 && runtime === 'js' ? ` (goal >= ${thousands(GOALS[batch]!)})` : '';
    const name = `${streams} stream${streams > 1 ? 's' : ''}, ${workers} ${runtime} worker${workers > 1 ? 's' : ''}, b=${batch}`;
    console.log(
      `${name}: ${thousands(rate)} events/s${goal}, ${(rate / reference).toFixed(1)}x reference ${thousands(reference)}, ${((rate * streams) / floor).toFixed(2)}x floor; CPU us/event ${perEvent(cpu, events)}`,
    );
  }
}

/** Small maps, one after the other. */
async function setup(): Promise<void> {
  const posts: number[] = [];
  for (let i = 0; i < 5; i++) posts.push((await bench.scan({ batch: 1, events: 100 })).post);
  console.log(
    `set-up, 100 events, 4 workers: p50 ${at(posts, 0.5).toFixed(0)} ms, most ${at(posts, 1).toFixed(0)} ms (goal <= 50, at most 100; reference 500)`,
  );
}

async function results(): Promise<void> {
  for (const batch of [10, 100]) {
    const events = 30_000;
    const { seconds, cpu } = await bench.scan({ batch, events, mode: MODES.result });
    const { results: count } = bench.roles.latencies();
    if (count !== events) throw new Error(`${count} results of ${events}`);
    const rate = events / seconds;
    const of = batch === 10 ? `, ${(rate / 1257).toFixed(1)}x reference 1.26 k` : '';
    console.log(
      `every event a result, 4 js workers, b=${batch}: ${thousands(rate)} results/s (goal >= 20.0 k)${of}; CPU us/event ${perEvent(cpu, events)}`,
    );
  }
}

async function latency(): Promise<void> {
  const bytes = 2000;
  const floor = await bench.straight({ bytes, frames: 300, rate: 100 });
  await bench.scan({ batch: 1, events: 500, bytes, rate: 100, mode: MODES.latency });
  const { worker, reducer } = bench.roles.latencies();
  const line = (times: readonly number[]) =>
    [0.5, 0.9, 0.99].map((part) => (at(times, part) / 1e6).toFixed(2)).join(' / ');
  console.log(
    `latency, 2 kB at 100 Hz, p50 / p90 / p99 ms: to the worker ${line(worker)} (goal p50 < 0.5; reference 1.25 / 1.53 / 3.9), to the reducer ${line(reducer)} (reference p50 2.22, p99 5.9); floor ${line(floor)}, p50 to the worker ${(at(worker, 0.5) / at(floor, 0.5)).toFixed(1)}x floor`,
  );
}

async function big(): Promise<void> {
  await team(2);
  const bytes = 2 * MB;
  const floor = await bench.floor(bytes);
  const events = 500;
  const { seconds, cpu } = await bench.scan({ batch: 10, events, bytes });
  const rate = events / seconds;
  console.log(
    `2 MiB frames, 2 js workers, b=10: ${((rate * bytes) / 1e9).toFixed(2)} GB/s (goal >= 2), ${(rate / 525).toFixed(1)}x reference 1.10 GB/s, ${(rate / floor).toFixed(2)}x floor; CPU us/event ${perEvent(cpu, events)}`,
  );
}

async function idle(): Promise<void> {
  const seconds = 5;
  await sleep(2000);
  const before = bench.roles.cpu();
  await sleep(1000 * seconds);
  const used = Object.entries(usedSince(before, bench.roles.cpu()));
  const percent = used.map(([role, cpu]) => [role, (100 * cpu) / seconds] as const);
  const all = percent.reduce((sum, [, share]) => sum + share, 0);
  const shares = percent.map(([role, share]) => `${role} ${share.toFixed(1)}`).join(', ');
  console.log(
    `idle, 4 workers, ${STREAMS} ingesters: ${all.toFixed(1)} % of a core (goal < 1; reference 13 per ingester): ${shares}`,
  );
}

function perEvent(cpu: Cpu, events: number): string {
  const { sender, ...roles } = cpu;
  const parts = Object.entries(roles).map(([role, seconds]) => `${role} ${((1e6 * seconds) / events).toFixed(0)}`);
  const all = Object.values(roles).reduce((sum, seconds) => sum + seconds, 0);
  return `${((1e6 * all) / events).toFixed(0)} (${parts.join(', ')}), sender ${((1e6 * (sender ?? 0)) / events).toFixed(0)}`;
}

function thousands(rate: number): string {
  return rate < 1000 ? rate.toFixed(0) : `${(rate / 1000).toFixed(1)} k`;
}

function at(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
