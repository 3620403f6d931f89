import { asInt, PyError, PyForeign, PyFunction, type PyValue, typeName } from '../../python/subset/value.ts';
import { type Machine, mainsNamed, markerNamed } from '../machine.ts';
import type { Warning } from '../partition.ts';
import { type Condition, LONGEST_SYNC, type ScriptInstruction } from '../sequence/macro.ts';

type Arguments = (name: string) => PyValue;

/** The constructors a script may call (spec timing 9). Marker numbers are noted in `warnings`. */
export function instructionConstructors(machine: Machine, warnings: Warning[]): ReadonlyMap<string, PyFunction> {
  const marker = (value: PyValue): number => markerIndex(value, machine, warnings);
  const rate = (value: PyValue): number => mainsIndex(value, machine, warnings);
  const make = (
    name: string,
    parameters: readonly string[],
    build: (get: Arguments) => ScriptInstruction,
  ): [string, PyFunction] => [
    name,
    new PyFunction(name, (args, named) => new PyForeign('instruction', build(bind(name, parameters, args, named)))),
  ];
  const jumps = (name: string, kind: 'goto' | 'jump'): [string, PyFunction] => {
    const members = new Map([
      make('unconditional', ['line'], (get) => ({ kind, line: line(get('line')), condition: null })),
      make('conditional', ['line', 'counter', 'value'], (get) => ({
        kind,
        line: line(get('line')),
        condition: condition(get),
      })),
    ]);
    const call = (): PyValue => {
      throw new PyError(`use ${name}.unconditional or ${name}.conditional`);
    };
    return [name, new PyFunction(name, call, members)];
  };
  return new Map([
    make('FixedRateSync', ['marker', 'occ'], (get) => ({
      kind: 'sync',
      marker: marker(get('marker')),
      occurrences: occurrences(get, LONGEST_SYNC),
    })),
    make('ACRateSync', ['timeslotm', 'marker', 'occ'], (get) => ({
      kind: 'mainsSync',
      slots: slots(get),
      rate: rate(get('marker')),
      occurrences: occurrences(get, LONGEST_SYNC),
    })),
    make('Wait', ['marker', 'occ'], (get) => ({
      kind: 'wait',
      marker: marker(get('marker')),
      occurrences: occurrences(get),
    })),
    make('WaitA', ['timeslotm', 'marker', 'occ'], (get) => ({
      kind: 'mainsWait',
      slots: slots(get),
      rate: rate(get('marker')),
      occurrences: occurrences(get),
    })),
    make('ControlRequest', ['word'], (get) => ({ kind: 'request', word: requestWord(get('word')) })),
    make('BeamRequest', ['charge'], (get) => ({ kind: 'request', word: ranged(get('charge'), 'charge', 0xffff) })),
    make('CheckPoint', [], () => ({ kind: 'checkpoint' })),
    make('Call', ['line'], (get) => ({ kind: 'call', line: line(get('line')) })),
    make('Return', [], () => ({ kind: 'return' })),
    make('Upper', ['line'], (get) => ({ kind: 'upper', line: line(get('line')) })),
    jumps('Branch', 'goto'),
    jumps('Jump', 'jump'),
  ]);
}

/** Positional and named arguments by parameter name. */
function bind(
  name: string,
  parameters: readonly string[],
  args: readonly PyValue[],
  named: ReadonlyMap<string, PyValue>,
): Arguments {
  if (args.length > parameters.length) throw new PyError(`${name} takes ${parameters.length} arguments`);
  const values = new Map(args.map((value, i) => [parameters[i] as string, value]));
  for (const [key, value] of named) {
    if (!parameters.includes(key)) throw new PyError(`${name} has no argument ${key} (${parameters.join(', ')})`);
    if (values.has(key)) throw new PyError(`${name} got ${key} twice`);
    values.set(key, value);
  }
  return (parameter) => {
    const value = values.get(parameter);
    if (value === undefined) throw new PyError(`${name} needs ${parameter}`);
    return value;
  };
}

function ranged(value: PyValue, what: string, max: number): number {
  const number = asInt(value, what);
  if (number < 0 || number > max) throw new PyError(`${what} ${number} is outside 0..${max}`);
  return number;
}

const LARGEST_LINE = 0x7fff;
const line = (value: PyValue): number => ranged(value, 'line', LARGEST_LINE);
const slots = (get: Arguments): number => ranged(get('timeslotm'), 'timeslotm', 63);
const occurrences = (get: Arguments, max = Number.MAX_SAFE_INTEGER): number => ranged(get('occ'), 'occ', max);
const condition = (get: Arguments): Condition => ({
  counter: ranged(get('counter'), 'counter', 3),
  value: ranged(get('value'), 'value', 0xfff),
});

/** A word, or a list of its bits. */
function requestWord(value: PyValue): number {
  if (!Array.isArray(value)) return ranged(value, 'word', 0xffff);
  return value.reduce<number>((word, bit) => word | (1 << ranged(bit, 'bit', 15)), 0);
}

/** By name, by number (noted), or None for every tick. */
function markerIndex(value: PyValue, machine: Machine, warnings: Warning[]): number {
  if (value === null) {
    const fastest = machine.markers.find((m) => m.interval === 1);
    if (!fastest) throw new PyError('this machine has no marker for every tick');
    return fastest.index;
  }
  if (typeof value === 'string') {
    const found = markerNamed(machine, value);
    if (!found) throw new PyError(`${JSON.stringify(value)} is no marker of machine ${machine.name}`);
    return found.index;
  }
  const index = ranged(value, 'marker', 15);
  warnings.push(numeric(`marker ${index}`, machine.markers[index]?.name ?? 'undefined'));
  return index;
}

function mainsIndex(value: PyValue, machine: Machine, warnings: Warning[]): number {
  if (typeof value === 'string') {
    const found = mainsNamed(machine, value);
    if (!found) throw new PyError(`${JSON.stringify(value)} is no mains rate`);
    return found.index;
  }
  if (value === null) throw new PyError(`a mains rate must be a name, not ${typeName(value)}`);
  const index = ranged(value, 'marker', machine.mains.length - 1);
  warnings.push(numeric(`mains rate ${index}`, machine.mains[index]?.name ?? 'undefined'));
  return index;
}

function numeric(what: string, now: string): Warning {
  const text = `The script gives ${what} by number; it means ${now} now, and meant something else before 2022-12.`;
  return { code: 'numeric-marker', group: null, text };
}
