/** teb-decide as a whole: inputs, event builder, decider, dealer and outputs of one process, from start to end. */

import { formatBalance } from '../../cli/balance.ts';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import { type Output, OutputClosed } from '../../cli/output.ts';
import { UsageError } from '../../errors.ts';
import { openSink, openStream, type StreamOptions } from '../../stream/open.ts';
import type { ByteSource } from '../../stream/source.ts';
import { Contracts } from '../building/contracts.ts';
import { EventBuilder } from '../building/event-builder.ts';
import { MonitorDealer } from '../dealing/monitor-dealer.ts';
import type { Decider } from '../decide/types.ts';
import type { BuiltEvent, TriggerConfig, Verdict } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';
import { sourcesOf } from '../wire/masks.ts';
import { ContributionInput, type Ending } from './contribution-input.ts';
import { DecisionLoop } from './decision-loop.ts';
import { readFreeBuffers } from './free-buffers.ts';
import { InputLoop } from './input-loop.ts';
import { LimitedSay } from './limited-say.ts';
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
  kind: 'clean' | 'rejected' | 'connection-lost' | 'given-up';
  why: string;
}

const MAX_PAYLOAD = 1 << 24;
const now = () => performance.now();

export class Teb {
  readonly builder: EventBuilder;
  readonly dealer: MonitorDealer | undefined;
  private readonly parts: TebParts;
  private readonly contracts: Contracts;
  private readonly totals = zeroTotals();
  private readonly limited: LimitedSay;
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
  /** Connections that broke for good. */
  private readonly lost: string[] = [];

  constructor(parts: TebParts) {
    const { config, options } = parts;
    this.parts = parts;
    this.limited = new LimitedSay(parts.say);
    this.contracts = new Contracts(config);
    this.builder = new EventBuilder(this.contracts, {
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
    const { options, lifecycle, say, stdout } = this.parts;
    refuseTwice([...options.inputs.map(({ url }) => url), options.monIn]);
    refuseTwice(options.outputs.map(({ url }) => url));
    const streams: StreamOptions = { lifecycle, say, stdout, greeting: () => false };
    const { inFormat: format } = options;
    const bad = (why: string) => this.badFrame(why);
    const inputs = options.inputs.map((address) => {
      const open = () => openStream(address.url, streams);
      return new ContributionInput(address, { format, maxPayload: MAX_PAYLOAD, open, bad });
    });
    // All at once: named pipes and sockets wait for each other's programs in any order.
    const [sinks, monitorStream] = await Promise.all([
      Promise.all(options.outputs.map(({ url }) => openSink(url, streams))),
      options.monIn === undefined ? undefined : openStream(options.monIn, streams),
      ...inputs.map((input) => input.open()),
    ]);
    this.monitorStream = monitorStream;
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
    if (this.lost.length > 0) return { kind: 'connection-lost', why: this.lost.join(', ') };
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
        ended: (input, ending, forGood) => this.inputEnded(input, ending, forGood),
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
        fixedUp: (event) => this.fixedUp(event),
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
      this.parts.say(
        `no room for more events, and no time limit: source ${this.nameOf(awaited)} is left out until it speaks`,
      );
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

  private rejected(verdict: Verdict, { name, record }: ContributionInput): void {
    const { noCommon, strict } = this.parts.options;
    if (verdict === 'no_common' && noCommon === 'discard') return;
    const { pid, source } = record;
    this.limited.line(now(), () => `${name}: ${verdict}: source ${this.nameOf(source)}, pid ${pid}`);
    if (strict && verdict !== 'rogs_mismatch') this.inputs!.close();
  }

  private fixedUp(event: BuiltEvent): void {
    const { pid, missingLow, missingHigh, why } = event;
    this.limited.line(now(), () => {
      const names = sourcesOf(missingLow, missingHigh).map((source) => this.nameOf(source));
      return `pid ${pid}: missing ${names.join(', ')} (${why})`;
    });
  }

  private badFrame(why: string): void {
    this.totals.badFrames++;
    this.limited.line(now(), () => why);
  }

  private inputEnded(input: ContributionInput, ending: Ending, forGood: boolean): void {
    if (ending.how === 'end') return;
    const { say } = this.parts;
    say(`${input.name}: ${ending.why}${forGood ? '' : '; trying to connect again'}`);
    if (ending.how === 'garbled') {
      this.totals.badFrames++;
      return;
    }
    this.totals.lostSources += sourcesOf(input.sourcesLow, input.sourcesHigh).length;
    if (forGood) this.lost.push(input.name);
  }

  private outputBroke(name: string, error: unknown): void {
    const why = error instanceof OutputClosed ? 'its reader has gone' : (error as Error).message;
    this.parts.say(`${name}: ${why}; results for it are counted and dropped`);
    this.lost.push(name);
    if (this.results?.broken) this.inputs!.close();
  }

  private nameOf(source: number): string {
    const index = this.contracts.indexOf(source);
    return index < 0 ? String(source) : `${source} (${this.contracts.aliases[index]})`;
  }
}

/** A stream has one reader and one writer here. */
function refuseTwice(urls: readonly (string | undefined)[]): void {
  const given = urls.filter((url) => url !== undefined);
  const twice = given.find((url, i) => given.indexOf(url) !== i);
  if (twice !== undefined) throw new UsageError(`${twice} is given twice`);
}
