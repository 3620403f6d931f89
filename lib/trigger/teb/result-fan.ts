/** Results to those whom they concern: every output gets the events with its receiver in receivers(e), or all (spec teb.md, 2.3). */

import type { BuiltEvent } from '../building/built-event.ts';
import { decisionLine } from '../wire/json-lines.ts';
import { RESULT } from '../wire/layout.ts';
import { hasSource } from '../wire/masks.ts';
import { type Outcome, type ResultWriterOptions, writeResult } from '../wire/result.ts';
import type { ResultOutput } from './result-output.ts';
import type { Format } from './types.ts';

export interface FanOutput {
  /** Undefined: everything. */
  receiver: number | undefined;
  output: ResultOutput;
}

export interface FanOptions extends ResultWriterOptions {
  format: Format;
}

export class ResultFan {
  private readonly outputs: readonly FanOutput[];
  private readonly options: FanOptions;
  private readonly recordBytes: number;

  constructor(outputs: readonly FanOutput[], options: FanOptions) {
    this.outputs = outputs;
    this.options = options;
    this.recordBytes = options.extended ? RESULT.extendedSize : RESULT.size;
  }

  /** Time to wait for `written`. */
  get full(): boolean {
    for (const { output } of this.outputs) if (output.full) return true;
    return false;
  }

  /** Nobody is left to write to. */
  get broken(): boolean {
    return this.outputs.every(({ output }) => output.isBroken);
  }

  /** Batches written to the first output. */
  get batches(): number {
    return this.outputs[0]?.output.batches ?? 0;
  }

  /** Results that broken outputs did not pass on, by name. */
  get undelivered(): Record<string, number> {
    const broken = this.outputs.filter(({ output }) => output.undelivered > 0);
    return Object.fromEntries(broken.map(({ output }) => [output.name, output.undelivered]));
  }

  /** @param sequence number of the process that decided */
  write(event: BuiltEvent, outcome: Outcome, sequence: number): void {
    if (this.options.format === 'jsonl') return this.writeLine(event, outcome);
    const { options, recordBytes } = this;
    for (const { receiver, output } of this.outputs) {
      if (receiver !== undefined && !hasSource(event.receiversLow, event.receiversHigh, receiver)) continue;
      const into = output.reserve(recordBytes);
      writeResult(into, output.at, event, outcome, options, sequence);
      output.advance(recordBytes);
    }
  }

  /** Begins to write what has been collected. */
  flush(): void {
    for (const { output } of this.outputs) output.flush();
  }

  /** Resolves when everything has been passed on, or its output is broken. */
  async written(): Promise<void> {
    for (const { output } of this.outputs) await output.written();
  }

  async close(): Promise<void> {
    await Promise.all(this.outputs.map(({ output }) => output.close()));
  }

  abandon(): void {
    for (const { output } of this.outputs) output.abandon();
  }

  private writeLine(event: BuiltEvent, outcome: Outcome): void {
    const text = Buffer.from(decisionLine(event, outcome));
    for (const { receiver, output } of this.outputs) {
      if (receiver !== undefined && !hasSource(event.receiversLow, event.receiversHigh, receiver)) continue;
      const into = output.reserve(text.length);
      text.copy(into, output.at);
      output.advance(text.length);
    }
  }
}
