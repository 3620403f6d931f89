/** A real calib-pub under control of a test, and the stand-in service that it asks. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Answers } from '../../lib/calib/serve/answers.ts';
import { Faults } from '../../lib/calib/serve/faults.ts';
import { CalibServer, type RequestLine } from '../../lib/calib/serve/server.ts';
import { openShelf } from '../../lib/calib/source/open.ts';
import { parseDetector } from '../../lib/calib/wanted.ts';
import { npyHeader } from '../../lib/npy.ts';
import { executable } from '../executable.ts';

type Test = { teardown(end: () => unknown): void };

export const DETECTOR = 'epix=epix10ka:5,7';

/** A private folder that is also the run-time folder of what runs in the test; ends with it. */
export function privateFolder(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'calib-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Constants of epix in a new folder: pedestals of (3, 6) floats that begin with `first`, and a geometry. */
export function constantsFolder(folder: string, first = 1): string {
  const path = join(folder, 'constants');
  mkdirSync(join(path, 'epix'), { recursive: true });
  const values = Buffer.from(Float32Array.from({ length: 18 }, (_, i) => first + i).buffer);
  writeFileSync(join(path, 'epix', 'pedestals.npy'), Buffer.concat([npyHeader('<f4', [3, 6]), values]));
  writeFileSync(join(path, 'epix', 'geometry.txt'), 'flat');
  return path;
}

/** The stand-in service of a folder; requests are kept. */
export async function serveConstants(test: Test, path: string): Promise<{ url: string; requests: RequestLine[] }> {
  const requests: RequestLine[] = [];
  const server = new CalibServer({
    answers: new Answers(openShelf(path), [parseDetector(DETECTOR)]),
    faults: new Faults({}),
    host: '127.0.0.1',
    port: 0,
    delay: 0,
    onRequest: (line) => requests.push(line),
    note: () => {},
  });
  const url = await server.listen();
  test.teardown(() => server.close());
  return { url, requests };
}

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** A calib-pub that runs. */
export class PubProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stderr = '';
  private readonly answers: string[] = [];
  private readonly lines: Interface;
  private wake: (() => void)[] = [];
  private over = false;

  constructor(test: Test, args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(executable('calib-pub'), args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.wakeAll();
    });
    this.child.stdin!.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout! });
    this.lines.on('line', (line) => {
      this.answers.push(line);
      this.wakeAll();
    });
    this.ended = new Promise((resolve) =>
      this.child.once('close', (status, signal) => {
        this.over = true;
        this.wakeAll();
        resolve({ status, signal });
      }),
    );
    test.teardown(() => this.child.kill('SIGKILL'));
  }

  /** Waits for words on stderr. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stderr);
      if (found) return found;
      if (this.over) throw new Error(`calib-pub ended without ${pattern}: ${this.stderr}`);
      await this.change();
    }
  }

  /** One line of `--control`, and its answer. */
  async tell(command: object): Promise<Record<string, unknown>> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    while (this.answers.length === 0) {
      if (this.over) throw new Error(`calib-pub ended: ${this.stderr}`);
      await this.change();
    }
    return JSON.parse(this.answers.shift()!) as Record<string, unknown>;
  }

  begin(run: number, exp = 'tst1'): Promise<Record<string, unknown>> {
    return this.tell({ cmd: 'begin', exp, run });
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.wake.push(resolve));
  }

  private wakeAll(): void {
    for (const wake of this.wake.splice(0)) wake();
  }
}
