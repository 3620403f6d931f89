/** Run descriptions as plain values: checking them, and giving them back with defaults filled in. */

import { DataError, formatPlace, type Place } from '../errors.ts';
import { markerLabel, type Rate } from './clock.ts';
import type { DamageRule, DetectorDescription, RunDescription } from './description.ts';
import { printField } from './fields.ts';
import { type Overrides, withOverrides } from './overrides.ts';
import { readRun } from './read-run.ts';
import { type Problem, Problems } from './section.ts';

const SHOWN = 10;

/**
 * Reads a description that was made in a program.
 * @throws DataError `bad-description`
 */
export function describeRun(value: unknown, overrides: Overrides = {}): RunDescription {
  return checkedRun(value, overrides, ({ path }) => ({ key: path.join('.') }));
}

/**
 * Changes and checks a description.
 * @param locate tells where in a text a problem is
 * @throws DataError `bad-description` with every problem: place, key path, what is allowed
 */
export function checkedRun(value: unknown, overrides: Overrides, locate: (problem: Problem) => Place): RunDescription {
  const problems = new Problems();
  const mapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  const run = readRun(mapping ? withOverrides({ ...value }, overrides) : value, problems);
  if (problems.list.length === 0) return run;
  const placed = problems.list.map((problem) => ({ message: problem.message, place: locate(problem) }));
  // Stable: problems without a line stay in the order of reading.
  placed.sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0));
  const lines = placed.slice(1, SHOWN).map(({ message, place }) => `${formatPlace(place)}: ${message}`);
  if (placed.length > SHOWN) lines.push(`... and ${placed.length - SHOWN} more`);
  throw new DataError('bad-description', [placed[0]!.message, ...lines].join('\n'), { place: placed[0]!.place });
}

/** The description as a plain value that `describeRun` reads back to the same run. */
export function plainRun(run: RunDescription): Record<string, unknown> {
  const { steps } = run;
  return {
    experiment: run.experiment,
    run: run.run,
    partition: run.partition,
    seed: run.seed,
    start: { time: `${run.start.sec}-${String(run.start.nsec).padStart(9, '0')}`, pulseId: run.start.pulseId },
    groups: Object.fromEntries([...run.groups].map(([group, rate]) => [group, plainRate(rate)])),
    bypass: run.bypass,
    events: run.events,
    steps: {
      count: steps.count,
      ...(steps.docstring === '' ? {} : { docstring: steps.docstring }),
      ...(steps.motors.size === 0 ? {} : { motors: Object.fromEntries(steps.motors) }),
    },
    slowUpdates: run.slowUpdates ? plainRate(run.slowUpdates) : 'off',
    keepRaw: run.keepRaw ? plainRate(run.keepRaw) : 'off',
    chunkSteps: run.chunkSteps,
    streams: run.streams,
    eventBuilt: run.eventBuilt,
    ...(run.damage.length === 0 ? {} : { damage: run.damage.map((rule) => plainDamage(rule, true)) }),
    ...(run.epics.length === 0
      ? {}
      : { epics: Object.fromEntries(run.epics.map(({ pv, field }) => [field.name, { pv, ...printField(field) }])) }),
    detectors: run.detectors.map(plainDetector),
  };
}

function plainRate({ interval, offset }: Rate): Record<string, unknown> {
  const label = markerLabel(interval);
  return { ...(label === undefined ? { interval } : { rate: label }), offset };
}

function plainDamage({ kinds, probability, at }: DamageRule, whole: boolean): Record<string, unknown> {
  return { kind: [...kinds], probability, ...(whole ? {} : { at }) };
}

function plainDetector(detector: DetectorDescription): Record<string, unknown> {
  const { name, kind, type, id, group, segments, stream, drop, damage, settings, plan } = detector;
  return {
    name,
    kind,
    type,
    id,
    group,
    segments,
    ...(stream === undefined ? {} : { stream }),
    drop,
    ...(damage.length === 0 ? {} : { damage: damage.map((rule) => plainDamage(rule, false)) }),
    ...plan.params,
    ...(settings.length === 0
      ? {}
      : { config: Object.fromEntries(settings.map((setting) => [setting.name, printField(setting)])) }),
  };
}
