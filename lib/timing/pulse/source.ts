import { DaqError } from '../../errors.ts';
import { gcd, lcm } from '../arithmetic.ts';
import type { Ticks } from '../machine.ts';
import { firstCode, type Partition, type Pattern } from '../partition.ts';
import { decodeProgram, type Program } from '../sequence/program.ts';
import { type SteadyState, steadyStateSteps } from '../sequence/steady.ts';
import type { Steps } from '../steps.ts';

/** An engine whose requests can be computed. */
export interface KnownEngine {
  readonly engine: number;
  readonly program: Program;
  readonly start: Ticks;
  readonly steady: SteadyState;
}

/** Everything that makes codes or beam, known or not (spec timing 13.1). */
export interface Sources {
  readonly engines: readonly KnownEngine[];
  /** Engines with a program whose output is unknown (free start, mains wait). */
  readonly unknownEngines: readonly number[];
  readonly warmup: number;
  readonly superPeriod: number;
  readonly complete: boolean;
}

/**
 * Decodes and analyses every program and finds the window: warm-up W and super-period M in machine periods.
 * Throws `timing-program` (with the origin of the program) when one cannot run.
 */
export function* findSources(partition: Partition): Steps<Sources> {
  const engines: KnownEngine[] = [];
  const unknownEngines: number[] = [];
  for (const [engine, sequence] of [...partition.programs].sort((a, b) => a[0] - b[0])) {
    try {
      const program = decodeProgram(sequence.words, partition.machine, sequence.markerIntervals);
      const start = sequence.start === 'any' ? resynchronised(program) : sequence.start;
      if (start === null || program.usesMains) unknownEngines.push(engine);
      else
        engines.push({ engine, program, start, steady: yield* steadyStateSteps(program, start, partition.maxPeriods) });
    } catch (error) {
      throw located(error, engine, sequence.origin);
    }
  }
  return { engines, unknownEngines, ...window(partition, engines) };
}

/** The same error, saying which engine and file it is about. */
function located(error: unknown, engine: number, origin: string | undefined): unknown {
  if (!(error instanceof DaqError)) return error;
  const place = { ...(origin === undefined ? {} : { file: origin }), key: `sequences.${engine}` };
  return new DaqError(error.code, `Engine ${engine}: ${error.message}`, { place, cause: error });
}

/** A program of unknown start is as good as started at 0 if it waits for the slow marker first (spec timing 12). */
function resynchronised(program: Program): Ticks | null {
  const first = program.instructions[0];
  if (first?.kind !== 'sync' || first.occurrences === 0) return null;
  return program.intervals[first.marker] === program.period ? 0 : null;
}

function window(
  partition: Partition,
  engines: readonly KnownEngine[],
): Pick<Sources, 'warmup' | 'superPeriod' | 'complete'> {
  const { maxPeriods, machine } = partition;
  let warmup = 0;
  let superPeriod = 1;
  let complete = true;
  const widen = (periods: number): void => {
    // Stops growing past the limit: the exact value does not matter any more.
    if (superPeriod <= maxPeriods) superPeriod = lcm(superPeriod, periods);
  };
  for (const { steady } of engines) {
    if (!steady.complete) complete = false;
    warmup = Math.max(warmup, steady.warmup);
    widen(steady.superPeriod);
  }
  for (const pattern of allPatterns(partition)) widen(pattern.period / gcd(pattern.period, machine.period));
  if (complete && warmup + superPeriod <= maxPeriods) return { warmup, superPeriod, complete: true };
  return { warmup: 0, superPeriod: maxPeriods, complete: false };
}

function allPatterns(partition: Partition): Pattern[] {
  const patterns = [...partition.codes.values()].flat();
  if (partition.beam.kind === 'runs') patterns.push(...partition.beam.runs.map((run) => run.pattern));
  return patterns;
}

/** What is known about one event code. */
export type CodeSource =
  | { readonly kind: 'engine'; readonly source: KnownEngine; readonly bit: number }
  | { readonly kind: 'pattern'; readonly patterns: readonly Pattern[] }
  | { readonly kind: 'unknown' };

export function sourceOfCode(partition: Partition, sources: Sources, code: number): CodeSource {
  const patterns = partition.codes.get(code);
  if (patterns !== undefined) return { kind: 'pattern', patterns };
  for (const source of sources.engines) {
    const bit = code - firstCode(partition.engines, source.engine);
    if (bit >= 0 && bit < 4) return { kind: 'engine', source, bit };
  }
  return { kind: 'unknown' };
}
