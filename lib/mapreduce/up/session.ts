/** A local ensemble from its start to its end: everybody comes up, a map is posted and followed, everybody goes (docs/mapreduce.md). */

import { setTimeout as sleep } from 'node:timers/promises';
import { DaqError } from '../../errors.ts';
import { ControlClient, type Damaged, type Progress, progressLine } from '../http/client.ts';
import type { Forgetter } from './forget.ts';
import type { UpMember, UpPlan } from './types.ts';

/** What is asked of a supervisor. */
export interface Supervised {
  start(): void;
  stop(): void;
  stopped(): Promise<void>;
  view(): readonly SupervisedEntry[];
}

export interface SupervisedEntry {
  readonly id: string;
  readonly state: string;
  /** Of the last end; 128 + n for signals. */
  readonly status: number | undefined;
  readonly lastLine: string;
}

export interface SessionOptions {
  readonly plan: UpPlan;
  readonly crew: Supervised;
  /** JSON text; undefined: maps come from elsewhere. */
  readonly map: string | undefined;
  readonly wrap: boolean;
  readonly parameters: ReadonlyMap<string, string>;
  /** End with the scan. */
  readonly once: boolean;
  readonly forgetter: () => Promise<Forgetter>;
  readonly stop: AbortSignal;
  readonly say: (message: string) => void;
  /** Every so often, while a map runs. @param rate events per second */
  readonly show: (progress: Progress, rate: number) => void;
  /** The scan is over, and everybody is still there. */
  readonly finished: () => Promise<void>;
}

const PACE_MS = 50;
const SHOW_MS = 250;
const ASSEMBLE_MS = 60_000;
/** For finish hooks, when the map is ended by us. */
const FINISH_MS = 10_000;
const SIGNALLED = 128;
/** The controller looks for descriptions somewhat later than for services. */
const DESCRIBED_MS = 2000;
/** Of the user's classes, that are named at the end. */
const MOST_FAILURES = 5;
/** A refusal because of who is there just now. */
const PASSING = /^(streams|workers|tags|timeout):/;

const NOT_FOUND = 127;

function wordsOf({ lastLine, status }: SupervisedEntry, { role }: UpMember): string {
  if (status !== NOT_FOUND) return lastLine === '' ? '' : `: ${lastLine}`;
  return role === 'redis'
    ? ': there is no redis-server here; name one that runs: redis: URL'
    : ': there is no such program';
}

export class UpSession {
  readonly client: ControlClient;
  readonly #options: SessionOptions;
  readonly #members: ReadonlyMap<string, UpMember>;
  readonly #states = new Map<string, string>();
  readonly #wereUp = new Set<string>();
  readonly #over = new AbortController();
  readonly #begin = Date.now() / 1000;
  #forgetter: Forgetter | undefined;
  #problem: DaqError | undefined;
  /** Of the last map, as it was when we ended. */
  progress: Progress | undefined;
  damaged: Damaged | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#members = new Map(options.plan.members.map((member) => [member.id, member]));
    this.client = new ControlClient(options.plan.control);
  }

  /** @throws DaqError `cannot-start` if somebody does not come up or goes for good, `refused` for a map that is none */
  async run(): Promise<void> {
    const { crew, stop } = this.#options;
    const end = () => this.#over.abort();
    stop.addEventListener('abort', end, { once: true });
    try {
      if (!stop.aborted) crew.start();
      await this.#run();
      if (this.#problem) throw this.#problem;
    } finally {
      stop.removeEventListener('abort', end);
      this.#over.abort();
      crew.stop();
      await crew.stopped();
      this.#forgetter?.close();
    }
  }

  async #run(): Promise<void> {
    const { map, say, plan, parameters, finished } = this.#options;
    if (!(await this.#assembled())) return;
    this.#forgetter = await this.#options.forgetter();
    await this.#checkNames([...parameters.keys()]);
    for (const [name, value] of parameters) await this.client.setParameter(name, value);
    if (map === undefined) say(`ready for maps: map-control post MAP --url ${plan.control}`);
    else {
      await this.#post(Buffer.from(map));
      const results = plan.results === undefined ? '' : `; results: ${plan.results}`;
      say(`the map runs: map-control watch --url ${plan.control}${results}`);
    }
    await this.#follow();
    await this.#endMap();
    this.damaged = await this.#ask(() => this.client.damaged());
    if (this.damaged && this.damaged.failed.length > 0) await this.#sayFailures();
    if (this.progress?.finished && this.progress.total_events > 0 && (await this.#reducerBack())) await finished();
  }

  /** The state of an entry has changed. */
  changed(id: string): void {
    const { crew, say } = this.#options;
    const entry = crew.view().find((one) => one.id === id);
    const member = this.#members.get(id);
    if (!entry || !member) return;
    const before = this.#states.get(id);
    this.#states.set(id, entry.state);
    if (entry.state === 'running') this.#wereUp.add(id);
    const wasAlive = before === 'starting' || before === 'running';
    const isDown = entry.state === 'backoff' || entry.state === 'failed' || entry.state === 'done';
    if (!wasAlive || !isDown) return;
    this.#forgetter?.ended(member).catch((error: Error) => say(`${id} is not reported as gone: ${error.message}`));
    if (this.#over.signal.aborted) return;
    const words = wordsOf(entry, member);
    const byItself = (entry.status ?? 0) < SIGNALLED;
    // What ends by itself before it was ever up would do so again.
    if (!this.#wereUp.has(id) && byItself) return this.#giveUp(`${id} cannot start${words}`);
    const why = byItself && entry.status !== 0 ? words : '';
    say(`${id} ended with ${entry.status ?? '?'}${entry.state === 'backoff' ? '; it is started again' : ''}${why}`);
    if (entry.state === 'failed' && this.#isNeeded(member)) this.#giveUp(`${id} does not stay up${words}`);
  }

  /** One worker of several may be missing. */
  #isNeeded({ role }: UpMember): boolean {
    if (role !== 'worker') return true;
    return ![...this.#members.values()].some((one) => one.role === 'worker' && this.#states.get(one.id) === 'running');
  }

  #giveUp(message: string): void {
    this.#problem ??= new DaqError('cannot-start', message);
    this.#over.abort();
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#over.signal }).catch(() => {});
  }

  /** undefined while the controller is away; if its port is somebody else's, it will say so itself. */
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof DaqError && (error.code === 'connection-failed' || error.code === 'no-controller'))
        return undefined;
      throw error;
    }
  }

  /** Everybody shows itself, and workers and ingesters know each other. @returns false if we are to end */
  async #assembled(): Promise<boolean> {
    const { members } = this.#options.plan;
    const deadline = performance.now() + ASSEMBLE_MS;
    let missing: readonly string[] = [];
    while (!this.#over.signal.aborted) {
      const services = await this.#ask(() => this.client.services());
      missing = members
        .filter(({ role, name }) => !(services?.has(`${role} ${name}`) ?? false))
        .filter(({ role }) => role === 'worker' || role === 'ingester' || role === 'reducer')
        .map(({ id }) => id);
      if (services && missing.length === 0) return true;
      if (performance.now() > deadline)
        throw new DaqError(
          'cannot-start',
          `not there after ${ASSEMBLE_MS / 1000} s: ${missing.join(', ') || 'control'}`,
        );
      await this.#pause(PACE_MS);
    }
    return false;
  }

  async #post(map: Buffer): Promise<void> {
    const deadline = performance.now() + ASSEMBLE_MS;
    while (!this.#over.signal.aborted) {
      try {
        await this.client.post(map, this.#options.wrap);
        return;
      } catch (error) {
        if (!(error instanceof DaqError) || performance.now() > deadline) throw error;
        if (error.code !== 'connection-failed' && !PASSING.test(error.message)) throw error;
      }
      await this.#pause(PACE_MS);
      // The answer may have been lost, and not the question.
      const now = await this.#ask(() => this.client.progress());
      if (now && now.total_events > 0 && now.reason !== 'stopped') return;
    }
  }

  /** Why events have failed; tracebacks are in the logs. */
  async #sayFailures(): Promise<void> {
    const errors = (await this.#ask(() => this.client.errors(this.#begin))) ?? [];
    const lines = errors.filter((text) => !text.includes('\n'));
    for (const line of lines.slice(0, MOST_FAILURES)) this.#options.say(line);
    if (lines.length > MOST_FAILURES) this.#options.say(`and ${lines.length - MOST_FAILURES} failures at other places`);
  }

  /** What nobody describes is set all the same, as the controller does; most likely its name is misspelt. */
  async #checkNames(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + DESCRIBED_MS;
    while (names.length > 0 && !this.#over.signal.aborted) {
      const described = await this.client.parameterNames();
      const strange = names.filter((name) => !described.includes(name));
      if (strange.length === 0) return;
      if (performance.now() > deadline) {
        this.#options.say(`no class has a parameter ${strange.join(', ')}; there are ${described.join(', ')}`);
        return;
      }
      await this.#pause(PACE_MS);
    }
  }

  /** Until the scan is finished, if that is our end, or somebody ends us. */
  async #follow(): Promise<void> {
    const { once, show, say } = this.#options;
    let told: string | undefined;
    let before: { events: number; at: number } | undefined;
    while (!this.#over.signal.aborted) {
      const progress = await this.#ask(() => this.client.progress());
      if (progress) {
        this.progress = progress;
        const now = { events: progress.completed_events, at: performance.now() };
        const seconds = before ? (now.at - before.at) / 1000 : 0;
        show(progress, before && seconds > 0 ? Math.max(0, now.events - before.events) / seconds : 0);
        before = now;
        const isOver = progress.finished && progress.total_events > 0;
        if (once && isOver) return;
        if (isOver && told !== progress.uuid) say(`${progressLine(progress)}; ready for another map, SIGINT ends`);
        if (isOver) told = progress.uuid;
      }
      await this.#pause(
        once && (progress?.completed_events ?? 0) === (progress?.total_events ?? 1) ? PACE_MS : SHOW_MS,
      );
    }
  }

  /** A reducer that died at the end comes back with what it had made of the map. */
  async #reducerBack(): Promise<boolean> {
    const deadline = performance.now() + FINISH_MS;
    while (performance.now() < deadline) {
      if ((await this.#ask(() => this.client.reducerMap())) === this.progress?.uuid) return true;
      await sleep(PACE_MS);
    }
    this.#options.say('the reducer has not come back: there is no result');
    return false;
  }

  /** A map that runs is ended, so that finish hooks are called and what is not done is counted. */
  async #endMap(): Promise<void> {
    this.progress = (await this.#ask(() => this.client.progress())) ?? this.progress;
    if (this.progress === undefined || this.progress.finished) return;
    await this.#ask(() => this.client.stop());
    const deadline = performance.now() + FINISH_MS;
    while (performance.now() < deadline) {
      this.progress = (await this.#ask(() => this.client.progress())) ?? this.progress;
      if (this.progress.finished) return;
      await sleep(PACE_MS);
    }
  }
}
