/** A real cluster of graph processes under control of a test: its stream is written piece by piece. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachDgram } from '../../lib/graph/net/batch.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import { executable, run } from '../executable.ts';

export type Test = { teardown(end: () => unknown): void };

/** A record as `--format jsonl` prints it. */
export interface PrintedRecord {
  heartbeat: number;
  dealt: number;
  included: number;
  late: number;
  missing: number[];
  closed: string;
  outputs: Record<string, unknown>;
  errors?: Record<string, number>;
}

/** `all` holds the number of every event that is counted; the others are compared with what follows from it. */
export const GRAPH = {
  graph: 1,
  name: 'cluster',
  sources: [
    { name: 'number', from: 'hsd:raw:eventCount', type: 'int' },
    { name: 'energy', from: 'gmd:raw:energy', type: 'float' },
  ],
  nodes: [
    { id: 'all', op: 'RollingBuffer', in: { value: 'number' }, n: 100_000 },
    { id: 'sum', op: 'Accumulator', in: { value: 'number' }, with: 'sum' },
    { id: 'mean', op: 'Average0D', in: { value: 'energy' } },
    { id: 'odd', op: 'Filter', in: { value: 'number' }, when: 'value % 2 == 1' },
    { id: 'pick', op: 'PickN', in: { value: 'odd' }, n: 7 },
    { id: 'hist', op: 'Binning', in: { value: 'energy' }, bins: 8, range: [0, 4] },
  ],
};

export function newFolder(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'graph-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A run of simulated events: everything up to the first event, the events, and what comes behind them. */
export async function simulatedRun(
  events: number,
): Promise<{ head: Buffer; events: Buffer[]; tail: Buffer; all: Buffer }> {
  const { stdout } = await run('dgram-gen', ['-n', String(events)], { maxBuffer: 1 << 28 });
  const dgram = new Dgram();
  const list: Buffer[] = [];
  let first = -1;
  let last = 0;
  eachDgram(stdout, dgram, () => {
    if (dgram.service !== SERVICE.L1Accept) return;
    if (first < 0) first = dgram.start;
    last = dgram.end;
    list.push(stdout.subarray(dgram.start, dgram.end));
  });
  return { head: stdout.subarray(0, first), events: list, tail: stdout.subarray(last), all: stdout };
}

/** Waits for a condition; tests on a loaded machine are patient. */
export async function until(condition: () => boolean, what: string | (() => string), ms = 90_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class Process {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; signal: string | null }>;
  stdout = '';
  stderr = '';
  over = false;

  constructor(test: Test, name: string, args: readonly string[]) {
    this.child = spawn(executable(name), args, { stdio: 'pipe' });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child.stdin!.on('error', () => {});
    this.ended = new Promise((resolve) =>
      this.child.once('close', (status, signal) => {
        this.over = true;
        resolve({ status, signal });
      }),
    );
    test.teardown(async () => {
      if (!this.over) this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Kills it as nothing can be caught. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  says(pattern: RegExp): Promise<void> {
    return until(
      () => pattern.test(this.stderr),
      () => `${pattern} in: ${this.stderr}`,
    );
  }

  get records(): PrintedRecord[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as PrintedRecord);
  }
}

export interface ClusterOptions {
  readonly workers: number;
  readonly collectors: number;
  readonly manage?: readonly string[];
  readonly state?: boolean;
  /** More options of the global collector. */
  readonly global?: readonly string[];
  readonly graph?: unknown;
}

export class Cluster {
  readonly folder: string;
  readonly at: string;
  readonly workers: Process[];
  readonly locals: Process[];
  global: Process;
  manager: Process;
  readonly graphFile: string;
  readonly #test: Test;
  readonly #options: ClusterOptions;

  constructor(test: Test, options: ClusterOptions) {
    this.#test = test;
    this.#options = options;
    this.folder = newFolder(test);
    this.at = `zmq+ipc://${join(this.folder, 'm.sock')}`;
    this.graphFile = join(this.folder, 'graph.json');
    writeFileSync(this.graphFile, JSON.stringify(options.graph ?? GRAPH));
    this.workers = Array.from({ length: options.workers }, (_, id) => this.startWorker(id));
    this.locals = Array.from({ length: options.collectors }, (_, id) => this.startLocal(id));
    this.global = this.startGlobal();
    this.manager = this.startManager();
  }

  startWorker(id: number, ...more: string[]): Process {
    return new Process(this.#test, 'graph-worker', ['--id', String(id), '--manager', this.at, ...more]);
  }

  startLocal(id: number): Process {
    return new Process(this.#test, 'graph-collect', ['--local', String(id), '--manager', this.at]);
  }

  startGlobal(): Process {
    const { state, global = [] } = this.#options;
    const more = [...(state ? ['--state', join(this.folder, 'state')] : []), ...global];
    return new Process(this.#test, 'graph-collect', ['--global', '--manager', this.at, '-f', 'jsonl', ...more]);
  }

  startManager(): Process {
    const { workers, collectors, manage = [] } = this.#options;
    const cluster = ['-W', String(workers), '-L', String(collectors), '--at', this.at];
    return new Process(this.#test, 'graph-manage', [this.graphFile, '-', ...cluster, ...manage]);
  }

  write(...bytes: Buffer[]): void {
    for (const piece of bytes) this.manager.child.stdin!.write(piece);
  }

  /** Until this many events are in records of the present global collector. */
  included(events: number): Promise<void> {
    return until(
      () => sum(this.global.records, 'included') >= events,
      () => `${events} events in records; ${this.global.stdout.replaceAll(/"outputs".*/g, '')}; ${this.words()}`,
    );
  }

  /** Ends the stream, and waits for everybody that is left. */
  async end(): Promise<void> {
    this.manager.child.stdin!.end();
    for (const process of [this.manager, this.global, ...this.locals, ...this.workers])
      await until(
        () => process.over,
        () => `the end of ${process.child.spawnargs.slice(1, 5).join(' ')}; ${this.words()}`,
      );
  }

  /** What everybody has said, for a failure that is to be understood. */
  words(): string {
    return [this.manager, this.global, ...this.locals, ...this.workers].map(({ stderr }) => stderr).join('\n');
  }
}

export function sum(records: readonly PrintedRecord[], field: 'dealt' | 'included' | 'late'): number {
  return records.reduce((total, record) => total + record[field], 0);
}

/** The last value of an output. */
export function lastOf(records: readonly PrintedRecord[], name: string): unknown {
  return records.findLast(({ outputs }) => name in outputs)?.outputs[name];
}

/** What is wrong with records, by the numbers of the events that are in them. */
export function inconsistencies(records: readonly PrintedRecord[], counted: number): string[] {
  const wrong: string[] = [];
  const all = lastOf(records, 'all.buffer') as number[];
  if (all.length !== counted) wrong.push(`${all.length} events are in the states, ${counted} in records`);
  if (all.some((number, i) => i > 0 && number <= all[i - 1]!)) wrong.push('an event is counted twice, or out of order');
  const total = all.reduce((a, b) => a + b, 0);
  if (lastOf(records, 'sum.value') !== total) wrong.push(`the sum is ${lastOf(records, 'sum.value')}, not ${total}`);
  const counts = (lastOf(records, 'hist.counts') as { data: number[] }).data;
  const inRange = counts.reduce((a, b) => a + b, 0);
  const outside = Number(lastOf(records, 'hist.overflow')) + Number(lastOf(records, 'hist.underflow'));
  if (inRange + outside !== all.length) wrong.push(`the histogram has ${inRange} and ${outside}, not ${all.length}`);
  if (lastOf(records, 'mean.count') !== all.length) wrong.push('the mean has other events');
  records.forEach(({ heartbeat }, i) => {
    if (i > 0 && heartbeat <= records[i - 1]!.heartbeat) wrong.push(`heartbeat ${heartbeat} comes twice or late`);
  });
  return wrong;
}
