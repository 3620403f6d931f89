/** Runs what the supervisor orders: jobs by id, timers, and a table for whoever asks. */

import { hostname } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import type { Entry, ProcessFile, Stage } from '../config/types.ts';
import { appended, commandLine } from '../config/words.ts';
import { type ExitOf, Supervisor } from '../run/supervisor.ts';
import type { EntryView } from '../view.ts';
import { Guard } from './guard.ts';
import { Job } from './job.ts';
import { JobLog } from './log.ts';
import { unreadyText } from './readiness.ts';

export interface CrewOptions {
  readonly file: ProcessFile;
  readonly platform: number | undefined;
  readonly logs: string;
  readonly env: Readonly<Record<string, string>>;
  /** Programs that take `-p N -u ID` although they are not the only stage: ours. */
  readonly takesAppended: (program: string) => boolean;
  /** Seconds for entries that do not say how soon they must be ready; undefined or 0: no limit. */
  readonly readyWithin?: number;
  /** Told of every change of a state. */
  readonly onChange?: (id: string) => void;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #supervisor: Supervisor;
  readonly #jobs = new Map<string, Job>();
  readonly #logs = new Map<string, JobLog>();
  readonly #guard = new Guard();
  /** Why an entry could not be started. */
  readonly #problems = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: CrewOptions) {
    const { readyWithin = 0, file } = options;
    const entries = file.entries.map((entry) => ({ readyWithin, ...entry }));
    this.#options = { ...options, file: { ...file, entries } };
    this.#supervisor = new Supervisor(entries, Date.now());
  }

  get ids(): readonly string[] {
    return this.#options.file.entries.map(({ id }) => id);
  }

  /** The longest limit for readiness that there is, milliseconds. */
  get readyMs(): number {
    return 1000 * Math.max(0, ...this.#options.file.entries.map(({ readyWithin = 0 }) => readyWithin));
  }

  get idle(): boolean {
    return this.#supervisor.idle && this.#jobs.size === 0;
  }

  start(ids: readonly string[] = this.ids): void {
    this.#supervisor.start(ids, Date.now());
    this.#obey();
  }

  stop(ids: readonly string[] = this.ids): void {
    this.#supervisor.stop(ids, Date.now());
    this.#obey();
  }

  /** When nothing will be started any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#guard.close();
  }

  /** Ends at once whatever still runs; for a second signal. */
  kill(): void {
    for (const job of this.#jobs.values()) job.signal('SIGKILL');
  }

  /** Resolves when none of these runs any more. */
  async stopped(ids: readonly string[] = this.ids): Promise<void> {
    const isDown = () => this.view().every(({ id, state }) => !ids.includes(id) || DOWN.has(state));
    while (!isDown()) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  /** Resolves when nothing is on its way: everybody is running, or down. Nobody is waited for longer than `most` milliseconds. */
  async settled(ids: readonly string[], most: number): Promise<void> {
    const onTheWay = new Set(['waiting', 'starting', 'stopping', 'backoff']);
    const moving = () => this.view().some(({ id, state }) => ids.includes(id) && onTheWay.has(state));
    let over = false;
    // Not by comparing times: a timer may come a little early, and then nobody would wake us again.
    const timer = setTimeout(() => {
      over = true;
      this.#wake();
    }, most);
    while (moving() && !over) await new Promise<void>((wake) => this.#waiting.push(wake));
    clearTimeout(timer);
  }

  view(): EntryView[] {
    const now = Date.now();
    return this.#supervisor.entries.map(({ entry, state, since, exit, restarts, late }) => {
      const { id } = entry;
      const log = this.#logs.get(id);
      const seconds = Math.round((now - since) / 1000);
      const unready = late || (state === 'starting' && entry.ready.kind !== 'alive');
      return {
        id,
        state,
        programs: this.stagesOf(entry).map(({ argv }) => basename(argv[0] ?? '')),
        pids: this.#jobs.get(id)?.pids ?? [],
        status: exit?.status,
        stages: exit?.stages ?? [],
        restarts,
        seconds,
        log: log?.path,
        unwritten: log?.unwritten ?? 0,
        lastLine: this.#problems.get(id) ?? log?.digest.lastLine ?? '',
        balances: log?.digest.balances ?? [],
        ...(unready ? { unready: unreadyText(entry, late, seconds, log?.digest.lastLines ?? []) } : {}),
      };
    });
  }

  #obey(): void {
    for (let orders = this.#supervisor.takeOrders(); orders.length > 0; orders = this.#supervisor.takeOrders()) {
      for (const order of orders) {
        if (order.kind === 'signal') this.#jobs.get(order.id)?.signal(order.signal);
        else this.#spawn(order.id);
        this.#options.onChange?.(order.id);
      }
    }
    clearTimeout(this.#timer);
    const wait = this.#supervisor.nextTick(Date.now());
    if (wait !== undefined) this.#timer = setTimeout(() => this.#tick(), Math.max(1, wait));
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #tick(): void {
    this.#supervisor.tick(Date.now());
    this.#obey();
  }

  /** What cannot even be tried counts as an end with status 126, so that the supervisor decides what follows. */
  #spawn(id: string): void {
    this.#problems.delete(id);
    try {
      this.#run(this.#options.file.entries.find((one) => one.id === id) as Entry);
    } catch (error) {
      this.#problems.set(id, `not started: ${(error as Error).message}`);
      setImmediate(() => this.#exited(id, { status: CANNOT_START, stages: [] }));
    }
  }

  #run(entry: Entry): void {
    const { id } = entry;
    const { file, platform, logs, env } = this.#options;
    const stages = this.stagesOf(entry);
    const log = new JobLog(logs, new Date(), {
      id,
      platform,
      host: hostname(),
      commandLine: stages.map(({ argv }) => argv.join(' ')).join(' | '),
      env: { ...env, ...Object.fromEntries(entry.env) },
    });
    this.#logs.set(id, log);
    const job = new Job({
      entry,
      stages,
      log,
      env: { ...env, ...Object.fromEntries(entry.env) },
      cwd: dirname(resolve(file.file)),
      guard: this.#guard,
      onReady: () => {
        this.#supervisor.ready(id, Date.now());
        this.#options.onChange?.(id);
        this.#obey();
      },
      onExit: (exit) => this.#exited(id, exit),
    });
    this.#jobs.set(id, job);
  }

  #exited(id: string, exit: ExitOf): void {
    this.#jobs.delete(id);
    this.#supervisor.exited(id, exit, Date.now());
    this.#options.onChange?.(id);
    this.#obey();
  }

  /** Stages with what the process manager appends: to the only stage, or to those that know what to do with it. */
  stagesOf(entry: Entry): readonly Stage[] {
    const { platform, env, takesAppended } = this.#options;
    const { stages } = commandLine(entry.cmd, { ...env, ...Object.fromEntries(entry.env) });
    const extra = appended(entry, platform, 'procmgr');
    return stages.map(({ argv }) => {
      const takes = stages.length === 1 || takesAppended(argv[0] ?? '');
      const words = takes ? [...argv, ...extra] : argv;
      return { argv: entry.rtprio === undefined ? words : ['chrt', '-f', String(entry.rtprio), ...words] };
    });
  }
}

const DOWN = new Set(['done', 'failed', 'stopped']);
const CANNOT_START = 126;
