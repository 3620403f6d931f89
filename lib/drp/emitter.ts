/** From outcomes to bytes: the policies for oversize results and failed workers, damage, and the trigger stream. */

import { DataError } from '../errors.ts';
import { DAMAGE } from '../xtc/damage.ts';
import { DGRAM, XTC } from '../xtc/layout.ts';
import { serviceName } from '../xtc/service.ts';
import type { Counters } from './counters.ts';
import type { Outcome, WithTrigger } from './outcome.ts';
import { contribution } from './trigger.ts';
import { type DrpOptions, resultLimit } from './types.ts';

/** Where views go; they stay valid until the sink has been drained. */
export interface ByteSink {
  bytes(view: Buffer): void;
}

const NO_TRIGGER: WithTrigger = { trigger: undefined };

export class Emitter {
  private readonly options: DrpOptions;
  private readonly counters: Counters;
  private readonly out: ByteSink;
  private readonly triggers: ByteSink | undefined;
  private readonly say: (message: string) => void;
  /** Told of every dgram before and after. */
  observe: ((input: Buffer, output: Buffer | undefined) => void) | undefined;
  private lastOversizeWord = Number.NEGATIVE_INFINITY;
  private staleSaid = false;

  constructor(
    options: DrpOptions,
    counters: Counters,
    out: ByteSink,
    triggers: ByteSink | undefined,
    say: (message: string) => void,
  ) {
    this.options = options;
    this.counters = counters;
    this.out = out;
    this.triggers = triggers;
    this.say = say;
  }

  /**
   * Emits one dgram.
   * @throws DataError `oversize` with `--on-oversize abort`, `worker-failed` with `--on-worker-failure abort`
   */
  emit(input: Buffer, outcome: Outcome): void {
    const { counters } = this;
    switch (outcome.kind) {
      case 'same':
        counters.unchanged++;
        return this.put(input, input, outcome);
      case 'changed':
        if (outcome.bytes.length === input.length && outcome.bytes.equals(input)) counters.unchanged++;
        else counters.changed++;
        return this.put(input, outcome.bytes, outcome);
      case 'dropped':
        counters.droppedScript++;
        this.observe?.(input, undefined);
        return this.putTrigger(input, undefined, 0);
      case 'stale':
        return this.emitStale(input);
      case 'oversize':
        return this.emitOversize(input, outcome);
      default:
        return this.emitFailed(input, outcome.why);
    }
  }

  private put(input: Buffer, bytes: Buffer, from: Pick<WithTrigger, 'trigger' | 'overrun'>, damage = 0): void {
    if (from.overrun) this.counters.triggerOverrun++;
    this.putTrigger(input, from.trigger, from.overrun ? damage | DAMAGE.Truncated : damage);
    this.counters.out++;
    this.observe?.(input, bytes);
    this.out.bytes(bytes);
  }

  /** The trigger contribution goes out first: the decision may come back before the data are written. */
  private putTrigger(input: Buffer, trigger: Buffer | undefined, damage: number): void {
    if (!this.triggers) return;
    this.counters.triggerOut++;
    this.triggers.bytes(contribution(input, trigger, damage));
  }

  private emitStale(input: Buffer): void {
    this.counters.stale++;
    if (!this.staleSaid) {
      this.staleSaid = true;
      this.say(
        'a result belongs to another dgram, so the input goes out instead. Older psana does not save results inside run.steps(): that is the likely reason',
      );
    }
    this.put(input, input, NO_TRIGGER);
  }

  private emitOversize(input: Buffer, outcome: Extract<Outcome, { kind: 'oversize' }>): void {
    const { needed, bytes } = outcome;
    const { options, counters } = this;
    const limit = resultLimit(options, (input.readUInt32LE(DGRAM.env) >>> 24) & 0xf);
    const words = `the result of ${describe(input)} needs ${needed} bytes; the limit is ${limit} (--pebble, --max-transition)`;
    if (options.onOversize === 'abort') throw new DataError('oversize', words);
    counters.damagedOversize++;
    const now = performance.now();
    if (now - this.lastOversizeWord > 60_000) {
      this.lastOversizeWord = now;
      this.say(`${words}; ${counters.damagedOversize} so far, marked with damage`);
    }
    if (options.oversizeKeep === 'raw') return this.put(input, withDamage(input, input, DAMAGE.Truncated), outcome);
    if (options.oversizeKeep === 'cut' && bytes) {
      return this.put(input, withDamage(bytes, bytes, DAMAGE.Truncated | DAMAGE.Corrupted), outcome);
    }
    const header = withDamage(input.subarray(0, DGRAM.size), input, DAMAGE.Truncated);
    header.writeUInt32LE(XTC.size, DGRAM.extent);
    this.put(input, header, outcome);
  }

  private emitFailed(input: Buffer, why: string): void {
    const { options, counters } = this;
    const words = `${describe(input)} failed twice: ${why.split('\n')[0]}`;
    switch (options.onWorkerFailure) {
      case 'abort':
        throw new DataError('worker-failed', words);
      case 'drop':
        counters.droppedFailure++;
        this.say(`${words}; dropped`);
        return this.putTrigger(input, undefined, DAMAGE.MissingData);
      case 'pass':
        counters.passedFailure++;
        this.say(`${words}; passed on as it came`);
        return this.put(input, input, NO_TRIGGER, DAMAGE.MissingData);
      default:
        counters.damagedFailure++;
        this.say(`${words}; passed on with MissingData damage`);
        return this.put(input, withDamage(input, input, DAMAGE.MissingData), NO_TRIGGER, DAMAGE.MissingData);
    }
  }
}

/** A copy with more damage on its root. */
function withDamage(bytes: Buffer, header: Buffer, damage: number): Buffer {
  const copy = Buffer.from(bytes);
  header.copy(copy, 0, 0, DGRAM.size);
  copy.writeUInt32LE(bytes.length - 12, DGRAM.extent);
  copy.writeUInt16LE(header.readUInt16LE(DGRAM.damage) | damage, DGRAM.damage);
  return copy;
}

/** `L1Accept 1234-567`. */
export function describe(dgram: Buffer): string {
  const service = serviceName((dgram.readUInt32LE(DGRAM.env) >>> 24) & 0xf);
  return `${service} ${dgram.readUInt32LE(DGRAM.sec)}-${dgram.readUInt32LE(DGRAM.nsec)}`;
}
