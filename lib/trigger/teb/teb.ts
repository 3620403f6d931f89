/** teb-decide as a whole: inputs, event builder, decider, dealer and outputs of one process, from start to end. */

import { formatBalance } from '../../cli/balance.ts';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Output } from '../../cli/output.ts';
import { UsageError } from '../../errors.ts';
import type { ByteSource } from '../../stream/source.ts';
import { Contracts } from '../building/contracts.ts';
import { EventBuilder } from '../building/event-builder.ts';
import { MonitorDealer } from '../dealing/monitor-dealer.ts';
import type { Decider } from '../decide/types.ts';
import type { TriggerConfig, Verdict } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';
import type { ContributionInput } from './contribution-input.ts';
import { DecisionLoop } from './decision-loop.ts';
import { readFreeBuffers } from './free-buffers.ts';
import { Incidents } from './incidents.ts';
import { InputLoop } from './input-loop.ts';
import { openStreams } from './open.ts';
import { ResultFan } from './result-fan.ts';
import { ResultOutput } from './result-output.ts';
import { addDecider, difference, rejections, type TebCounts, tebBalance, zeroTotals } from './totals.ts';
import type { TebOptions } from './types.ts';

export interface TebParts {
  options: TebOptions;
  config: TriggerConfig;
  decider: Decider;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (text: string) => void;
}

/** How a run ended (section 11). */
export interface TebEnding {
  kind: 'clean' | 'rejected' | 'connection-lost' | 'given-up' | 'failed';
  why: string;
}

const now = () => performance.now();

export class Teb {
  readonly builder: EventBuilder;
  readonly dealer: MonitorDealer | undefined;
  private readonly parts: TebParts;
  private readonly totals = zeroTotals();
  private readonly incidents: Incidents;
  private results: ResultFan | undefined;
  private inputs: InputLoop | undefined;
  private loop: DecisionLoop | undefined;
  private monitorStream: ByteSource | undefined;
  /** Counts when the present run began; undefined in the first one. */
  private base: TebCounts | undefined;
  private runs = 0;
  /** The decider is at work: what it has counted is not in the totals yet. */
  private deciding = false;
  private resultsWhenConfigured = -1;
  private givenUp: string | undefined;

  constructor(parts: TebParts) {
    const { config, options } = parts;
    this.parts = parts;
    const contracts = new Contracts(config);
    this.incidents = new Incidents(contracts, this.totals, parts.say, now);
    this.builder = new EventBuilder(contracts, {
      maxOpen: options.maxOpen,
      timeoutMs: options.timeoutMs,
      skewTicks: config.skewTicks,
      deadAfterMs: options.deadAfterMs,
      bypass: options.noCommon === 'bypass',
    });
    if (!options.deal) return;
    const { fairGroups, monIn, deciders } = options;
    this.dealer = new MonitorDealer(config, { fairGroups, announced: monIn !== undefined, decider: deciders });
  }

  /** Opens everything. @throws UsageError, InputError, DaqError if something cannot be had */
  async open(): Promise<void> {
    const { options } = this.parts;
    const bad = (why: string) => this.incidents.badFrame(why);
    const { inputs, sinks, monitor } = await openStreams(options, { ...this.parts, bad });
    this.monitorStream = monitor;
    const outputs = sinks.map((sink, i) => {
      const broken = (error: unknown) => this.outputBroke(sink.name, error);
      return {
        receiver: options.outputs[i]!.receiver,
        output: new ResultOutput(sink, options.format === 'bin', broken),
      };
    });
    const { extended } = options;
    this.results = new ResultFan(outputs, { decider: options.deciders.index, extended, format: options.format });
    this.inputs = this.inputLoop(inputs);
    this.loop = this.decisionLoop(this.results);
  }

  /** Runs until the inputs have ended, or a signal or the decider ended them, and every event has its result. */
  async run(): Promise<void> {
    const { inputs, loop, results, dealer, monitorStream } = this;
    if (!inputs || !loop || !results) throw new TypeError('open first');
    const { options, lifecycle, decider } = this.parts;
    const stop = () => inputs.close();
    lifecycle.stop.addEventListener('abort', stop, { once: true });
    const forget = lifecycle.onEmergency(() => decider.kill());
    const { deadAfterMs } = options;
    const ticks = deadAfterMs > 0 ? setInterval(() => this.tick(), Math.max(1, deadAfterMs / 4)) : undefined;
    try {
      await this.configure();
      this.checkDeciders();
      if (lifecycle.stop.aborted) stop();
      if (monitorStream && dealer) this.follow(monitorStream, dealer);
      const reading = inputs.run().catch((error: unknown) => loop.fail(error));
      await loop.run();
      await reading;
      await results.close();
    } catch (error) {
      results.abandon();
      throw error;
    } finally {
      clearInterval(ticks);
      lifecycle.stop.removeEventListener('abort', stop);
      stop();
      monitorStream?.close();
      await this.endDecider();
      forget();
    }
  }

  /** Counts of the present run; of all runs with `--keep-counters`. */
  get counts(): TebCounts {
    const all = this.allCounts;
    return this.base === undefined ? all : difference(all, this.base);
  }

  get ending(): TebEnding {
    const { decider, options } = this.parts;
    const counts = this.allCounts;
    const givenUp = this.givenUp ?? decider.givenUp;
    if (givenUp !== undefined) return { kind: 'given-up', why: givenUp };
    const { lost } = this.incidents;
    if (lost.length > 0) return { kind: 'connection-lost', why: lost.join(', ') };
    const reasons = Object.entries(rejections(counts)).filter(
      ([reason, count]) => count > 0 && !(reason === 'no_common' && options.noCommon === 'discard'),
    );
    if (counts.badFrames > 0) reasons.push(['bad_frame', counts.badFrames]);
    const { waiting } = tebBalance(counts).losses;
    if (waiting !== 0) reasons.push(['unaccounted for', waiting!]);
    if (reasons.length === 0) return { kind: 'clean', why: '' };
    return { kind: 'rejected', why: reasons.map(([reason, count]) => `${count} ${reason}`).join(', ') };
  }

  /** Of the last batch that was answered. */
  get last(): DecisionLoop['last'] | undefined {
    return this.loop?.last;
  }

  /** Batches written to the first output. */
  get batches(): number {
    return this.results?.batches ?? 0;
  }

  /** Results that could not be passed on, by output. */
  get undelivered(): Record<string, number> {
    return this.results?.undelivered ?? {};
  }

  private get allCounts(): TebCounts {
    const { contributions, markers, rejected } = this.builder.counts;
    const totals = structuredClone(this.totals);
    if (this.deciding) addDecider(totals, this.parts.decider.counts);
    return { ...totals, contributions, markers, rejected: { ...rejected } };
  }

  private inputLoop(inputs: readonly ContributionInput[]): InputLoop {
    const { options, lifecycle, say } = this.parts;
    return new InputLoop(inputs, {
      builder: this.builder,
      reconnect: options.reconnect,
      now,
      stop: lifecycle.stop,
      hooks: {
        taken: () => this.loop!.poke(),
        rejected: (verdict, input) => this.rejected(verdict, input),
        ended: (input, ending, forGood) => this.incidents.inputEnded(input, ending, forGood),
        reconnected: (input) => say(`${input.name}: connected again`),
      },
    });
  }

  private decisionLoop(results: ResultFan): DecisionLoop {
    const { options, config, decider } = this.parts;
    const { index, count } = options.deciders;
    return new DecisionLoop({
      builder: this.builder,
      decider,
      dealer: this.dealer,
      results,
      totals: this.totals,
      batch: options.batch,
      commonBit: 1 << config.common,
      isOurs: count === 1 ? () => true : (pid) => Math.floor(pid / LIMIT.batch) % count === index,
      now,
      hooks: {
        configure: () => this.newRun(),
        unconfigure: () => this.endDecider(),
        room: () => this.room(),
        fixedUp: (event) => this.incidents.fixedUp(event),
        idle: () => this.isOver(),
      },
    });
  }

  /** A Configure has left the builder: everything begins anew (I11). */
  private async newRun(): Promise<void> {
    this.runs++;
    if (this.runs > 1 && !this.parts.options.keepCounters) {
      const settled = this.settledCounts();
      const before = this.base === undefined ? settled : difference(settled, this.base);
      this.parts.say(`the run before: ${formatBalance(tebBalance(before))}`);
      this.base = settled;
    }
    this.dealer?.configure();
    await this.configure();
  }

  /** What belongs to the runs before: contributions of the Configure, and what came after it, are not settled yet. */
  private settledCounts(): TebCounts {
    const counts = this.allCounts;
    const rejected = Object.values(rejections(counts)).reduce((sum, count) => sum + count, 0);
    return { ...counts, contributions: counts.decided + counts.ofOthers + rejected };
  }

  /** Starts the decider, unless it has started and was asked nothing yet. */
  private async configure(): Promise<void> {
    const { decider, config } = this.parts;
    if (this.deciding && this.totals.results === this.resultsWhenConfigured) return;
    await this.endDecider();
    await decider.configure(config.triggerBody);
    this.deciding = true;
    this.resultsWhenConfigured = this.totals.results;
    if (decider.givenUp !== undefined) this.inputs!.close();
  }

  private async endDecider(): Promise<void> {
    const { decider } = this.parts;
    await decider.stop();
    if (!this.deciding) return;
    this.givenUp ??= decider.givenUp;
    addDecider(this.totals, decider.counts);
    this.deciding = false;
  }

  private checkDeciders(): void {
    const { options, decider } = this.parts;
    if (options.deciders.count === 1 || options.stateless || decider.stateless) return;
    throw new UsageError(
      'each of several deciders sees a part of the events: the script must be stateless (--stateless)',
    );
  }

  private room(): void {
    if (this.parts.decider.givenUp !== undefined) this.inputs!.close();
    this.inputs!.room();
  }

  private tick(): void {
    this.builder.tick(now());
    this.inputs!.room();
    this.loop!.poke();
  }

  /** Nothing is ready: true if nothing will be. */
  private isOver(): boolean {
    const { builder, inputs } = this;
    if (inputs!.over) return builder.openEvents === 0;
    const { awaited, deadline } = builder;
    if (inputs!.blocked && deadline === undefined && awaited !== undefined) {
      this.incidents.leftOut(awaited);
      builder.lost(awaited, now());
    }
    return false;
  }

  private follow(stream: ByteSource, dealer: MonitorDealer): void {
    const taken = (word: number) => {
      // A word of another decider is in the stream rightly.
      if (dealer.free(word) === 'double') this.totals.badWords++;
    };
    const bad = () => {
      this.totals.badWords++;
    };
    readFreeBuffers(stream, taken, bad).catch((error: unknown) => {
      this.parts.say(`${stream.name}: ${(error as Error).message}; no more buffers come back`);
    });
  }

  private rejected(verdict: Verdict, input: ContributionInput): void {
    const { noCommon, strict } = this.parts.options;
    if (verdict === 'no_common' && noCommon === 'discard') return;
    this.incidents.rejected(verdict, input);
    if (strict && verdict !== 'rogs_mismatch') this.inputs!.close();
  }

  private outputBroke(name: string, error: unknown): void {
    this.incidents.outputBroke(name, error);
    if (this.results?.broken) this.inputs!.close();
  }
}
