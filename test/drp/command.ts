/** Runs the built drp-python with real pipes, and looks at what it leaves behind. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DgramReader } from '../../lib/stream/dgram-reader.ts';
import { openBytes } from '../../lib/stream/source.ts';
import { JsonView } from '../../lib/xtc/json-view.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { SHARED } from '../golden.ts';

export const BIN = fileURLToPath(new URL('../../bin/drp-python', import.meta.url));

export interface Result {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface Running {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** stderr so far. */
  words(): string;
  /** Bytes of stdout so far. */
  received(): number;
  result: Promise<Result>;
}

/** A folder of its own, removed at the end of the test. */
export function scratch(t: { teardown(undo: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'drp-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts drp-python; `input` goes to its stdin. */
export function start(args: readonly string[], input?: Buffer, env: Record<string, string> = {}): Running {
  const child = spawn(BIN, args, {
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout!.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const result = new Promise<Result>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, stdout: Buffer.concat(out), stderr }));
  });
  return {
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    words: () => stderr,
    received: () => out.reduce((sum, bytes) => sum + bytes.length, 0),
    result,
  };
}

export function run(args: readonly string[], input?: Buffer, env?: Record<string, string>): Promise<Result> {
  return start(args, input, env).result;
}

/** Environment in which `python -m psdaq.drp.drp_python` is the stand-in for the existing worker. */
export const STANDIN = { PYTHONPATH: join(SHARED, 'conformance', 'standin') };

/** A script for the stand-in worker. */
export function behaviour(folder: string, words: string, name = 'behave.py'): string {
  const file = join(folder, name);
  writeFileSync(file, `#: ${words}\n`);
  return file;
}

/** The parts of a JSON view that tests look at. */
export interface SeenDgram {
  index: number;
  time: { sec: number; nsec: number };
  service: string;
  size: number;
  damage: string[];
  /** Detector, segment, algorithm, field. */
  data: Record<string, Record<string, Record<string, Record<string, unknown>>>>;
}

/** Every dgram of a stream as its JSON view. */
export async function dgramsOf(bytes: Buffer, folder: string): Promise<SeenDgram[]> {
  const file = join(folder, `look-${Math.abs(bytes.length)}-${process.hrtime.bigint()}.xtc2`);
  writeFileSync(file, bytes);
  const reader = new DgramReader(await openBytes(file));
  const view = new JsonView(new Walker(), { arrays: 'full' });
  const lines: SeenDgram[] = [];
  do {
    while (reader.next()) lines.push(JSON.parse(view.line(reader.dgram)) as SeenDgram);
  } while (await reader.fill());
  if (reader.findings.length > 0) throw new Error(`the output is damaged: ${JSON.stringify(reader.findings)}`);
  return lines;
}

/** System V objects that a process made and that are still there. */
export function leftovers(pid: number): string[] {
  // Column 5 of both tables is the pid of the maker (shm) or of the last sender (msg), which for our queues is the maker as well.
  return ['shm', 'msg'].flatMap((kind) => {
    const rows = readFileSync(`/proc/sysvipc/${kind}`, 'latin1').trim().split('\n').slice(1);
    const cells = rows.map((row) => row.trim().split(/\s+/));
    return cells
      .filter((cell) => cell[kind === 'shm' ? 4 : 5] === String(pid))
      .map((cell) => `${kind} ${cell[0]} ${cell[1]}`);
  });
}

/** A user's script in a file. */
export function script(folder: string, text: string, name = 'script.py'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Adds the number of the event and its square; drops raw. */
export const FEX = `
from daqpipe import drp

def configure(cfg):
    global fex
    fex = cfg.add("fex", version=(0, 0, 1), n="uint32", square="uint64", label="str")

def event(evt):
    n = evt.det.raw.number
    evt.add(fex, n=n, square=n * n, label="event %d" % n)
    evt.remove("raw")
`;

/** Pids of the children of a process that are workers. */
export function workersOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
