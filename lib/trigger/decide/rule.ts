/** Rules: decisions without another process; every event has its answer at once. */

import { UsageError } from '../../errors.ts';
import { DATA } from '../wire/layout.ts';
import { ANSWER_FLAG, Contributions, type EventBatch } from './batch.ts';
import { type Condition, compileRule } from './expression.ts';
import { type Decider, type DeciderCounts, type DeciderSetup, type OnError, zeroCounts } from './types.ts';

const ALL_MEBS = DATA.monitor;
/** TmoTebData: two u32. */
const TMO_BYTES = 8;

/** The data word for one event of a batch. */
type Rule = (batch: EventBatch, event: number) => number;

export class RuleDecider implements Decider {
  readonly inFlight = 1;
  readonly stateless: boolean;
  givenUp: string | undefined;
  counts: DeciderCounts = zeroCounts();
  private readonly make: (counts: DeciderCounts) => Rule;
  private rule: Rule;
  private readonly onError: OnError;

  /**
   * @param rule `value:P,M`, `all`, `none`, or an expression over primitives that says what is recorded
   * @param monitorRule expression that says what is shown to all monitors; default: what the rule records
   * @throws UsageError
   */
  constructor(setup: DeciderSetup, onError: OnError, rule: string, monitorRule?: string) {
    this.onError = onError;
    const { make, stateless } = parseRule(setup, rule.trim(), monitorRule?.trim());
    this.make = make;
    this.stateless = stateless;
    this.rule = make(this.counts);
  }

  async configure(): Promise<void> {
    this.counts = zeroCounts();
    this.givenUp = undefined;
    this.rule = this.make(this.counts);
  }

  async decide(batch: EventBatch): Promise<void> {
    while (batch.answered < batch.count) {
      if (this.givenUp !== undefined) this.force(batch, 'given up');
      else this.decideOne(batch);
    }
  }

  private decideOne(batch: EventBatch): void {
    let data: number;
    try {
      data = this.rule(batch, batch.answered);
    } catch (error) {
      // A key held a text where the expression needs a condition, or the like.
      this.force(batch, (error as Error).message);
      if (this.onError === 'stop') this.givenUp = `${(error as Error).message}, and --on-error is stop`;
      return;
    }
    batch.answer(data, 0);
  }

  private force(batch: EventBatch, why: string): void {
    this.counts.forced++;
    this.counts.failures[why] = (this.counts.failures[why] ?? 0) + 1;
    batch.answer(this.onError === 'discard' ? 0 : DATA.persist, ANSWER_FLAG.forced);
  }

  async stop(): Promise<void> {}

  kill(): void {}
}

interface Parsed {
  make: (counts: DeciderCounts) => Rule;
  /** False if the rule counts events. */
  stateless: boolean;
}

function parseRule(setup: DeciderSetup, rule: string, monitorRule: string | undefined): Parsed {
  const simple = simpleRule(rule);
  if (simple !== undefined && monitorRule === undefined) return { make: () => simple, stateless: true };
  const texts = [rule, monitorRule ?? rule];
  const parts = texts.map((text) => simpleRule(text) ?? compileRule(setup, text));
  const make = (counts: DeciderCounts): Rule => {
    const [record, monitor] = texts.map((text) => simpleRule(text) ?? toRule(compileRule(setup, text).bind(counts)));
    // One condition for both is asked once: it may count.
    if (texts[0] === texts[1]) return record!;
    return (batch, event) => (record!(batch, event) & DATA.persist) | (monitor!(batch, event) & ALL_MEBS);
  };
  return { make, stateless: parts.every((part) => typeof part === 'function' || part.stateless) };
}

function toRule(condition: Condition): Rule {
  return (batch, event) => (condition(batch, event) ? DATA.persist | ALL_MEBS : 0);
}

function simpleRule(text: string): Rule | undefined {
  if (text === 'all') return () => DATA.persist | ALL_MEBS;
  if (text === 'none') return () => 0;
  if (!text.startsWith('value:')) return undefined;
  const numbers = /^value:(0x[0-9a-f]+|\d+),(0x[0-9a-f]+|\d+)$/i.exec(text)?.slice(1).map(Number);
  if (numbers === undefined || numbers.some((number) => number > 0xffff_ffff)) {
    throw new UsageError(`--rule ${text}: it is value:P,M with two 32-bit numbers`);
  }
  return valueRule(numbers[0]!, numbers[1]!);
}

/** Persist if any contribution has write = P; monitor all if any has monitor = M. */
function valueRule(persist: number, monitor: number): Rule {
  const contributions = new Contributions();
  return (batch, event) => {
    let data = 0;
    contributions.of(batch, event);
    while (contributions.advance()) {
      const { bytes, payloadAt, end } = contributions;
      if (end - payloadAt < TMO_BYTES) continue;
      if (bytes.readUInt32LE(payloadAt) === persist) data |= DATA.persist;
      if (bytes.readUInt32LE(payloadAt + 4) === monitor) data |= ALL_MEBS;
    }
    return data;
  };
}
