import type { Ticks } from '../machine.ts';
import type { Beam, Pattern } from '../partition.ts';
import { besideFile, type InputText } from './document.ts';
import type { Field } from './field.ts';
import { readDestTable } from './pattern-table.ts';
import { readDestination } from './select.ts';

const RUN_KEYS = ['period', 'start', 'step', 'count'];
const LONGEST_PERIOD = 0x7fffffff;

/** A PATTERN of spec timing 12: an object or a list of them. */
export function readPatterns(field: Field, machinePeriod: Ticks): Pattern[] {
  return Array.isArray(field.value)
    ? field.items().map((item) => readPattern(item, machinePeriod))
    : [readPattern(field, machinePeriod)];
}

/** One pattern; `extra` names further keys the object may have. */
function readPattern(field: Field, machinePeriod: Ticks, extra: readonly string[] = []): Pattern {
  field.members([...RUN_KEYS, 'at', ...extra]);
  const period = field.at('period').present ? field.at('period').integer(1, LONGEST_PERIOD) : machinePeriod;
  if (field.at('at').present) {
    for (const key of ['start', 'step', 'count'])
      if (field.at(key).present) field.at(key).fail('`at` stands for itself');
    return {
      period,
      at: field
        .at('at')
        .items()
        .map((item) => item.integer(0, period - 1)),
    };
  }
  const start = field.at('start').present ? field.at('start').integer(0, period - 1) : 0;
  const step = field.at('step').present ? field.at('step').integer(1, LONGEST_PERIOD) : 1;
  const count = field.at('count').present ? field.at('count').integer(1, period) : 1;
  if (start + (count - 1) * step >= period)
    field.fail(`the run reaches ${start + (count - 1) * step}, beyond its period ${period}`);
  return { period, start, step, count };
}

/** A BEAM of spec timing 12. */
export async function readBeam(field: Field, machinePeriod: Ticks, input: InputText): Promise<Beam> {
  if (field.value === 'unknown') return { kind: 'unknown' };
  if (field.value === 'none') return { kind: 'none' };
  const forms = field
    .members(['always', 'runs', 'file', 'key'])
    .map(([key]) => key)
    .filter((key) => key !== 'key');
  if (forms.length !== 1) field.fail('expected exactly one of always, runs, file');
  if (field.at('always').present) return { kind: 'always', destination: readDestination(field.at('always')) };
  if (field.at('runs').present) {
    const runs = field
      .at('runs')
      .items()
      .map((item) => ({
        pattern: readPattern(item, machinePeriod, ['dest']),
        destination: readDestination(item.at('dest')),
      }));
    return { kind: 'runs', runs };
  }
  const file = besideFile(input.file, field.at('file').text());
  const key = field.at('key').present ? field.at('key').text() : undefined;
  return readDestTable({ text: await input.readText(file), file, readText: input.readText }, key, machinePeriod);
}
