import type { Warning } from '../partition.ts';
import type { Program } from './program.ts';
import type { SteadyState } from './steady.ts';
import { ADDRESS_BITS } from './word.ts';

/** Instructions that fit between a satisfied sync and the latch of the output word (spec timing 8.3). */
const INSTRUCTION_BUDGET = 18;
/** A single wait longer than this is rather a marker number of the old order. */
const LONG_WAIT_SECONDS = 60;

/** Findings about one program that follow from its instructions. `name` begins each text. */
export function lintProgram(program: Program, tickHz: number, name: string): Warning[] {
  const kinds = new Set(program.instructions.map((i) => i.kind));
  const findings: [boolean, string, string][] = [
    [kinds.has('checkpoint'), 'checkpoint-ignored', 'CheckPoint has no effect on an XPM'],
    [
      kinds.has('call') || kinds.has('return'),
      'call-ignored',
      'Call and Return have no effect on an XPM: execution falls through',
    ],
    [kinds.has('sync') && kinds.has('mainsSync'), 'mixed-sync', 'waits for markers and for mains slots in one program'],
    [sharesCounter(program), 'counter-shared', 'two nested or overlapping loops use one counter'],
    [
      waitsLong(program, tickHz),
      'stale-markers',
      `waits for more than ${LONG_WAIT_SECONDS} s at once: a marker number of before 2022-12?`,
    ],
  ];
  return findings
    .filter(([applies]) => applies)
    .map(([, code, text]) => ({ code, group: null, text: `${name}: ${text}.` }));
}

/** Findings about what a program does in the long run. */
export function lintSteadyState(program: Program, steady: SteadyState, name: string): Warning[] {
  const warnings: Warning[] = [];
  if (steady.halt !== null)
    warnings.push({ code: 'finite', group: null, text: `${name}: halts at tick ${steady.halt}.` });
  else if (!program.instructions.some((i) => i.kind === 'sync' && program.intervals[i.marker] === program.period)) {
    const text = `${name}: never waits for the slow marker; a glitch or a reset shifts its phase.`;
    warnings.push({ code: 'free-running', group: null, text });
  }
  if (steady.latestRequest > INSTRUCTION_BUDGET) {
    const text = `${name}: ${steady.latestRequest} instructions between a wait and a request; about ${INSTRUCTION_BUDGET} fit into a tick.`;
    warnings.push({ code: 'instruction-budget', group: null, text });
  }
  return warnings;
}

/** Conditional backward jumps as [target, own line] by counter; any two that meet disturb each other. */
function sharesCounter(program: Program): boolean {
  const loops: { counter: number; from: number; to: number }[] = [];
  let page = 0;
  program.instructions.forEach((instruction, line) => {
    if (instruction.kind === 'upper') page = instruction.page << ADDRESS_BITS;
    if (instruction.kind !== 'branch') return;
    const target = page | instruction.address;
    if (target <= line) loops.push({ counter: instruction.counter, from: target, to: line });
  });
  return loops.some((a, i) =>
    loops.some((b, j) => j > i && a.counter === b.counter && a.from <= b.to && b.from <= a.to),
  );
}

function waitsLong(program: Program, tickHz: number): boolean {
  return program.instructions.some(
    (i) => i.kind === 'sync' && (program.intervals[i.marker] ?? 0) * i.occurrences > LONG_WAIT_SECONDS * tickHz,
  );
}
