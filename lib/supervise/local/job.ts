/** One entry that runs: its stages, the pipes between them, its log, and how it ended (docs/supervise.md). */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import { constants } from 'node:os';
import { boundToParent } from 'posix-ipc-shim';
import type { Entry, Readiness, Stage } from '../config/types.ts';
import type { ExitOf } from '../run/supervisor.ts';
import { type KernelPipe, kernelPipe } from './kernel-pipe.ts';
import type { JobLog } from './log.ts';

export interface JobOptions {
  readonly entry: Entry;
  readonly stages: readonly Stage[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: JobLog;
  readonly onReady: () => void;
  readonly onExit: (exit: ExitOf) => void;
}

/** After one stage has failed the others get so long to find out by themselves. */
const POLL_MS = 50;
const NOT_FOUND = 127;

export class Job {
  readonly #options: JobOptions;
  readonly #children: ChildProcess[] = [];
  readonly #statuses: (number | undefined)[];
  #readyTimer: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #ready = false;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#statuses = options.stages.map(() => undefined);
    const pipes = options.stages.slice(1).map(() => kernelPipe());
    for (const [i, stage] of options.stages.entries()) this.#start(stage, i, pipes);
    for (const { read, write } of pipes) {
      closeSync(read);
      closeSync(write);
    }
    this.#awaitReady(options.entry.ready);
  }

  /** Process ids of the stages, in order; undefined for one that could not be started. */
  get pids(): readonly (number | undefined)[] {
    return this.#children.map(({ pid }) => pid);
  }

  #start({ argv }: Stage, index: number, pipes: readonly KernelPipe[]): void {
    const { env, cwd, log, stages } = this.#options;
    const [program = '', ...args] = argv;
    // Whatever happens to the keeper, its processes must not be left behind.
    const bound = boundToParent(program, args);
    const stdin = index === 0 ? 'ignore' : pipes[index - 1]!.read;
    const stdout = index === stages.length - 1 ? 'pipe' : pipes[index]!.write;
    const child = spawn(bound.command, bound.args, { stdio: [stdin, stdout, 'pipe'], env, cwd, detached: true });
    this.#children.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      log.follow(stream, stages.length > 1 && stream === child.stderr ? `[${index + 1}] ` : '', (line) =>
        this.#heard(line),
      );
    }
    let over = false;
    const ended = (status: number) => {
      if (over) return;
      over = true;
      this.#ended(index, status);
    };
    child.on('error', (error) => {
      log.note(`${program} cannot be started: ${error.message}`);
      ended(NOT_FOUND);
    });
    child.on('close', (code, signal) => ended(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }

  #ended(index: number, status: number): void {
    this.#statuses[index] = status;
    const { log, entry, stages, onExit } = this.#options;
    if (stages.length > 1) log.note(`stage ${index + 1} (${stages[index]?.argv[0]}) ended with ${status}`);
    if (this.#statuses.includes(undefined)) {
      // The neighbours see the end of a pipe; those who do not are told.
      if (status !== 0) this.#graceTimer ??= setTimeout(() => this.signal('SIGINT'), entry.grace * 1000);
      return;
    }
    clearInterval(this.#readyTimer);
    clearTimeout(this.#graceTimer);
    const statuses = this.#statuses as number[];
    const failed = statuses.filter((one) => one !== 0).at(-1) ?? 0;
    log.end(failed);
    onExit({ status: failed, stages: statuses });
  }

  /** To the whole group of every stage that is alive. */
  signal(signal: NodeJS.Signals): void {
    for (const [i, { pid }] of this.#children.entries()) {
      if (pid === undefined || this.#statuses[i] !== undefined) continue;
      try {
        process.kill(-pid, signal);
      } catch (error) {
        // ESRCH: it ended a moment ago, and its exit is on the way.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH')
          this.#options.log.note(`${signal}: ${(error as Error).message}`);
      }
    }
  }

  #awaitReady(ready: Readiness): void {
    const start = performance.now();
    const done = () => {
      if (ready.kind === 'alive') return performance.now() - start >= ready.seconds * 1000;
      return ready.kind === 'path' && existsSync(ready.path);
    };
    if (ready.kind === 'line') return;
    this.#readyTimer = setInterval(() => {
      if (done()) this.#becomeReady();
    }, POLL_MS);
  }

  #heard(line: string): void {
    const { ready } = this.#options.entry;
    if (ready.kind === 'line' && !this.#ready && new RegExp(ready.pattern).test(line)) this.#becomeReady();
  }

  #becomeReady(): void {
    clearInterval(this.#readyTimer);
    if (this.#ready) return;
    this.#ready = true;
    this.#options.onReady();
  }
}
