/**
 * Windows, Latest and EMA as AMI computes them, for comparison (`--ami-compat`, spec graph.md 1.3, 1.4 and 2.11): n is split over the
 * colours, values are taken in order of arrival, and only the last complete group of each worker travels in a heartbeat.
 */

import { copyOf, divided, plus, type Sum } from '../ops/sum.ts';
import type { EventInfo, NodeSpec, Place } from '../types.ts';
import { isArray, isList, type List, type Value } from '../value.ts';
import type { Station } from './station.ts';

export interface AmiSplit {
  readonly op: string;
  /** Undefined for operations without a window. */
  readonly n:
    | { readonly worker: number; readonly localCollector: number; readonly globalCollector: number }
    | undefined;
  readonly keep: number;
}

const WINDOWS = new Set(['SumN', 'PickN', 'RollingBuffer', 'Average0D', 'Average1D', 'Average2D']);

/** How a node is split; undefined if AMI and we agree on it. */
export function splitOf(
  { op, parameters }: NodeSpec,
  n: number | undefined,
  { workers, collectors }: { workers: number; collectors: number },
): AmiSplit | undefined {
  const keep = typeof parameters.keep === 'number' ? parameters.keep : 0;
  if (op === 'Latest' || op === 'EMA') return { op, n: undefined, keep };
  if (!WINDOWS.has(op) || n === undefined) return undefined;
  const perWorker = Math.floor(n / workers);
  const split = {
    worker: Math.max(perWorker, 1),
    localCollector: Math.max(Math.floor(n / collectors), 1),
    globalCollector: Math.max(perWorker * workers, 1),
  };
  return { op, n: split, keep };
}

export function amiStation({ op, n, keep }: AmiSplit, place: Place): Station {
  if (op === 'Latest') return new LastArrival();
  if (op === 'EMA') return new RestartedAverage(keep);
  const own = n?.[place] ?? 1;
  if (op === 'PickN') return new Ring(own);
  return op === 'RollingBuffer' ? new ArrivalBuffer(own) : new RestartedSum(own, op !== 'SumN');
}

/** What is the same for all: nothing but the last thing given travels. */
abstract class AmiStation<M> implements Station {
  #given: M | undefined;

  protected give(message: M): void {
    this.#given = message;
  }

  abstract add(inputs: readonly Value[], info: EventInfo): boolean;
  protected abstract receive(message: M): void;
  protected abstract show(message: M): readonly (Value | undefined)[];
  protected abstract clear(): void;

  merge(part: unknown): void {
    if (part !== undefined) this.receive(part as M);
  }

  take(): M | undefined {
    const given = this.#given;
    this.#given = undefined;
    return given;
  }

  begin(): void {
    this.#given = undefined;
  }

  settle(): void {}

  /** Only exact states are saved; graph-collect refuses --state with --ami-compat. */
  save(): undefined {}

  restore(): void {}

  output(): readonly (Value | undefined)[] {
    return this.#given === undefined ? [] : this.show(this.#given);
  }

  reset(): void {
    this.#given = undefined;
    this.clear();
  }
}

function element(inputs: readonly Value[]): Value {
  return inputs.length === 1 ? (copyOf(inputs[0]) as Value) : inputs.map(copyOf);
}

interface CountAndSum {
  count: number;
  sum: Sum;
}

/** SumN, and averages over n: starts again once it was complete. */
class RestartedSum extends AmiStation<CountAndSum> {
  readonly #n: number;
  readonly #mean: boolean;
  #count = 0;
  #sum: Sum;

  constructor(n: number, mean: boolean) {
    super();
    this.#n = n;
    this.#mean = mean;
  }

  add(inputs: readonly Value[]): boolean {
    this.receive({ count: 1, sum: copyOf(inputs[0]) as Sum });
    return true;
  }

  protected receive({ count, sum }: CountAndSum): void {
    if (this.#count >= this.#n) this.clear();
    this.#sum = this.#sum === undefined ? sum : plus(this.#sum, sum as Value);
    this.#count += count;
    if (this.#count >= this.#n) this.give({ count: this.#count, sum: copyOf(this.#sum) as Sum });
  }

  protected show({ count, sum }: CountAndSum): readonly (Value | undefined)[] {
    return this.#mean ? [divided(sum, count), count] : [count, sum];
  }

  protected clear(): void {
    this.#count = 0;
    this.#sum = undefined;
  }
}

/** PickN: a ring of n slots whose index is not reset when it is emptied. */
class Ring extends AmiStation<Value> {
  readonly #slots: (Value | undefined)[];
  #index = 0;

  constructor(n: number) {
    super();
    this.#slots = new Array(n).fill(undefined);
  }

  add(inputs: readonly Value[]): boolean {
    this.#put(element(inputs));
    this.#giveIfFull();
    return true;
  }

  /** A list is taken for a group, whatever it is (a defect of the reference that is wanted here). */
  protected receive(message: Value): void {
    for (const value of isList(message) ? message : [message]) this.#put(value as Value);
    this.#giveIfFull();
  }

  #put(value: Value): void {
    this.#slots[this.#index] = value;
    this.#index = (this.#index + 1) % this.#slots.length;
  }

  #giveIfFull(): void {
    if (this.#slots.includes(undefined)) return;
    this.give(this.#slots.length === 1 ? (this.#slots[0] as Value) : ([...this.#slots] as List));
    this.#slots.fill(undefined);
  }

  protected show(message: Value): readonly Value[] {
    return [message];
  }

  protected clear(): void {
    this.#slots.fill(undefined);
    this.#index = 0;
  }
}

interface Buffered {
  /** Used events since the last message. */
  count: number;
  list: List;
}

/** RollingBuffer: whole buffers are appended on arrival. */
class ArrivalBuffer extends AmiStation<Buffered> {
  readonly #n: number;
  #list: (Value | undefined)[] = [];
  #count = 0;

  constructor(n: number) {
    super();
    this.#n = n;
  }

  add(inputs: readonly Value[]): boolean {
    this.receive({ count: 1, list: [element(inputs)] });
    return true;
  }

  protected receive({ count, list }: Buffered): void {
    this.#list = [...this.#list, ...list].slice(-this.#n);
    this.#count += count;
    this.give({ count: this.#count, list: this.#list });
  }

  override take(): Buffered | undefined {
    this.#count = 0;
    return super.take();
  }

  protected show({ list, count }: Buffered): readonly Value[] {
    return [list, count];
  }

  protected clear(): void {
    this.#list = [];
    this.#count = 0;
  }
}

class LastArrival extends AmiStation<Value> {
  add(inputs: readonly Value[]): boolean {
    this.give(copyOf(inputs[0]) as Value);
    return true;
  }

  protected receive(message: Value): void {
    this.give(message);
  }

  protected show(message: Value): readonly Value[] {
    return [message];
  }

  protected clear(): void {}
}

/** EMA: workers start anew each heartbeat; collectors add what came, weighted by its count. */
class RestartedAverage extends AmiStation<CountAndSum> {
  readonly #keep: number;
  /** Worker: the average of this heartbeat. */
  #count = 0;
  #average: Sum;
  /** Collectors: the sum of averages times counts. */
  #sum: Sum;

  constructor(keep: number) {
    super();
    this.#keep = keep;
  }

  add(inputs: readonly Value[]): boolean {
    const value = copyOf(inputs[0]) as Value;
    this.#average =
      this.#count === 0
        ? scaled(value, this.#keep)
        : plus(scaled(this.#average as Value, this.#keep), scaled(value, 1 - this.#keep) as Value);
    this.#count++;
    this.give({ count: this.#count, sum: scaled(this.#average as Value, this.#count) });
    return true;
  }

  protected receive({ count, sum }: CountAndSum): void {
    this.#sum = this.#sum === undefined ? sum : plus(this.#sum, sum as Value);
    this.#count += count;
    this.give({ count: this.#count, sum: copyOf(this.#sum) as Sum });
  }

  override take(): CountAndSum | undefined {
    const given = super.take();
    this.clear();
    return given;
  }

  protected show({ count, sum }: CountAndSum): readonly (Value | undefined)[] {
    return [divided(sum, count), count];
  }

  protected clear(): void {
    this.#count = 0;
    this.#average = undefined;
    this.#sum = undefined;
  }
}

function scaled(value: Value, factor: number): Sum {
  if (!isArray(value)) return (value as number) * factor;
  return { ...value, dtype: 'float64', data: Float64Array.from(value.data, (x) => x * factor) };
}
