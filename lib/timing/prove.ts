import { UsageError } from '../errors.ts';
import { openBytes } from '../stream/source.ts';
import { combineInputs, type Inputs, type Readers } from './input/combine.ts';
import { readConfigure } from './input/configure.ts';
import { readTextFile, withHome } from './input/read-text.ts';
import { type Machine, SC, UED } from './machine.ts';
import { GROUPS, type Partition } from './partition.ts';
import { masksBetween } from './pulse/excerpt.ts';
import type { MaskFormat } from './recorded/mask-format.ts';
import { BLOCK, MaskTally } from './recorded/mask-tally.ts';
import { compareWithPattern } from './recorded/missing.ts';
import { countMaskStream } from './recorded/stream.ts';
import { recordedVerdict } from './recorded/verdict.ts';
import { plotLines } from './report/plot.ts';
import type { Extras } from './report/print.ts';
import type { Steps } from './steps.ts';
import { validateSteps } from './validate.ts';
import type { Verdict } from './verdict.ts';

export interface Request {
  readonly inputs: Inputs;
  readonly stdin?: MaskFormat;
  readonly xtc?: readonly string[];
  readonly python?: boolean;
  /** Milliseconds to draw around the first violation. */
  readonly plot?: number;
}

/** A finished run, or nothing after a signal. */
export interface Proof {
  readonly verdict: Verdict;
  readonly machine: Machine;
  readonly extras: Extras;
}

const TURN_MS = 50;

/** Reads the inputs, decides, and gathers what is to be shown. Null when `stop` was asked for before the end. */
export async function prove(request: Request, stop: AbortSignal): Promise<Proof | null> {
  if (request.stdin !== undefined) return proveMasks(request, request.stdin, stop);
  if (!hasPattern(request.inputs)) return proveRecorded(request, stop);
  const partition = await combineInputs(request.inputs, readersFor(request, stop));
  const verdict = await runInTurns(validateSteps(partition), stop);
  if (verdict === null) return null;
  const recorded = request.xtc === undefined ? undefined : await recordedExtras(request.xtc, partition, stop);
  const plot = request.plot === undefined ? undefined : plotFor(partition, verdict, request.plot);
  const extras: Extras = { ...(recorded === undefined ? {} : { recorded }), ...(plot === undefined ? {} : { plot }) };
  return { verdict: withRecorded(verdict, recorded), machine: partition.machine, extras };
}

function hasPattern({ partition, ts, xpm }: Inputs): boolean {
  return partition !== undefined || ts !== undefined || xpm !== undefined;
}

function readersFor(request: Request, stop: AbortSignal): Readers {
  return {
    readText: readTextFile,
    readConfigure: (file) => readConfigure(withHome(file), stop),
    ...(request.python
      ? {
          runScript: async (text, file, machine) => {
            const { runInPython } = await import('./script/python-process.ts');
            return runInPython(text, file, machine);
          },
        }
      : {}),
  };
}

/** Runs a calculation, serving signals between machine periods. */
async function runInTurns<T>(steps: Steps<T>, stop: AbortSignal): Promise<T | null> {
  for (let turn = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (stop.aborted) return null;
    turn = performance.now();
  }
}

function commonOf(inputs: Inputs): number {
  if (inputs.common === undefined)
    throw new UsageError('recorded masks do not say which group is the common one: give -p N');
  return inputs.common;
}

function maskOf(groups: readonly number[] | undefined): { groups: number } | Record<string, never> {
  return groups === undefined ? {} : { groups: groups.reduce((mask, g) => mask | (1 << g), 0) };
}

async function proveMasks(request: Request, format: MaskFormat, stop: AbortSignal): Promise<Proof | null> {
  const { inputs } = request;
  const common = commonOf(inputs);
  const chosen = maskOf(inputs.groups);
  const tally = new MaskTally(common, chosen.groups ?? (1 << GROUPS) - 1);
  await countMaskStream(await openBytes('-'), format, tally, stop);
  if (stop.aborted) return null;
  const machine = inputs.machine === 'ued' ? UED : SC;
  return { verdict: recordedVerdict(tally.tally, tally.pulses, { machine, common, ...chosen }), machine, extras: {} };
}

async function proveRecorded(request: Request, stop: AbortSignal): Promise<Proof | null> {
  if (request.xtc === undefined)
    throw new UsageError('nothing to check: give --partition, --ts, --xpm, --xtc or --stdin');
  const verdict = await eventsVerdict(
    request.xtc,
    commonOf(request.inputs),
    SC,
    maskOf(request.inputs.groups).groups,
    stop,
  );
  return stop.aborted ? null : { verdict: verdict.verdict, machine: SC, extras: {} };
}

/** The verdict on the group masks of recorded events. */
async function eventsVerdict(
  files: readonly string[],
  common: number,
  machine: Machine,
  groups: number | undefined,
  stop: AbortSignal,
) {
  const { readEvents } = await import('./recorded/events.ts');
  const run = await readEvents(files.map(withHome), stop);
  const tally = new MaskTally(common, groups ?? (1 << GROUPS) - 1);
  const block = new Uint8Array(BLOCK);
  for (let from = 0; from < run.events.length; from += BLOCK) {
    const part = run.events.slice(from, from + BLOCK);
    part.forEach((event, i) => {
      block[i] = event.groups;
    });
    tally.add(block, part.length);
  }
  const warnings = run.findings.map(([file, { detail }]) => ({
    code: 'damaged-file',
    group: null,
    text: `${file}: ${detail}`,
  }));
  if (run.events.length > 0 && run.events.every((event) => event.groups === 0)) {
    warnings.push({
      code: 'no-group-bits',
      group: null,
      text: 'No event has a readout-group bit: the files say nothing about groups.',
    });
  }
  const options = { machine, common, warnings, ...(groups === undefined ? {} : { groups }) };
  return { verdict: recordedVerdict(tally.tally, tally.pulses, options), events: run.events };
}

async function recordedExtras(
  files: readonly string[],
  partition: Partition,
  stop: AbortSignal,
): Promise<NonNullable<Extras['recorded']>> {
  const groups = partition.groups.reduce((mask, group) => mask | (1 << group.index), 0);
  const { verdict, events } = await eventsVerdict(files, partition.common, partition.machine, groups, stop);
  return { verdict, comparison: compareWithPattern(partition, events) };
}

/** A recorded pulse without the common group is a violation whatever the pattern promises. */
function withRecorded(verdict: Verdict, recorded: Extras['recorded']): Verdict {
  if (recorded === undefined) return verdict;
  const warnings = [...verdict.warnings, ...recorded.verdict.warnings];
  return recorded.verdict.verdict === 'OK'
    ? { ...verdict, warnings }
    : { ...verdict, warnings, verdict: 'VIOLATION', exit: 1 };
}

function plotFor(partition: Partition, verdict: Verdict, milliseconds: number): string[] {
  const pulse = verdict.sites[0]?.pulse ?? verdict.window.warmup * partition.machine.period;
  const groups = partition.groups.reduce((mask, group) => mask | (1 << group.index), 0);
  const near = 40;
  return [near * 2, Math.max(near * 2, Math.round((milliseconds / 1000) * partition.machine.tickHz))].flatMap(
    (ticks) => {
      const from = Math.max(0, pulse - Math.floor(ticks / 4));
      const masks = masksBetween(partition, from, from + ticks);
      return plotLines({ masks, from, pulse, common: partition.common, groups, tickHz: partition.machine.tickHz });
    },
  );
}
