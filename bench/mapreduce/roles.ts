/** All roles of a map-reduce as the processes that users start, with a Redis of their own; what they cost is read from the system. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { executable } from '../../test/executable.ts';
import { RedisServer } from '../../test/mapreduce/redis-server.ts';
import { until } from '../../test/until.ts';

/** What a frame's first byte asks of the payload. */
export const MODES = { nothing: 0, result: 1, latency: 2 } as const;

const JS_WORKER = `export default class {
  processEvent({ event_number, streams }) {
    const [, frame] = streams.values().next().value.frames;
    if (frame === undefined || frame[0] === ${MODES.nothing}) return undefined;
    if (frame[0] === ${MODES.result}) return { sum: event_number };
    const sent = Buffer.from(frame.buffer, frame.byteOffset, 16).readBigUInt64LE(8);
    return { sent: Number(sent), late: Number(process.hrtime.bigint() - sent) };
  }
}
`;
const PYTHON_WORKER = `class Worker:
    def __init__(self, **kwargs): pass
    def process_event(self, event, parameters, tick): return None
`;
const JS_REDUCER = `import { writeFileSync } from 'node:fs';
export default class {
  publish = { results: 0 };
  worker = [];
  reducer = [];
  processResult({ payload }) {
    this.publish.results++;
    if (payload.late === undefined) return;
    this.worker.push(payload.late);
    this.reducer.push(Number(process.hrtime.bigint()) - payload.sent);
  }
  finish() {
    writeFileSync('finished.json', JSON.stringify({ results: this.publish.results, worker: this.worker, reducer: this.reducer }));
  }
}
`;

export type Runtime = 'js' | 'python';

/** CPU seconds by role; workers together. */
export type Cpu = Readonly<Record<string, number>>;

interface Role {
  readonly role: string;
  readonly child: ChildProcess;
  output: string;
}

export interface Progress {
  readonly finished: boolean;
  readonly completed_events: number;
  readonly total_events: number;
  readonly damaged: number;
}

const TICKS_PER_SECOND = 100;
const LOOK_MS = 25;

export class Roles {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-mapreduce-'));
  readonly redis: RedisServer;
  readonly #roles: Role[] = [];
  #url = '';

  private constructor(redis: RedisServer) {
    this.redis = redis;
    const files = { 'w.mjs': JS_WORKER, 'r.mjs': JS_REDUCER, 'w.py': PYTHON_WORKER };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }

  /** @param upstreams urls of the detectors: one ingester each, streams `s0`, `s1`, ... */
  static async start(upstreams: readonly string[]): Promise<Roles> {
    const roles = new Roles(await RedisServer.start());
    process.once('exit', () => {
      for (const { child } of roles.#roles) child.kill('SIGKILL');
    });
    const control = roles.#start('control', 'map-control', ['--port', '0']);
    roles.#start('reducer', 'map-reduce', ['--js', 'r.mjs', '--bind', 'tcp://127.0.0.1:*', '--port', '0']);
    for (const [i, upstream] of upstreams.entries()) {
      const words = ['--kind', 'stins', '--stream', `s${i}`, '--upstream', upstream];
      roles.#start(`ingester`, 'map-ingest', words);
    }
    roles.#url = await until('the controller', () => /http:\/\/\S+/.exec(control.output)?.[0]);
    return roles;
  }

  #start(role: string, name: string, words: readonly string[]): Role {
    const env = { ...process.env, REDIS_URL: this.redis.url, PYTHONPATH: this.folder };
    const child = spawn(executable(name), words, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const started: Role = { role, child, output: '' };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        started.output += String(text);
      });
    this.#roles.push(started);
    return started;
  }

  /** As many workers as asked for, all of them known to all ingesters. */
  async workers(count: number, runtime: Runtime = 'js'): Promise<void> {
    const role = `workers ${runtime}`;
    const others = this.#roles.filter((one) => one.role.startsWith('workers ') && one.role !== role);
    for (const other of others) await this.#end(other);
    const own = this.#roles.filter((one) => one.role === role);
    for (const worker of own.slice(count)) await this.#end(worker);
    const words = runtime === 'js' ? ['--js', 'w.mjs'] : ['w:Worker'];
    for (let i = own.length; i < count; i++) this.#start(role, 'map-work', [...words, '--name', `${runtime}${i}`]);
    await until('the workers', async () => {
      const { ingesters, workers } = await this.get<{ ingesters: { connected_workers: object }[]; workers: object[] }>(
        'config',
      );
      const complete = ingesters.filter((one) => Object.keys(one.connected_workers).length === count);
      return (
        workers.length === count && complete.length === this.#roles.filter((one) => one.role === 'ingester').length
      );
    });
  }

  async #end(role: Role): Promise<void> {
    const exit = new Promise((resolve) => role.child.once('exit', resolve));
    role.child.kill('SIGTERM');
    await exit;
    this.#roles.splice(this.#roles.indexOf(role), 1);
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as T;
  }

  /** @returns milliseconds until the controller has answered */
  async post(map: object): Promise<number> {
    const body = JSON.stringify(map);
    const start = performance.now();
    const response = await fetch(`${this.#url}/api/v1/sequence`, { method: 'POST', body });
    const milliseconds = performance.now() - start;
    if (!response.ok) throw new Error(await response.text());
    await response.text();
    return milliseconds;
  }

  async finished(): Promise<Progress> {
    for (;;) {
      const progress = await this.get<Progress>('progress');
      if (progress.finished) return progress;
      // Asking costs the controller something.
      await sleep(LOOK_MS);
    }
  }

  /** Of all roles since they were started, with the Python processes of workers. */
  cpu(): Cpu {
    const children = childrenOf();
    const sums: Record<string, number> = { redis: secondsOf(this.redis.pid) };
    for (const { role, child } of this.#roles) {
      const name = role.split(' ')[0]!;
      sums[name] = (sums[name] ?? 0) + secondsOf(child.pid!);
      for (const pid of children.get(child.pid!) ?? []) sums[name] += secondsOf(pid);
    }
    return sums;
  }

  /** What the reducer's finish hook has written. */
  latencies(): { readonly results: number; readonly worker: number[]; readonly reducer: number[] } {
    return JSON.parse(readFileSync(join(this.folder, 'finished.json'), 'utf8'));
  }

  /** What the roles have said. */
  get words(): string {
    return this.#roles.map(({ role, output }) => `${role}: ${output}`).join('\n');
  }

  async close(): Promise<void> {
    for (const role of [...this.#roles].reverse()) await this.#end(role);
    await this.redis.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function usedSince(before: Cpu, after: Cpu): Cpu {
  return Object.fromEntries(Object.entries(after).map(([role, seconds]) => [role, seconds - (before[role] ?? 0)]));
}

/** Fields of /proc/PID/stat behind the name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** User + system seconds of a process. */
export function secondsOf(pid: number): number {
  const stat = statOf(pid);
  return (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
}

function childrenOf(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statOf(Number(name))[1]);
      const list = children.get(parent);
      if (list) list.push(Number(name));
      else children.set(parent, [Number(name)]);
    } catch {
      // It has ended in between.
    }
  }
  return children;
}
