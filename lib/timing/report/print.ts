import type { Machine } from '../machine.ts';
import type { Comparison } from '../recorded/missing.ts';
import type { Verdict } from '../verdict.ts';
import { textLines } from './text.ts';
import { tsvLines } from './tsv.ts';

export type Format = 'text' | 'json' | 'tsv' | 'quiet';

/** What a run has to say besides the verdict. */
export interface Extras {
  /** How recorded files compare with the pattern. */
  readonly recorded?: { readonly verdict: Verdict; readonly comparison: Comparison | null };
  readonly plot?: readonly string[];
}

/** The lines of standard output, without the last one (see `verdictLine`). */
export function outputLines(verdict: Verdict, machine: Machine, format: Format, extras: Extras): string[] {
  switch (format) {
    case 'json':
      return [
        JSON.stringify({
          ...verdict,
          ...(extras.recorded === undefined ? {} : { recorded: recordedJson(extras.recorded) }),
        }),
      ];
    case 'tsv':
      return tsvLines(verdict);
    case 'quiet':
      return [];
    case 'text':
      return [...textLines(verdict, machine), ...recordedLines(extras), ...(extras.plot ?? [])];
  }
}

function recordedJson({ verdict, comparison }: NonNullable<Extras['recorded']>): unknown {
  const { groups, coinc, violations, pulses } = verdict;
  const plain =
    comparison?.comparable === true
      ? {
          ...comparison,
          firstMissing: comparison.firstMissing.map(({ pulseId, groups: mask }) => ({
            pulseId: String(pulseId),
            groups: mask,
          })),
        }
      : comparison;
  return { events: pulses, groups, coinc: coinc.steady, violations: violations.steady, comparison: plain };
}

function recordedLines({ recorded }: Extras): string[] {
  if (recorded === undefined) return [];
  const { verdict, comparison } = recorded;
  const sums = Object.entries(verdict.groups).map(([g, group]) => `${g}:${group.steady.sum}`);
  const lines = [
    `recorded   ${verdict.pulses} events, by group ${sums.join(' ')}, ${verdict.violations.steady.pulses.certain} without the common group`,
  ];
  if (comparison === null) return lines;
  if (!comparison.comparable) return [...lines, `recorded   not compared with the pattern: ${comparison.why}`];
  const { predicted, missing, unexpected, firstMissing } = comparison;
  lines.push(
    `recorded   ${predicted} pulses predicted in that time, ${missing} missing from the files, ${unexpected} events on pulses without a prediction`,
  );
  for (const { pulseId, groups } of firstMissing)
    lines.push(`missing    pulse ${pulseId} groups 0x${groups.toString(16).padStart(2, '0')}`);
  return lines;
}

/** The result when there is none (spec timing 13.6). */
export function errorJson(text: string): string {
  return JSON.stringify({
    tool: 'rog-validate',
    format: 'rog-validate/1',
    verdict: 'ERROR',
    exit: 2,
    errors: [{ text }],
  });
}
