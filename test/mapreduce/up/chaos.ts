/**
 * Scans under map-up with random kill -9 of anybody. Afterwards every event must have been reduced exactly once, with the frame that is its own, or
 * the controller must name it; and nothing may be left.
 */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { Push } from 'zeromq';
import { ControlClient, type Damaged, type Progress } from '../../../lib/mapreduce/http/client.ts';
import { RemoteTree } from '../../../lib/mapreduce/http/tree-client.ts';
import { treeAsJson } from '../../../lib/mapreduce/reduce/tree-json.ts';
import { freePorts } from '../../../lib/mapreduce/up/folder.ts';
import { executable, PROJECT } from '../../executable.ts';
import { Random } from '../../random.ts';
import { childrenOf, commandLineOf, isThere } from './processes.ts';

export type Victim = 'worker' | 'ingester' | 'reducer' | 'control' | 'redis';
export const VICTIMS: readonly Victim[] = ['worker', 'ingester', 'reducer', 'control', 'redis'];

export interface Kill {
  readonly victim: Victim;
  /** When this part of the events is complete. */
  readonly at: number;
}

export interface ScanPlan {
  readonly seed: number;
  readonly events: number;
  readonly batch: number;
  readonly workers: number;
  /** Of every event, each with its own ingester; the frames of an event have the same number in all of them. */
  readonly streams: number;
  /** A detector that pushes and cannot repeat, or a file. */
  readonly source: 'push' | 'file';
  readonly transport: 'credits' | 'redis';
  readonly kills: readonly Kill[];
}

export interface ScanReport {
  readonly plan: ScanPlan;
  /** Empty if all is well. */
  readonly problems: readonly string[];
  readonly killed: readonly string[];
  readonly damaged: Damaged | undefined;
  readonly lossless: boolean;
  readonly seconds: number;
  readonly folder: string;
}

const COMMANDS: Readonly<Record<Victim, RegExp>> = {
  worker: /map-work /,
  ingester: /map-ingest /,
  reducer: /map-reduce /,
  control: /map-control /,
  redis: /redis-server /,
};
const SCAN_MS = 90_000;
const PACE_MS = 20;

/** What a seed makes of it. */
export function randomPlan(seed: number): ScanPlan {
  const random = new Random(seed);
  const kills = Array.from({ length: 1 + random.below(4) }, () => ({
    victim: VICTIMS[random.below(VICTIMS.length)]!,
    at: 0.05 + (0.9 * random.below(1000)) / 1000,
  }));
  const drawn: Omit<ScanPlan, 'streams'> = {
    seed,
    events: 200 + random.below(400),
    batch: [1, 1, 7, 20][random.below(4)]!,
    workers: 2 + random.below(2),
    source: random.below(2) === 0 ? 'push' : 'file',
    transport: random.below(4) === 0 ? 'redis' : 'credits',
    kills: kills.sort((a, b) => a.at - b.at),
  };
  return { ...drawn, streams: 1 + random.below(2) };
}

/** One list of byte strings per message of a detector. */
function messages(images: number): Buffer[][] {
  let number = 0;
  const header = (fields: object) => Buffer.from(JSON.stringify({ ...fields, msg_number: number++ }));
  const image = (frame: number) => header({ htype: 'image', frame, shape: [1], type: 'uint16', compression: 'none' });
  return [
    [header({ htype: 'header', filename: '' })],
    ...Array.from({ length: images }, (_, frame) => [image(frame), Buffer.of(frame & 255, frame >> 8)]),
    [header({ htype: 'series_end' })],
  ];
}

/** CBOR of a list of byte strings. */
function captured(parts: readonly Buffer[]): Buffer {
  const head = (major: number, length: number) => Buffer.of((major << 5) | 25, length >> 8, length & 255);
  return Buffer.concat([head(4, parts.length), ...parts.flatMap((part) => [head(2, part.length), part])]);
}

class Detector {
  readonly #socket: Push;
  #stopped = false;

  private constructor(socket: Push) {
    this.#socket = socket;
  }

  static async open(): Promise<Detector> {
    const socket = new Push({ linger: 0, sendHighWaterMark: 10 });
    await socket.bind('tcp://127.0.0.1:*');
    return new Detector(socket);
  }

  get url(): string {
    return this.#socket.lastEndpoint!;
  }

  async play(all: readonly Buffer[][]): Promise<void> {
    for (const message of all) {
      if (this.#stopped) return;
      await this.#socket.send(message);
      await sleep(1);
    }
  }

  close(): void {
    this.#stopped = true;
    this.#socket.close();
  }
}

export class ChaosScan {
  readonly #plan: ScanPlan;
  readonly #folder = mkdtempSync(join(tmpdir(), 'chaos-'));
  readonly #random: Random;
  readonly #problems: string[] = [];
  readonly #killed: string[] = [];
  readonly #detectors: Detector[] = [];
  #damaged: Damaged | undefined;

  constructor(plan: ScanPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed ^ 0x5eed);
  }

  async run(): Promise<ScanReport> {
    const begin = performance.now();
    const [control, results] = (await freePorts(2)) as [number, number];
    await this.#write(control, results);
    const child = execa(
      executable('map-up'),
      [join(this.#folder, 'scan.yaml'), '--no-once', '-o', join(this.#folder, 'logs')],
      {
        ...{ reject: false, stdin: 'ignore' },
        env: { TMPDIR: this.#folder, CHAOS_MS: '8' },
      },
    );
    // The last resort, for runs that break off.
    const last = () => child.kill('SIGKILL');
    process.once('exit', last);
    let ended = false;
    void child.then(() => {
      ended = true;
    });
    const client = new ControlClient(`http://127.0.0.1:${control}`);
    const progress = await this.#follow(client, child.pid!, () => ended);
    if (progress?.finished) await this.#check(client, new RemoteTree(`http://127.0.0.1:${results}`), progress);
    const children = childrenOf(child.pid!);
    child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await child;
    process.removeListener('exit', last);
    for (const detector of this.#detectors) detector.close();
    const lossless = this.#damaged !== undefined && Object.values(this.#damaged).every((runs) => runs.length === 0);
    this.#checkEnd(exitCode, lossless, children, `${stdout}\n${stderr}`);
    const isFine = this.#problems.length === 0;
    if (isFine) rmSync(this.#folder, { recursive: true, force: true });
    return {
      ...{ plan: this.#plan, problems: this.#problems, killed: this.#killed, damaged: this.#damaged, lossless },
      ...{ seconds: (performance.now() - begin) / 1000, folder: this.#folder },
    };
  }

  async #write(control: number, results: number): Promise<void> {
    const { events, batch, workers, transport } = this.#plan;
    const names = ['det', 'aux'].slice(0, this.#plan.streams);
    const streams = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await this.#stream(name)])));
    const payloads = join(PROJECT, 'test/mapreduce/up');
    const scan = {
      streams,
      workers: { payload: join(payloads, 'chaos-worker.mjs'), count: workers },
      reducer: { payload: join(payloads, 'chaos-reducer.mjs'), port: results },
      control: { port: control, options: ['--transport', transport] },
      map: { events, batch },
    };
    writeFileSync(join(this.#folder, 'scan.yaml'), JSON.stringify(scan));
  }

  async #stream(name: string): Promise<object> {
    const { source, events } = this.#plan;
    const all = messages(events);
    if (source === 'file') {
      const file = `${name}.cbors`;
      writeFileSync(join(this.#folder, file), Buffer.concat(all.map(captured)));
      return { kind: 'stins', file };
    }
    const detector = await Detector.open();
    this.#detectors.push(detector);
    void detector.play(all).catch(() => {});
    return { upstream: detector.url, options: '--resume-wait 4' };
  }

  /** Kills when it is time, until the scan is finished. */
  async #follow(client: ControlClient, pid: number, isOver: () => boolean): Promise<Progress | undefined> {
    const deadline = performance.now() + SCAN_MS;
    const kills = [...this.#plan.kills];
    let progress: Progress | undefined;
    while (performance.now() < deadline && !isOver()) {
      progress = (await client.progress().catch(() => undefined)) ?? progress;
      const done = progress ? progress.completed_events / Math.max(1, progress.total_events) : 0;
      if (progress?.finished && progress.total_events > 0) return progress;
      if (kills[0] && progress && progress.total_events > 0 && done >= kills[0].at) this.#kill(kills.shift()!, pid);
      await sleep(PACE_MS);
    }
    const stuck = progress && `${progress.phase}, ${progress.completed_events} of ${progress.total_events}`;
    this.#problems.push(
      isOver() ? 'map-up has ended by itself' : `not finished after ${SCAN_MS / 1000} s: ${stuck ?? 'no answer'}`,
    );
    if (!isOver()) await this.#nameOpen(client, progress);
    return undefined;
  }

  async #nameOpen(client: ControlClient, progress: Progress | undefined): Promise<void> {
    for (let event = 0, named = 0; event < (progress?.total_events ?? 0) && named < 3; event++) {
      const where = (await client.event(event).catch(() => undefined)) as { state: string } | undefined;
      if (!where || (where.state !== 'published' && where.state !== 'not-published')) continue;
      named++;
      this.#problems.push(JSON.stringify(where));
    }
    this.#problems.push(JSON.stringify(progress));
  }

  #kill({ victim }: Kill, pid: number): void {
    const there = childrenOf(pid).filter((one) => COMMANDS[victim].test(commandLineOf(one)));
    // A child that binds others to itself stands first; the innermost is the program.
    const target = there[this.#random.below(Math.max(1, there.length))];
    if (target === undefined) return;
    try {
      process.kill(target, 'SIGKILL');
      this.#killed.push(victim);
    } catch {
      // It has just ended.
    }
  }

  /** Every image exactly once and its own, or named. */
  async #check(client: ControlClient, tree: RemoteTree, progress: Progress): Promise<void> {
    if (progress.reason !== 'complete') this.#problems.push(`the scan ended: ${progress.reason}`);
    const published = await again(async () => {
      if ((await client.reducerMap()) !== progress.uuid) throw new Error('the reducer is not back');
      return treeAsJson(tree);
    });
    this.#damaged = await again(() => client.damaged());
    const { frames, times } = published as Record<'frames' | 'times', Record<string, number>>;
    const named = new Set(
      Object.values(this.#damaged)
        .flat()
        .flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
    );
    for (let event = 1; event <= this.#plan.events; event++) {
      const seen = times[event] ?? 0;
      if (seen > 1) this.#problems.push(`event ${event} was reduced ${seen} times`);
      if (seen === 0 && !named.has(event)) {
        const where = JSON.stringify(await client.event(event).catch(() => undefined));
        this.#problems.push(`event ${event} was not reduced, and nobody names it: ${where}`);
      }
      if (seen > 0 && frames[event] !== event - 1) this.#problems.push(`event ${event} had frame ${frames[event]}`);
    }
    const beyond = Object.keys(times).filter((event) => Number(event) < 1 || Number(event) > this.#plan.events);
    if (beyond.length > 0) this.#problems.push(`results of events ${beyond.join(', ')}, which are no images`);
  }

  #checkEnd(exitCode: number | undefined, lossless: boolean, children: readonly number[], words: string): void {
    if (exitCode !== 0 && exitCode !== 3) this.#problems.push(`map-up ended with ${exitCode}`);
    if (exitCode === 0 && !lossless) this.#problems.push('map-up ended with 0 although events are damaged');
    const { source, transport } = this.#plan;
    if (!lossless && source === 'file' && transport === 'credits')
      this.#problems.push(`a file is read again, so nothing need be lost: ${JSON.stringify(this.#damaged)}`);
    const left = children.filter(isThere);
    if (left.length > 0) this.#problems.push(`left: ${left.map(commandLineOf).join('; ')}`);
    const files = readdirSync(this.#folder).filter((name) => name.startsWith('daqpipe-map-up'));
    if (files.length > 0) this.#problems.push(`left: ${files.join(', ')}`);
    if (this.#problems.length > 0) this.#problems.push(words.trim());
  }
}

/** Somebody may just be coming up again. */
async function again<T>(question: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await question();
    } catch (error) {
      if (tries >= 200) throw error;
      await sleep(50);
    }
  }
}

/** One line for a person. */
export function reportLine({ plan, problems, killed, damaged, seconds, folder }: ScanReport): string {
  const { seed, events, batch, workers, streams, source, transport } = plan;
  const bad = Object.entries(damaged ?? {}).filter(([, runs]) => runs.length > 0);
  const named = bad.map(([why, runs]) => `${why} ${runs.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(' ')}`);
  const what = `${events} events by ${batch}, ${workers} workers, ${streams} ${source}, ${transport}; killed ${killed.join(' ') || 'nobody'}`;
  const verdict = problems.length === 0 ? 'ok' : `WRONG (${folder})\n  ${problems.join('\n  ')}`;
  return `seed ${seed}: ${what}; ${named.join('; ') || 'nothing lost'}; ${seconds.toFixed(1)} s: ${verdict}`;
}
