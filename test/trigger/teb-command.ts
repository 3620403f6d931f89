/** teb-decide as a process: configurations, streams of contributions, and what it answers. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ResultRecord } from '../../lib/trigger/wire/result.ts';
import { RecordSplitter } from '../../lib/trigger/wire/splitter.ts';
import { executable } from '../executable.ts';
import { type Contributed, contributionRecord } from './scenarios.ts';

/** A folder of mode 0700 that goes with the test. */
export function scratch(test: { teardown(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-teb-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A decision script. */
export function script(folder: string, text: string): string {
  const file = join(folder, 'decide.py');
  writeFileSync(file, text);
  return file;
}

/** Decides that everything is recorded and shown to nobody. */
export const PASS_ALL = `
from psdaq.trigger import tebTrigger
ds = tebTrigger.TriggerDataSource()
for event in ds.events():
    ds.result(True, 0)
`;

/** For tests in which nothing is too late. */
export const PATIENT = ['--timeout-ms', '600000'];

/** Sources by number with their readout groups; group 0 is common. */
export function configFile(folder: string, rogs: readonly number[], more: object = {}): string {
  const file = join(folder, 'trigger.json');
  const drps = rogs.map((rog, id) => ({ id, alias: `det_${id}`, rog, buffers: 1024, payload: 'tmo' }));
  writeFileSync(
    file,
    JSON.stringify({ common: 0, drps, trigger: { kind: 'value', persistValue: 7, monitorValue: 9 }, ...more }),
  );
  return file;
}

/** Configure, BeginRun, BeginStep, Enable of a source. */
export function begin(src: number, rogs = 1, pid = 1000): Contributed[] {
  return [2, 4, 6, 8].map((svc, i) => ({ src, pid: pid + i, svc, rogs }));
}

export function event(src: number, pid: number, rogs = 1, tmo: number[] = [7, 0]): Contributed {
  return { src, pid, rogs, prim: { tmo } };
}

export const bytesOf = (all: readonly Contributed[]) => Buffer.concat(all.map(contributionRecord));
export const linesOf = (all: readonly Contributed[]) => all.map((one) => `${JSON.stringify(one)}\n`).join('');

/** A decision line. */
export interface Line {
  pid: number;
  svc: number;
  persist: number;
  monitor: number;
  monbuf: string;
  damage: number;
  bypass: number;
  recv: number[];
  missing: number[];
  why: string;
  forced?: number;
}

export interface Summary {
  events: number;
  transitions: number;
  fixed_up: number;
  rejected: Record<string, number>;
  missing: Record<string, number>;
  forced: number;
  restarts: number;
  monitored: number[];
  mon_denied: number;
  contributions: number;
  decided: number;
  for_other_deciders: number;
  results: number;
  bad_frame: number;
  lost_source: number;
  undelivered: Record<string, number>;
}

/** A running teb-decide whose inputs are pipes 3, 4, … and whose decisions are lines. */
export class TebProcess {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  stderr = '';
  private rest = '';
  private waiting: (() => void)[] = [];
  private readonly closed: Promise<unknown>;

  /** @param inputs number of pipes */
  constructor(args: readonly string[], inputs: number) {
    const pipes = Array.from({ length: inputs }, () => 'pipe' as const);
    const given = pipes.flatMap((_, i) => ['--in', `fd:${3 + i}`]);
    this.child = spawn(executable('teb-decide'), [...given, '--format', 'jsonl', '--stats', ...args], {
      stdio: ['pipe', 'pipe', 'pipe', ...pipes],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.hear(text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wake();
    });
    this.closed = once(this.child, 'close');
    for (let i = 0; i < inputs; i++) this.input(i).on('error', () => {});
  }

  input(number: number): Writable {
    return (this.child.stdio as unknown as Writable[])[3 + number]!;
  }

  send(number: number, contributions: readonly Contributed[]): void {
    this.input(number).write(bytesOf(contributions));
  }

  end(): void {
    for (const pipe of this.child.stdio.slice(3)) (pipe as Writable).end();
  }

  /** Waits until a condition holds, or the process has ended. */
  async until(condition: () => boolean): Promise<void> {
    let over = false;
    void this.closed.then(() => {
      over = true;
      this.wake();
    });
    while (!condition()) {
      if (over) throw new Error(`teb-decide ended before that: ${this.stderr}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Waits for the decision of a pid. */
  async decision(pid: number): Promise<Line> {
    const find = () => this.lines.find((line) => line.pid === pid);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  /** Exit status (128 + n for a signal), after everything has been heard. */
  async status(): Promise<number> {
    await this.closed;
    return this.child.exitCode ?? -1;
  }

  get summary(): Summary {
    return summaryOf(this.stderr);
  }

  private hear(text: string): void {
    const parts = (this.rest + text).split('\n');
    this.rest = parts.pop()!;
    for (const part of parts) this.lines.push(JSON.parse(part) as Line);
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The object of `--stats`. */
export function summaryOf(stderr: string): Summary {
  const line = stderr.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`no summary in: ${stderr}`);
  return JSON.parse(line) as Summary;
}

/** Runs to the end with one stream on standard input. */
export async function decide(
  args: readonly string[],
  input: string | Buffer,
): Promise<{ status: number; stdout: Buffer; lines: Line[]; stderr: string }> {
  const child = spawn(executable('teb-decide'), ['--in', '-', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr), once(child, 'close')]);
  const text = stdout.toString('latin1');
  const lines = text.startsWith('{')
    ? text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    : [];
  return { status: child.exitCode ?? -1, stdout, lines, stderr: stderr.toString() };
}

async function collect(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Extended binary results as values. */
export function readResults(bytes: Buffer) {
  const splitter = new RecordSplitter();
  const record = new ResultRecord();
  const results = [];
  splitter.push(bytes);
  while (splitter.next(record)) {
    const { pid, service, rogs, prescale, persist, monitor, monBufNo, damage, aux, flags, sequence, eol } = record;
    const masks = { receivers: record.receiversLow, missing: record.missingLow };
    results.push({
      pid,
      service,
      rogs,
      prescale,
      persist,
      monitor,
      monBufNo,
      damage,
      aux,
      flags,
      sequence,
      eol,
      ...masks,
    });
  }
  splitter.end();
  return results;
}
