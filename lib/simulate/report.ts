/** What dgram-gen says: the list of kinds, and what it has done. */

import { formatBalance, imbalance } from '../cli/balance.ts';
import { bytesText } from '../cli/progress.ts';
import { GENERATORS } from './generators/registry.ts';
import { KINDS } from './kinds/registry.ts';
import type { Played } from './play.ts';
import type { Simulation } from './simulation.ts';

interface Listed {
  name: string;
  summary: string;
  keys: readonly string[];
}

/** Kinds of detectors and generators, for --list-kinds. */
export function kindsDocument(): { detectors: Listed[]; generators: Listed[] } {
  const listed = ({ name, summary, keys }: { name: string; summary: string; keys: string }) => ({
    name,
    summary,
    keys: splitKeys(keys),
  });
  return { detectors: [...KINDS.values()].map(listed), generators: [...GENERATORS.values()].map(listed) };
}

/** `pixel (uint8, uint16), truth` is two keys. */
function splitKeys(keys: string): string[] {
  return keys === '' ? [] : keys.split(/, (?![^(]*\))/);
}

export function kindsLines(): string[] {
  const { detectors, generators } = kindsDocument();
  const lines = (items: readonly Listed[]) =>
    items.flatMap(({ name, summary, keys }) => [
      `  ${name.padEnd(10)} ${summary}`,
      ...(keys.length === 0 ? [] : [`  ${''.padEnd(10)} keys: ${keys.join(', ')}`]),
    ]);
  return [
    'kinds of detectors (kind: NAME)',
    ...lines(detectors),
    '',
    'generators of fields (generator: NAME; also type, shape and pool)',
    ...lines(generators),
  ];
}

/** The result as one document, for --json. */
export function resultDocument(simulation: Simulation, played: Played): Record<string, unknown> {
  const { run, balance, lanes, events } = simulation;
  return {
    experiment: run.experiment,
    run: run.run,
    events,
    dgrams: lanes.reduce((sum, lane) => sum + lane.dgrams, 0),
    bytes: lanes.reduce((sum, lane) => sum + lane.bytes, 0),
    streams: lanes.map(({ node, dgrams, bytes }) => ({ node, dgrams, bytes })),
    outputs: played.names,
    balance: { ...balance, unaccounted: imbalance(balance) },
  };
}

/** `200 events, 209 dgrams, 105 kB in 1 stream; in 200 = out 200`. */
export function resultText(simulation: Simulation): string {
  const { lanes, events, balance } = simulation;
  const dgrams = lanes.reduce((sum, lane) => sum + lane.dgrams, 0);
  const bytes = lanes.reduce((sum, lane) => sum + lane.bytes, 0);
  const streams = `${lanes.length} stream${lanes.length === 1 ? '' : 's'}`;
  return `${events} events, ${dgrams} dgrams, ${bytesText(bytes)} in ${streams}; ${formatBalance(balance)}`;
}
