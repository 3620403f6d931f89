/** One entry that runs: its stages, the pipes between them, its log, and how it ended (docs/supervise.md). */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { boundToParent } from 'posix-ipc-shim';
import type { Entry, Readiness, Stage } from '../config/types.ts';
import type { ExitOf } from '../run/supervisor.ts';
import { signalGroup } from './group.ts';
import type { Guard } from './guard.ts';
import { type KernelPipe, kernelPipe } from './kernel-pipe.ts';
import type { JobLog } from './log.ts';

export interface JobOptions {
  readonly entry: Entry;
  readonly stages: readonly Stage[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: JobLog;
  readonly guard: Guard;
  readonly onReady: () => void;
  readonly onExit: (exit: ExitOf) => void;
}

const POLL_MS = 50;
/** What a stage has left in the background may go on for so long after it. */
const LINGER_MS = 1000;
const NOT_FOUND = 127;

export class Job {
  readonly #options: JobOptions;
  readonly #children: (ChildProcess | undefined)[] = [];
  readonly #statuses: (number | undefined)[];
  readonly #pattern: RegExp | undefined;
  #readyTimer: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #ready = false;

  /** @throws DaqError if there are no pipes to be had */
  constructor(options: JobOptions) {
    this.#options = options;
    const { entry, stages } = options;
    this.#statuses = stages.map(() => undefined);
    this.#pattern = entry.ready.kind === 'line' ? new RegExp(entry.ready.pattern) : undefined;
    const pipes = stages.slice(1).map(() => kernelPipe());
    for (const [i, stage] of stages.entries()) this.#start(stage, i, pipes);
    for (const { read, write } of pipes) {
      closeSync(read);
      closeSync(write);
    }
    this.#awaitReady(entry.ready);
  }

  /** Process ids of the stages, in order; undefined for one that could not be started. */
  get pids(): readonly (number | undefined)[] {
    return this.#children.map((child) => child?.pid);
  }

  #start({ argv }: Stage, index: number, pipes: readonly KernelPipe[]): void {
    const { env, cwd, log, stages, guard } = this.#options;
    const [program = '', ...args] = argv;
    const stdin = index === 0 ? 'ignore' : pipes[index - 1]!.read;
    const stdout = index === stages.length - 1 ? 'pipe' : pipes[index]!.write;
    const failed = (error: Error) => {
      log.note(`${program} cannot be started: ${error.message}`);
      setImmediate(() => this.#ended(index, NOT_FOUND));
    };
    let child: ChildProcess;
    try {
      // Whatever happens to the keeper, its processes must not be left behind.
      const bound = boundToParent(program, args);
      child = spawn(bound.command, bound.args, { stdio: [stdin, stdout, 'pipe'], env, cwd, detached: true });
    } catch (error) {
      this.#children.push(undefined);
      return failed(error as Error);
    }
    this.#children.push(child);
    child.on('error', (error) => child.pid === undefined && failed(error));
    const { pid } = child;
    if (pid === undefined) return;
    guard.add(pid);
    for (const stream of [child.stdout, child.stderr]) {
      const mark = stages.length > 1 && stream === child.stderr ? `[${index + 1}] ` : '';
      if (stream) log.follow(stream, mark, (line) => this.#heard(line));
    }
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.once('exit', async (code, signal) => {
      await cleared(pid);
      await Promise.race([closed, pause(LINGER_MS)]);
      // A daemon of its own session may hold them open for ever.
      child.stdout?.destroy();
      child.stderr?.destroy();
      guard.drop(pid);
      this.#ended(index, code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  }

  #ended(index: number, status: number): void {
    this.#statuses[index] = status;
    const { log, entry, stages, onExit } = this.#options;
    if (stages.length > 1) log.note(`stage ${index + 1} (${stages[index]?.argv[0]}) ended with ${status}`);
    if (this.#statuses.includes(undefined)) {
      // The neighbours see the end of a pipe; those who do not are told, and then killed.
      if (status !== 0) this.#graceTimer ??= setTimeout(() => this.#giveUp(), entry.grace * 1000);
      return;
    }
    clearInterval(this.#readyTimer);
    clearTimeout(this.#graceTimer);
    const statuses = this.#statuses as number[];
    const failed = statuses.filter((one) => one !== 0).at(-1) ?? 0;
    log.end(failed);
    onExit({ status: failed, stages: statuses });
  }

  #giveUp(): void {
    this.signal('SIGINT');
    this.#graceTimer = setTimeout(() => this.signal('SIGKILL'), this.#options.entry.grace * 1000);
  }

  /** To the whole group of every stage that is alive. */
  signal(signal: NodeJS.Signals): void {
    for (const [i, child] of this.#children.entries()) {
      // A group that is gone has ended a moment ago, and its exit is on the way.
      if (child?.pid !== undefined && this.#statuses[i] === undefined) signalGroup(child.pid, signal);
    }
  }

  #awaitReady(ready: Readiness): void {
    if (ready.kind === 'line') return;
    const start = performance.now();
    const isReady = () =>
      ready.kind === 'alive' ? performance.now() - start >= ready.seconds * 1000 : existsSync(ready.path);
    this.#readyTimer = setInterval(() => {
      if (isReady()) this.#becomeReady();
    }, POLL_MS);
  }

  #heard(line: string): void {
    if (!this.#ready && this.#pattern?.test(line)) this.#becomeReady();
  }

  #becomeReady(): void {
    clearInterval(this.#readyTimer);
    if (this.#ready) return;
    this.#ready = true;
    this.#options.onReady();
  }
}

/** Waits a little for what a stage has left in the background, then kills it. The group keeps its number while somebody is in it. */
async function cleared(group: number): Promise<void> {
  const until = performance.now() + LINGER_MS;
  while (signalGroup(group, 0)) {
    if (performance.now() > until) {
      signalGroup(group, 'SIGKILL');
      return;
    }
    await pause(POLL_MS);
  }
}
