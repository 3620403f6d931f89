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
  const [first, ...others] = problems.list;
  if (!first) return run;
  const more = others.slice(0, SHOWN - 1).map((problem) => `${formatPlace(locate(problem))}: ${problem.message}`);
  if (others.length >= SHOWN) more.push(`... and ${others.length - SHOWN + 1} more`);
  throw new DataError('bad-description', [first.message, ...more].join('\n'), { place: locate(first) });
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
