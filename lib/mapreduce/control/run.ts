/**
 * One map on its way: follows the log, writes and pushes what comes of it, keeps snapshots and bounds (spec mapreduce.md 3.5, 5.2).
 * The decisions are made in `Formation`; here is only what Redis and sockets need.
 */

import type { TriggerMap } from '../map/types.ts';
import type { Configs } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import { beginningOf, type Decision, entryOf, isBegun, stepsIn } from '../redis/log.ts';
import type { Report } from '../redis/reports.ts';
import { compareIds, type Entry, entriesOf, follow, timeOf } from '../redis/stream.ts';
import { AssignmentStreams, type StreamsContext } from './assignment-streams.ts';
import type { Hello, Message } from './credits.ts';
import { type Ending, Formation, type FormationSetup, type SavedFormation } from './formation.ts';
import { Membership } from './membership.ts';
import { Messages, openFeed, openWork, type Routes, routesOf } from './messages.ts';
import { OverEvents } from './over-events.ts';
import { type Append, appendOf, type Plan, readPlan, setupOf } from './plan.ts';
import { namesIn, reporterOf } from './reporters.ts';

export interface RunContext extends StreamsContext {
  configs(): Configs;
  /** Nothing more is assigned: everybody must be told to finish. */
  ended(run: MapRun, ending: Ending): void;
  /** Something has changed: somebody may wait for it. */
  changed(): void;
  say(message: string): void;
}

const SNAPSHOT_MS = 1000;
const SNAPSHOT_EVENTS = 10_000;
/** How long ingesters may not know that events are over: so many megabytes more are held as come in this time. */
const OVER_MS = { credits: 5, streams: 50 } as const;
export const KEEP_SECONDS = 24 * 3600;

export class MapRun {
  readonly uuid: string;
  readonly plan: Plan;
  readonly formation: Formation;
  readonly routes: Routes;
  readonly appends: Append[];
  /** Entries of the log that nobody understands. */
  unreadable = 0;
  readonly #context: RunContext;
  readonly #streams: AssignmentStreams;
  readonly #over: OverEvents;
  #telling: NodeJS.Timeout | undefined;
  readonly #membership: Membership;
  readonly #stop = new AbortController();
  /** Last entry of the log that is contained in the state. */
  #last: string;
  #snapshotId = '';
  #snapshotFront = 0;
  readonly #timer: NodeJS.Timeout;
  #hellos: { readonly after: string; readonly hello: Hello }[] = [];
  #announced = false;

  private constructor(
    context: RunContext,
    uuid: string,
    plan: Plan,
    appends: Append[],
    formation: Formation,
    last: string,
  ) {
    this.#context = context;
    this.uuid = uuid;
    this.plan = plan;
    this.appends = appends;
    this.formation = formation;
    this.#over = new OverEvents(formation.assigner);
    this.routes = routesOf(plan.ingesters);
    this.#streams = new AssignmentStreams(context, uuid, this.routes);
    this.#last = last;
    this.#membership = new Membership(formation, (decisions) => this.decide(decisions), context.credits !== undefined);
    this.#timer = setInterval(() => this.#eachSecond(), SNAPSHOT_MS);
  }

  /** A new map with the workers that are there. */
  static async begin(context: RunContext, uuid: string, plan: Plan, map: TriggerMap): Promise<MapRun> {
    const { keys } = context.registry;
    const formation = new Formation(setupOf(plan, map));
    const run = new MapRun(context, uuid, plan, [], formation, '0');
    const joins = run.#membership.joinsOf(context.configs().workers);
    await context.fence.write([
      ['DEL', keys.map(uuid), keys.ready(uuid)],
      ['RPUSH', keys.map(uuid), JSON.stringify(plan)],
      ['SET', keys.current, uuid],
      ['XADD', keys.ready(uuid), '*', 'data', beginningOf(joins)],
    ]);
    run.#follow();
    return run;
  }

  /**
   * Goes on where another controller stopped.
   * @throws BadRecord if something of this map is gone, or cannot be understood
   */
  static async resume(context: RunContext, uuid: string): Promise<MapRun> {
    const { redis, keys } = context.registry;
    const [planText, ...appendTexts] = await redis.lrange(keys.map(uuid), 0, -1);
    if (planText === undefined) throw new BadRecord('its text is gone from Redis');
    const plan = readPlan(planText);
    const setup = setupOf(plan);
    const parts = new Map(setup.map.parts);
    const appends = appendTexts.map((text) => {
      const append = appendOf(Buffer.from(text), parts);
      for (const [name, part] of append.parts) parts.set(name, part);
      return append;
    });
    const [state, position] = await redis.mget(keys.state(uuid), keys.position(uuid));
    const { saved, formation } = stateOf(setup, appends, state ?? null);
    const entries = entriesOf(await redis.xrange(keys.ready(uuid), saved ? `(${saved.through}` : '-', '+'));
    if (!saved && !isBegun(entries[0]?.data))
      throw new BadRecord('its snapshot is gone, and its log does not reach back to the beginning');
    const run = new MapRun(context, uuid, plan, appends, formation, saved?.through ?? '0');
    await run.#streams.findWritten(formation.assigner);
    const written = entries.filter(({ id }) => position && compareIds(id, position) <= 0);
    run.#apply(written, false);
    run.#apply(entries.slice(written.length), true);
    run.#membership.begin();
    run.#afterBatch();
    context.say(
      `map ${uuid}: taken over at event ${formation.assigner.front}, ${entries.length} entries after the snapshot`,
    );
    run.#follow();
    return run;
  }

  /** Reports that came over the credits go into the log, and count when they are read back. */
  received(reports: readonly Report[], hellos: readonly Hello[]): void {
    if (reports.length === 0) {
      for (const hello of hellos) this.#answer(hello);
      return;
    }
    this.#log(reports).then(
      (after) => {
        this.#hellos.push(...hellos.map((hello) => ({ after, hello })));
        this.#answerHellos();
      },
      (error: Error) => this.#context.failed(error),
    );
  }

  /** Puts decisions of the controller into the log. */
  decide(decisions: readonly Decision[]): void {
    if (decisions.length === 0 || this.#stop.signal.aborted) return;
    this.#log(decisions).catch((error: Error) => this.#context.failed(error));
  }

  async #log(steps: readonly (Report | Decision)[]): Promise<string> {
    const { fence, registry } = this.#context;
    const answers = await fence.write([['XADD', registry.keys.ready(this.uuid), '*', 'data', entryOf(steps)]]);
    return String(answers?.[0]);
  }

  /** Appends to the map: kept first, then decided in the same step. */
  async append(append: Append): Promise<void> {
    const { fence, registry } = this.#context;
    const { keys } = registry;
    const number = this.appends.push(append) - 1;
    this.formation.appends.push(append);
    await fence.write([
      ['RPUSH', keys.map(this.uuid), append.text],
      ['XADD', keys.ready(this.uuid), '*', 'data', entryOf([{ op: 'append', number }])],
    ]);
  }

  /** Configurations have changed: who has joined, who is gone, what ingesters let go. */
  configsChanged(): void {
    if (this.formation.ending === undefined) this.#membership.see(this.#context.configs(), this.uuid, this.plan);
    this.#context.changed();
  }

  /** Names of those in the configurations that have not finished yet. */
  get unfinished(): readonly string[] {
    const { ingesters, workers, reducer } = this.#context.configs();
    const mine = (config: { mapping_uuid: string | null }) => config.mapping_uuid === this.uuid;
    return [
      ...ingesters.filter(mine).map(({ name }) => `ingester ${name}`),
      ...workers.filter(mine).map(({ name }) => `worker ${name}`),
      ...(reducer && mine(reducer) ? ['reducer'] : []),
    ].filter((name) => !this.formation.finished.has(name));
  }

  #follow(): void {
    const { registry, failed } = this.#context;
    const read = async () => {
      const options = { from: this.#last, signal: this.#stop.signal };
      for await (const entries of follow(await registry.connection(), registry.keys.ready(this.uuid), options)) {
        this.#apply(entries, true);
      }
    };
    read().catch((error: Error) => {
      if (!this.#stop.signal.aborted) failed(error);
    });
  }

  /** @param write false: an earlier controller has written what comes of these entries */
  #apply(entries: readonly Entry[], write: boolean): void {
    const { formation } = this;
    const messages = new Messages(this.routes, (worker) => formation.members.get(worker)?.ours === true);
    const reporters = new Set<string>();
    const joined = new Set<string>();
    const complete: number[] = [];
    for (const { id, data } of entries) {
      for (const step of this.#steps(id, data)) {
        if ('report' in step) reporters.add(reporterOf(step.report));
        const outcome = formation.apply(step, timeOf(id));
        if ('decision' in step && step.decision.op === 'gone') messages.gone(step.decision.worker);
        if ('decision' in step && step.decision.op === 'join') joined.add(step.decision.worker);
        messages.add(outcome);
        complete.push(...outcome.complete);
        this.#over.completed(outcome.complete);
        this.#over.settled(outcome.settled);
        for (const { event_number, origin } of outcome.lost)
          this.#say(`event ${event_number} of ${origin} is lost: no frames`);
        for (const { event_number, origin } of outcome.late)
          this.#say(`event ${event_number} of ${origin}: a result came after it was lost, and counts as a duplicate`);
      }
      this.#last = id;
    }
    if (entries.length === 0) return;
    this.#streams.note(messages, complete);
    const processOf = (worker: string) => formation.members.get(worker)?.service;
    if (write) this.#streams.write(messages, { mixed: this.#isMixed, through: this.#last, processOf });
    this.#push(messages, reporters, joined);
    this.#afterBatch();
  }

  #steps(id: string, data: string): ReturnType<typeof stepsIn> {
    try {
      return stepsIn(data);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      // Said once: whoever writes such entries may write very many.
      if (this.unreadable++ === 0) this.#say(`entry ${id}: ${error.message}`);
      return [];
    }
  }

  #say(message: string): void {
    this.#context.say(`map ${this.uuid}: ${message}`);
  }

  /** Somebody of the reference reads the common stream. */
  get #isMixed(): boolean {
    for (const { ours } of this.routes.ingesters.values()) if (!ours) return true;
    for (const { ours } of this.formation.members.values()) if (!ours) return true;
    return false;
  }

  #push({ work, feed }: Messages, reporters: ReadonlySet<string>, joined: ReadonlySet<string>): void {
    const { credits } = this.#context;
    if (!credits) return;
    for (const name of new Set([...joined, ...work.keys(), ...namesIn(reporters, 'worker')])) {
      const items = this.#isMember(name, credits.service('worker', name, this.uuid)) ? work.get(name) : undefined;
      // One that was only out of sight must learn what is not its own any more.
      if (joined.has(name)) this.#tellAll(name);
      else this.#send('worker', name, items ? { work: items } : {});
    }
    for (const name of new Set([...feed.keys(), ...namesIn(reporters, 'ingester')])) {
      const items = feed.get(name);
      this.#send('ingester', name, items ? { feed: items } : {});
    }
    if (reporters.has('reducer')) this.#send('reducer', 'reducer', {});
  }

  /** A process that has just taken a worker's name must not take up what the one before was given: the frames have gone there. */
  #isMember(worker: string, service: string | undefined): boolean {
    return this.formation.members.get(worker)?.service === service;
  }

  #send(role: Hello['role'], name: string, message: Omit<Message, 'reports'>): void {
    const { credits } = this.#context;
    const service = credits?.service(role, name, this.uuid);
    if (service === undefined) return;
    credits?.send(role, name, this.uuid, { ...message, reports: this.formation.reportsOf(service) });
  }

  /** Ingesters of ours let go of frames: told together, soon. */
  #tellSoon(): void {
    if (!this.#over.anyNews || this.#telling || this.#stop.signal.aborted) return;
    const { credits } = this.#context;
    const tell = () => {
      this.#telling = undefined;
      const news = this.#over.takeNews();
      const names = [...this.routes.ingesters].flatMap(([name, { ours }]) => (ours ? [name] : []));
      if (credits) for (const name of names) this.#send('ingester', name, news);
      else this.#streams.tellOver(names, this.formation.assigner.front, news);
    };
    this.#telling = setTimeout(tell, credits ? OVER_MS.credits : OVER_MS.streams);
  }

  #answerHellos(): void {
    const due = this.#hellos.filter(({ after }) => compareIds(after, this.#last) <= 0);
    this.#hellos = this.#hellos.filter(({ after }) => compareIds(after, this.#last) > 0);
    for (const { hello } of due) this.#answer(hello);
  }

  #tellAll(worker: string, service = this.#context.credits?.service('worker', worker, this.uuid)): void {
    const work = this.#isMember(worker, service) ? openWork(this.formation.assigner, this.routes, worker) : [];
    this.#send('worker', worker, { again: true, work });
  }

  #answer({ role, name, service, next }: Hello): void {
    const { assigner } = this.formation;
    if (role === 'worker') this.#tellAll(name, service);
    else if (role === 'ingester')
      this.#send(role, name, {
        ...{ again: true, over: this.#over.all },
        ...openFeed(assigner, this.routes, name, next),
      });
    else this.#send(role, name, { again: true });
  }

  #afterBatch(): void {
    this.#answerHellos();
    this.#tellSoon();
    this.#membership.watchGraces();
    const { ending, assigner } = this.formation;
    if (ending !== undefined && !this.#announced) {
      this.#announced = true;
      this.#context.ended(this, ending);
    }
    if (assigner.front - this.#snapshotFront >= SNAPSHOT_EVENTS) this.#snapshot();
    this.#context.changed();
  }

  #eachSecond(): void {
    this.#over.age();
    this.#tellSoon();
    if (this.#last !== this.#snapshotId) this.#snapshot();
    const trims = this.#streams.trims();
    if (trims.length > 0) this.#context.fence.write(trims).catch((error: Error) => this.#context.failed(error));
  }

  /** The state up to the last entry, and what the log need not keep any more. */
  #snapshot(): void {
    const { fence, registry, failed } = this.#context;
    const { keys } = registry;
    const through = this.#last;
    const formation = this.formation.save();
    this.#snapshotId = through;
    this.#snapshotFront = this.formation.assigner.front;
    const { results } = formation.assigner;
    const accepted = Object.fromEntries(formation.assigner.accepted);
    fence
      .write([
        ['SET', keys.state(this.uuid), JSON.stringify({ through, formation })],
        ['SET', keys.reduced(this.uuid), JSON.stringify({ through, accepted, results })],
        ['XTRIM', keys.ready(this.uuid), 'MINID', through],
      ])
      .catch(failed);
  }

  /** Keys of this map. */
  get ownKeys(): readonly string[] {
    const { keys } = this.#context.registry;
    const { uuid } = this;
    const own = [keys.ready(uuid), keys.state(uuid), keys.map(uuid), keys.reduced(uuid), keys.position(uuid)];
    return [...own, keys.clock(uuid), ...this.#streams.keys(this.formation.assigner)];
  }

  /** Ends following; nothing is taken away from Redis. Works twice. */
  close(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#telling);
    this.#membership.close();
  }
}

/** The state of a snapshot, or that of a map that begins. @throws BadRecord */
function stateOf(setup: FormationSetup, appends: readonly Append[], snapshot: string | null) {
  if (snapshot === null) {
    const formation = new Formation(setup);
    formation.appends.push(...appends);
    return { saved: undefined, formation };
  }
  try {
    const saved = JSON.parse(snapshot) as { readonly through: string; readonly formation: SavedFormation };
    return { saved, formation: Formation.restore(setup, appends, saved.formation) };
  } catch (error) {
    // Only a controller writes it: what is in it is as good as gone if another hand has changed it.
    throw new BadRecord(`its snapshot cannot be read: ${(error as Error).message}`);
  }
}
