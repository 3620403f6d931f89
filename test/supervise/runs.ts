/** daq-run in a folder of its own, with whatever it leaves running taken away at the end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryView } from '../../lib/supervise/view.ts';
import { executable, type Outcome, run } from '../executable.ts';

interface Test {
  teardown(undo: () => unknown): void;
}

const POLL_MS = 50;
const LONGEST_MS = 60_000;

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > LONGEST_MS) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export class Runs {
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly file: string;

  constructor(t: Test, name: string, text: string, env: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'supervise-'));
    const runtime = join(this.folder, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    // A word by which processes of this test are known, and nobody else's.
    this.env = { XDG_RUNTIME_DIR: runtime, SUPERVISE_TEST: this.folder, ...env };
    this.file = this.write(name, text);
    t.teardown(async () => {
      await this.run('stop').catch(() => {});
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  run(word: string, ...args: readonly string[]): Promise<Outcome> {
    return run('daq-run', [word, this.file, ...args], { env: this.env });
  }

  /** Starts it and leaves it alone. */
  launch(
    word: string,
    ...args: readonly string[]
  ): { child: ChildProcess; words: () => string; ended: Promise<number> } {
    const env = { ...process.env, ...this.env };
    const child = spawn(executable('daq-run'), [word, this.file, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        words += text;
      });
    const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
    return { child, words: () => words, ended };
  }

  async view(...args: readonly string[]): Promise<(EntryView & { chain: { adds?: boolean } | null })[]> {
    const { stdout, stderr } = await this.run('status', '--json', ...args);
    if (stdout.length === 0) throw new Error(stderr);
    return JSON.parse(stdout.toString());
  }

  async states(...args: readonly string[]): Promise<Record<string, string>> {
    return Object.fromEntries((await this.view(...args)).map(({ id, state }) => [id, state]));
  }

  async log(id: string): Promise<string> {
    const path = (await this.view()).find((one) => one.id === id)?.log;
    return path === undefined ? '' : readFileSync(path, 'latin1');
  }

  /** Processes that this test has left, by its word in their environment; without those that have ended. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SUPERVISE_TEST=${this.folder}\0`);
        } catch {
          return false;
        }
      })
      .map(Number);
  }
}
