import type { ClosingInfo, EventInfo, Kernel, Outcome, Row } from '../types.ts';
import type { Value } from '../value.ts';

/**
 * One operation at one place. On workers events are added; on collectors what came from below is merged; workers and local collectors
 * take what goes up at the end of a heartbeat and start again, the global collector keeps and puts out.
 */
export interface Station {
  /** @returns false if the event was not used. @throws anything: the node fails for this event */
  add(inputs: readonly Value[], info: EventInfo): boolean;
  /** Instead of `add` where it is there: many events at once. */
  readonly addMany?: ((rows: readonly Row[]) => readonly Outcome<boolean>[]) | undefined;
  merge(part: unknown): void;
  /** What goes up; the caller owns it. */
  take(): unknown;
  /** Global collector: before the first merge of a heartbeat, and after the last. */
  begin(): void;
  settle(info: ClosingInfo): void;
  output(): readonly (Value | undefined)[];
  reset(): void;
  /** The state, to be written down before anything else happens; and the state again. */
  save(): unknown;
  restore(state: unknown): void;
  /** A transition other than Configure, for user code. */
  transition?(name: string): void;
}

/** The exact rules: states that merge (spec graph.md 2.5). */
export class KernelStation implements Station {
  readonly addMany: Station['addMany'];
  readonly #kernel: Kernel<unknown>;
  #state: unknown;

  constructor(kernel: Kernel<unknown>) {
    this.#kernel = kernel;
    this.#state = kernel.zero();
    this.addMany = kernel.addMany && ((rows) => kernel.addMany!(this.#state, rows));
  }

  add(inputs: readonly Value[], info: EventInfo): boolean {
    return this.#kernel.add(this.#state, inputs, info);
  }

  merge(part: unknown): void {
    this.#kernel.merge(this.#state, part);
  }

  take(): unknown {
    if (this.#kernel.take) return this.#kernel.take(this.#state);
    const state = this.#state;
    this.#state = this.#kernel.zero();
    return state;
  }

  begin(): void {}

  settle(info: ClosingInfo): void {
    this.#kernel.settle?.(this.#state, info);
  }

  output(): readonly (Value | undefined)[] {
    return this.#kernel.output(this.#state);
  }

  reset(): void {
    this.#state = this.#kernel.zero();
  }

  transition(name: string): void {
    this.#kernel.transition?.(this.#state, name);
  }

  save(): unknown {
    return this.#state;
  }

  restore(state: unknown): void {
    this.#state = state;
  }
}
