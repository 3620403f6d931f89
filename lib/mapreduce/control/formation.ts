/**
 * One map from its post to its end as a state that follows the log (spec mapreduce.md 3.5): steps in, assignments out. Pure: the time
 * is that of the log entry, so whoever reads the same log comes to the same state.
 */

import { Intervals } from '../../intervals.ts';
import { Assigner } from '../assign/assigner.ts';
import type { SavedAssigner } from '../assign/saved.ts';
import type { AssignerOptions, Outcome } from '../assign/types.ts';
import type { Part, TriggerMap } from '../map/types.ts';
import type { Decision, Step } from '../redis/log.ts';
import { acceptedKeys, type ReducerReport, type Report, type WorkerReport } from '../redis/reports.ts';
import { depthFor, secondsPerEvent } from './depth.ts';
import { LoadTable } from './load.ts';

export interface FormationSetup {
  readonly map: TriggerMap;
  readonly options: Omit<AssignerOptions, 'depth'>;
  readonly depth: number | 'auto';
}

export interface Appended {
  readonly parts: ReadonlyMap<string, Part>;
  readonly sequence: readonly string[];
}

export type Ending = 'complete' | 'stopped' | 'replaced';

/** A worker in this map. */
export interface Member {
  readonly service: string;
  readonly ours: boolean;
}

export interface SavedFormation {
  readonly assigner: SavedAssigner;
  readonly members: readonly (readonly [string, Member])[];
  readonly seconds: readonly (readonly [string, number])[];
  readonly numbers: readonly (readonly [string, number])[];
  readonly early: readonly string[];
  readonly graces: readonly (readonly [string, number])[];
  readonly finished: readonly string[];
  readonly failed: readonly number[];
  readonly incomplete: readonly (readonly [number, number])[];
  readonly refused: number;
  readonly repeated: number;
  readonly appended: number;
  readonly ending: Ending | null;
}

/** Reports of workers that are not known yet. */
const MOST_EARLY = 1000;

export class Formation {
  readonly #setup: FormationSetup;
  #assigner: Assigner;
  readonly load = new LoadTable();
  /** Live workers. */
  readonly members = new Map<string, Member>();
  /** Dead workers whose grace is not over: when they died (milliseconds). */
  readonly graces = new Map<string, number>();
  /** `worker w1`, `ingester det`, `reducer`: who has run its finish hook. */
  readonly finished = new Set<string>();
  /** Events that completed without what they were for: the payload raised, or the result could not be read. */
  readonly failed = new Set<number>();
  /** Events of which a frame was missing, so that the payload was not called. A detector that is silent makes all of them so. */
  #incomplete = new Intervals();
  readonly #seconds = new Map<string, number>();
  /** By service uuid: number of its last report. */
  readonly #numbers = new Map<string, number>();
  /** Workers that were ready before they were known. */
  readonly #early = new Set<string>();
  readonly appends: Appended[] = [];
  #appended = 0;
  #refused = 0;
  #repeated = 0;
  #ending: Ending | undefined;

  constructor(setup: FormationSetup) {
    this.#setup = setup;
    this.#assigner = new Assigner(setup.map, this.#assignerOptions);
  }

  get #assignerOptions(): AssignerOptions {
    const { options, depth } = this.#setup;
    return { ...options, depth: depth === 'auto' ? 1 : depth };
  }

  get assigner(): Assigner {
    return this.#assigner;
  }

  /** As it was posted. */
  get map(): TriggerMap {
    return this.#setup.map;
  }

  /** Why nothing more is assigned; undefined while the scan runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  get incomplete(): Intervals {
    return this.#incomplete;
  }

  get counts(): { readonly incomplete: number; readonly refused: number; readonly repeated: number } {
    return { incomplete: this.#incomplete.count, refused: this.#refused, repeated: this.#repeated };
  }

  /** Complete events that are not as they should be, ascending. */
  get damaged(): readonly number[] {
    return [...new Set([...this.#assigner.ledger.damaged, ...this.failed])].sort((a, b) => a - b);
  }

  /** Number of the last report of a service that is contained. */
  reportsOf(service: string): number {
    return this.#numbers.get(service) ?? 0;
  }

  /** @param now time of the log entry, milliseconds */
  apply(step: Step, now: number): Outcome {
    if ('decision' in step) this.#decide(step.decision, now);
    else if (this.#isNew(step.report)) this.#take(step.report, now);
    const outcome = this.#assigner.takeOutcome();
    if (outcome.finished) this.#ending ??= 'complete';
    return outcome;
  }

  /** A report that was sent twice counts once (spec 5.2). */
  #isNew({ service_uuid, report }: Report): boolean {
    if (service_uuid === undefined || report === undefined) return true;
    if (report <= this.reportsOf(service_uuid)) {
      this.#repeated++;
      return false;
    }
    this.#numbers.set(service_uuid, report);
    return true;
  }

  #take(report: Report, now: number): void {
    if (report.state === 'finished') this.#finish(report);
    if (this.#ending !== undefined || report.source === 'ingester') return;
    if (report.source === 'reducer') this.#reduced(report);
    else if (report.state !== 'finished') this.#worked(report, now);
  }

  #finish(report: Report): void {
    if (report.source === 'worker') this.finished.add(`worker ${report.worker}`);
    else this.finished.add(report.source === 'ingester' ? `ingester ${report.ingester}` : 'reducer');
  }

  #reduced(report: ReducerReport): void {
    for (const [event, sender] of acceptedKeys(report)) {
      const origin = report.accepted ? sender : this.#originOf(event, sender);
      if (this.#wasGiven(event, origin)) this.#assigner.result(event, origin);
    }
    for (const [event, origin] of report.refused ?? []) {
      if (!this.#wasGiven(event, origin)) continue;
      this.#refused++;
      this.failed.add(event);
      this.#assigner.result(event, origin);
    }
  }

  /** A key that was never given to anybody is that of a stranger's result: it counts as stray. */
  #wasGiven(event: number, origin: string): boolean {
    const { front, ledger, workers } = this.#assigner;
    const shares = event < front ? ledger.shares(event) : [];
    // What is settled has no shares any more.
    const given = event < front && (shares.length === 0 || shares.some((share) => share.origin === origin));
    if (!given) workers.stray++;
    return given;
  }

  /** A reducer of the reference names who sent the result, which need not be who got the event first. */
  #originOf(event: number, sender: string): string {
    const { workers, ledger } = this.#assigner;
    const given = workers.find(sender)?.deliveries.find(({ share }) => share.event === event)?.share;
    const done = ledger.shares(event).find((share) => share.reporter === sender && ledger.isOutstanding(share));
    return (done ?? given)?.origin ?? sender;
  }

  #worked({ worker, state, completed, has_result, processing_times, ...report }: WorkerReport, now: number): void {
    const member = this.members.get(worker);
    if (!member && state === 'ready') {
      this.#isEarly(earlyKey(worker, report.service_uuid));
      return;
    }
    const another = member !== undefined && report.service_uuid !== undefined && report.service_uuid !== member.service;
    if (another && state === 'ready') {
      this.#isEarly(earlyKey(worker, report.service_uuid));
      return;
    }
    // A process that has lost its name to a successor reports for nobody.
    const reporter = another ? '' : worker;
    const minded = (event: number) => completed.includes(event) && this.#assigner.minds(reporter, event);
    for (const event of report.failed ?? []) if (minded(event)) this.failed.add(event);
    for (const event of report.incomplete ?? []) if (minded(event)) this.#incomplete.add(event);
    if (this.#assigner.workers.find(worker)) this.load.add(worker, completed, processing_times, now);
    if (processing_times && member?.ours) this.#measure(worker, processing_times);
    // Taken for dead, it has done more: its results may be lost yet, and nobody would make them again.
    if (!member && has_result.includes(true)) this.graces.set(worker, now);
    this.#assigner.report(reporter, completed, has_result);
  }

  #isEarly(key: string): void {
    this.#early.add(key);
    // Nobody waits for so many: their names come from somebody else.
    const [oldest] = this.#early;
    if (this.#early.size > MOST_EARLY) this.#early.delete(oldest!);
  }

  #measure(worker: string, times: NonNullable<WorkerReport['processing_times']>): void {
    const seconds = secondsPerEvent(this.#seconds.get(worker), times);
    if (seconds === undefined) return;
    this.#seconds.set(worker, seconds);
    if (this.#setup.depth === 'auto') this.#assigner.setDepth(worker, depthFor(seconds));
  }

  #decide(decision: Decision, now: number): void {
    if (this.#ending !== undefined) return;
    const assigner = this.#assigner;
    switch (decision.op) {
      case 'join':
        return this.#join(decision);
      case 'gone':
        this.#noteReady(decision.worker);
        if (!this.members.delete(decision.worker)) return;
        this.#seconds.delete(decision.worker);
        this.graces.set(decision.worker, now);
        return assigner.gone(decision.worker);
      case 'grace':
        if (this.graces.delete(decision.worker)) assigner.grace(decision.worker);
        return;
      case 'evict':
        return assigner.evict(decision.through);
      case 'append': {
        const appended = this.appends[decision.number];
        if (decision.number !== this.#appended || !appended || !assigner.open) return;
        this.#appended++;
        return assigner.append(appended.parts, appended.sequence);
      }
      case 'close':
        if (assigner.open) assigner.close();
        return;
      case 'stop':
        this.#ending = decision.reason;
        return assigner.stop();
    }
  }

  /** A process that was only out of sight comes back under its service uuid, and does not know that it must say again that it is ready. */
  #noteReady(worker: string): void {
    const member = this.members.get(worker);
    const { workers } = this.#assigner;
    if (member && workers.inOrderOfReport.includes(workers.mustFind(worker)))
      this.#isEarly(earlyKey(worker, member.service));
  }

  #join({ worker, tags, service, ours }: Decision & { op: 'join' }): void {
    if (this.members.has(worker)) return;
    this.members.set(worker, { service, ours });
    this.#assigner.join(worker, tags, { takesAgain: ours, ...(ours ? {} : { depth: 1 }) });
    const early = [earlyKey(worker, service), earlyKey(worker, undefined)].filter((key) => this.#early.delete(key));
    if (early.length > 0) this.#assigner.report(worker, [], []);
  }

  /** As plain JSON. How busy workers were is not part of it. */
  save(): SavedFormation {
    return {
      assigner: this.#assigner.save(),
      members: [...this.members],
      seconds: [...this.#seconds],
      numbers: [...this.#numbers],
      early: [...this.#early],
      graces: [...this.graces],
      finished: [...this.finished],
      failed: [...this.failed],
      incomplete: this.#incomplete.ends,
      refused: this.#refused,
      repeated: this.#repeated,
      appended: this.#appended,
      ending: this.#ending ?? null,
    };
  }

  /** @param appends everything that was appended to the map, contained in `saved` or not */
  static restore(setup: FormationSetup, appends: readonly Appended[], saved: SavedFormation): Formation {
    const formation = new Formation(setup);
    formation.appends.push(...appends);
    const parts = new Map([...setup.map.parts, ...appends.slice(0, saved.appended).flatMap(({ parts }) => [...parts])]);
    formation.#assigner = Assigner.restore({ ...setup.map, parts }, formation.#assignerOptions, saved.assigner);
    for (const [name, member] of saved.members) formation.members.set(name, member);
    for (const [name, seconds] of saved.seconds) formation.#seconds.set(name, seconds);
    for (const [service, number] of saved.numbers) formation.#numbers.set(service, number);
    for (const key of saved.early) formation.#early.add(key);
    for (const [name, since] of saved.graces) formation.graces.set(name, since);
    for (const name of saved.finished) formation.finished.add(name);
    for (const event of saved.failed) formation.failed.add(event);
    formation.#appended = saved.appended;
    formation.#incomplete = new Intervals(saved.incomplete);
    formation.#refused = saved.refused;
    formation.#repeated = saved.repeated;
    formation.#ending = saved.ending ?? undefined;
    return formation;
  }
}

function earlyKey(worker: string, service: string | undefined): string {
  return `${worker} ${service ?? ''}`;
}
