/** Description of a run: plain values in, a checked RunDescription out. */

import { EPICS_EPOCH } from '../xtc/time.ts';
import { contains, intervalOf, MARKERS, PERIOD, type Rate } from './clock.ts';
import type { ReadContext } from './content.ts';
import type { EpicsVariable, RunDescription } from './description.ts';
import { readFields } from './fields.ts';
import { readDamage, readDetector } from './read-detector.ts';
import { BYPASS } from './schedule.ts';
import { type Path, type Problems, Section, show } from './section.ts';

/** Default of `start.time`: 2026-01-01 00:00:00 UTC, so that output never depends on the day. */
const START = 1_767_225_600 - EPICS_EPOCH;
const START_PULSE = 16_000_000 * PERIOD;
const MAX_PULSE = 2 ** 53 / 2;
const MAX_GROUP = 7;
export const EXPERIMENT = { pattern: /^[0-9A-Za-z_]{1,100}$/, what: 'an experiment name of 0-9 A-Z a-z _' };

/**
 * Reads a description; every problem is added to `problems`, and the result can be used only if there are none.
 * @param value a mapping, from YAML or made in a program
 */
export function readRun(value: unknown, problems: Problems): RunDescription {
  const section = new Section(value ?? {}, [], problems, 'a run description');
  const partition = section.integer('partition', 0, 0, MAX_GROUP);
  const steps = readSteps(section);
  const context: ReadContext = { motors: steps.motors };
  const groups = readGroups(section, partition);
  const bypass = section.choice('bypass', BYPASS, 'refuse');
  if (bypass === 'refuse') checkOverlap(section, groups, partition);
  const detectors = section
    .list('detectors')
    .map(({ value, path }) => readDetector(value, path, problems, { context, partition, groups }));
  if (detectors.length === 0) section.problem('detectors', 'a run needs at least one detector');
  const names = new Set<string>();
  detectors.forEach(({ name }, index) => {
    if (names.has(name))
      problems.add(['detectors', index, 'name'], `there is another detector "${name}"; use segments`);
    names.add(name);
  });
  const run: RunDescription = {
    experiment: section.text('experiment', 'tst000126', EXPERIMENT),
    run: section.integer('run', 1, 0, 0xffffffff),
    partition,
    seed: section.integer('seed', 1),
    start: readStart(section),
    groups,
    bypass,
    events: section.integer('events', 200),
    steps,
    slowUpdates: readRateOrOff(section, 'slowUpdates', { interval: PERIOD, offset: PERIOD - 1 }),
    keepRaw: readRateOrOff(section, 'keepRaw', undefined),
    chunkSteps: section.integer('chunkSteps', 0),
    streams: section.integer('streams', 0, 0, 4096),
    eventBuilt: section.flag('eventBuilt', false),
    damage: readDamage(section, true),
    epics: readEpics(section, context),
    detectors,
  };
  section.end();
  return run;
}

function readStart(run: Section): RunDescription['start'] {
  const section = run.section('start', 'a start of the run');
  if (!section) return { pulseId: START_PULSE, sec: START, nsec: 0 };
  const pulseId = section.integer('pulseId', START_PULSE, 0, MAX_PULSE);
  const time = readTime(section);
  section.end();
  return { pulseId, ...time };
}

/** `now`, a date and time in UTC, or `SECONDS-NANOSECONDS` as the DAQ prints times (EPICS epoch). */
function readTime(section: Section): { sec: number; nsec: number } {
  const value = section.raw('time');
  if (value === undefined) return { sec: START, nsec: 0 };
  const text = value instanceof Date ? value.toISOString() : String(value);
  const words = /^(\d{1,10})-(\d{1,9})$/.exec(text);
  if (words && Number(words[1]) <= 0xffffffff) return { sec: Number(words[1]), nsec: Number(words[2]) };
  const unixMs = text === 'now' ? Date.now() : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(withZone(text)) : Number.NaN;
  const sec = Math.floor(unixMs / 1000) - EPICS_EPOCH;
  if (sec >= 0 && sec <= 0xffffffff) return { sec, nsec: (unixMs % 1000) * 1_000_000 };
  section.problem(
    'time',
    `must be now, a UTC time such as 2026-01-01T00:00:00Z, or SECONDS-NANOSECONDS, not ${show(value)}`,
  );
  return { sec: START, nsec: 0 };
}

function withZone(text: string): string {
  return /(Z|[+-]\d\d:?\d\d)$/i.test(text) || text.length <= 10 ? text : `${text.replace(' ', 'T')}Z`;
}

function readSteps(run: Section): RunDescription['steps'] {
  if (!run.has('steps')) return { count: 1, motors: new Map(), docstring: '' };
  if (typeof run.raw('steps') === 'number') {
    return { count: run.integer('steps', 1, 1, 1_000_000), motors: new Map(), docstring: '' };
  }
  const section = run.section('steps', 'a number of steps, or steps')!;
  const count = section.integer('count', 1, 1, 1_000_000);
  const docstring = section.text('docstring', '');
  const motors = new Map<string, readonly number[]>();
  const inner = section.section('motors', 'motors by name');
  for (const name of inner?.keys() ?? []) {
    if (!/^[0-9A-Za-z_.:]{1,250}$/.test(name)) inner!.problem(name, 'must be a motor name of 0-9 A-Z a-z _ . :');
    else if (name === 'step_value' || name === 'step_docstring')
      inner!.problem(name, 'is written for every step anyway');
    else motors.set(name, readPositions(inner!, name, count));
  }
  section.end();
  return { count, motors, docstring };
}

/** A list with a position for each step, or `{from, to}` for even spacing. */
function readPositions(motors: Section, name: string, count: number): number[] {
  if (Array.isArray(motors.raw(name))) {
    const list = motors.numbers(name, []);
    if (list.length !== count) motors.problem(name, `has ${list.length} positions; there are ${count} steps`);
    return list;
  }
  const section = motors.section(name, 'a list of positions, or {from, to}');
  const from = section?.number('from', 0) ?? 0;
  const to = section?.number('to', 1) ?? 1;
  section?.end();
  return Array.from({ length: count }, (_, step) => (count === 1 ? from : from + ((to - from) * step) / (count - 1)));
}

function readGroups(run: Section, partition: number): ReadonlyMap<number, Rate> {
  const groups = new Map<number, Rate>();
  const section = run.section('groups', 'readout groups by number');
  if (!section) return new Map([[partition, { interval: 9100, offset: 0 }]]);
  for (const key of section.keys()) {
    const group = Number(key);
    section.has(key);
    if (!/^[0-7]$/.test(key))
      section.problems.add(section.at(key), `readout groups are 0 to ${MAX_GROUP}, not ${key}`, true);
    else groups.set(group, readRate(section, key, { interval: 9100, offset: 0 }));
  }
  section.end();
  if (!groups.has(partition)) {
    run.problem('groups', `group ${partition}, the common group of partition ${partition}, needs a rate`);
    groups.set(partition, { interval: 9100, offset: 0 });
  }
  return groups;
}

/** The rule of overlap (spec timing.md, section 10). */
function checkOverlap(run: Section, groups: ReadonlyMap<number, Rate>, partition: number): void {
  const common = groups.get(partition)!;
  for (const [group, rate] of groups) {
    if (contains(common, rate)) continue;
    const where: Path = run.has('groups') ? ['groups', String(group)] : [];
    run.problems.add(
      where,
      `group ${group} fires on pulses without the common group ${partition}: change a rate, or say bypass: drop or bypass: keep`,
    );
  }
}

function readRateOrOff(run: Section, key: string, fallback: Rate | undefined): Rate | undefined {
  if (!run.has(key)) return fallback;
  const value = run.raw(key);
  if (value === 'off' || value === false) return undefined;
  return readRate(run, key, fallback ?? { interval: PERIOD, offset: 0 }, fallback !== undefined);
}

/**
 * A marker or frequency (`102Hz`), or `{rate | interval, offset}`.
 * @param atEnd the offset is one tick before the marker unless given
 */
export function readRate(parent: Section, key: string, fallback: Rate, atEnd = false): Rate {
  const value = parent.raw(key);
  const withOffset = (interval: number): Rate => ({ interval, offset: atEnd ? interval - 1 : 0 });
  if (typeof value === 'string') return withOffset(readFrequency(parent, key) ?? fallback.interval);
  if (typeof value === 'number') {
    parent.problem(key, `say ${value}Hz, or {interval: N} for every N pulses`);
    return fallback;
  }
  const section = parent.section(key, 'a rate such as 102Hz, or {interval, offset}');
  if (!section) {
    parent.problem(key, `must be ${rateText()}, not ${show(value)}`);
    return fallback;
  }
  const named = section.has('rate') ? readFrequency(section, 'rate') : undefined;
  const interval = section.integer('interval', named ?? fallback.interval, 1);
  if (section.has('rate') && section.has('interval'))
    section.problem('interval', 'give a rate or an interval, not both');
  const rate = { ...withOffset(interval), ...(section.has('offset') ? { offset: section.integer('offset', 0) } : {}) };
  if (rate.offset >= rate.interval) section.problem('offset', `must be less than the interval ${rate.interval}`);
  section.end();
  return rate;
}

function readFrequency(section: Section, key: string): number | undefined {
  const value = section.raw(key);
  const interval = typeof value === 'string' ? intervalOf(value) : undefined;
  if (interval === undefined) section.problem(key, `must be ${rateText()}, not ${show(value)}`);
  return interval;
}

function rateText(): string {
  return `one of ${MARKERS.map(([, label]) => label).join(', ')}, any other frequency up to 929kHz, or {interval: N}`;
}

function readEpics(run: Section, context: ReadContext): EpicsVariable[] {
  const section = run.section('epics', 'EPICS variables by name');
  if (!section) return [];
  const pvs = new Map<string, string>();
  const fields: Record<string, unknown> = {};
  for (const name of section.keys()) {
    const value = section.raw(name);
    if (typeof value === 'object' && value !== null && 'pv' in value) {
      const { pv, ...rest } = value as Record<string, unknown>;
      if (typeof pv !== 'string' || pv === '' || /[,\0]/.test(pv))
        section.problem(name, 'pv must be a text without commas');
      pvs.set(name, String(pv));
      fields[name] = Object.keys(rest).length === 0 ? { value: 0 } : rest;
    } else {
      fields[name] = value;
    }
  }
  return readFields(new Section(fields, section.path, run.problems), context).map((field) => ({
    pv: pvs.get(field.name) ?? field.name,
    field,
  }));
}
