/** Records for people: what is missing and what failed first, then the outputs, scalars in one column (pure). */

import type { ChalkInstance } from 'chalk';
import type { HeartbeatRecord } from '../run/global-side.ts';
import { numbersOf } from '../snapshot/parts.ts';
import { describeValue, isArray, isList, type NumericArray, type Value } from '../value.ts';

/** Elements and pairs that are shown as they are. */
const SHOWN = 8;
/** Scalars stay in one column from record to record as long as they are not wider. */
const SCALAR_WIDTH = 10;
/** A text of a user's code may be as long as it likes. */
const TEXT_WIDTH = 80;

/** One line about the heartbeat, one per output. */
export function recordText(record: HeartbeatRecord, colour: ChalkInstance): string[] {
  const outputs = [...record.outputs];
  const widest = outputs.reduce((width, [name]) => Math.max(width, name.length), 0);
  return [
    recordHead(record, colour),
    ...outputs.map(([name, value]) => {
      const text = valueText(value);
      return `  ${name.padEnd(widest)}  ${typeof value === 'number' ? text.padStart(SCALAR_WIDTH) : text}`;
    }),
  ];
}

/** The line about the heartbeat. */
export function recordHead(
  { heartbeat, dealt, included, late, missing, closed, errors }: HeartbeatRecord,
  colour: ChalkInstance,
): string {
  const notes = [
    ...(missing.length > 0 ? [colour.yellow(`missing workers ${missing.join(' ')} (${closed})`)] : []),
    ...[...errors].map(([node, count]) => colour.red(`node ${node} failed ${times(count)}`)),
  ];
  const counted = `${included} of ${dealt} events${late > 0 ? `, ${late} late` : ''}`;
  return [colour.bold(`heartbeat ${heartbeat}: `) + counted, ...notes].join('; ');
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** A value on one line; large ones by type, least, mean and largest number. */
export function valueText(value: Value | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return shortened(JSON.stringify(value));
  if (typeof value === 'boolean') return String(value);
  if (isArray(value)) return arrayText(value.data, describeValue(value));
  if (isList(value)) {
    if (value.length <= SHOWN) return `[${value.map(valueText).join(' ')}]`;
    const array = numbersOf(value);
    return array ? arrayText(array.data, `${array.dtype}[${array.shape.join(',')}]`) : describeValue(value);
  }
  const pairs = [...value].slice(0, SHOWN).map(([key, item]) => `${key}: ${valueText(item)}`);
  return value.size > SHOWN ? `${value.size} keys  ${pairs.join('  ')}  ...` : pairs.join('  ');
}

function arrayText(data: NumericArray, type: string): string {
  if (data.length <= SHOWN) return `[${Array.from(data, numberText).join(' ')}]`;
  const { low, high, mean, odd } = summary(data);
  const range = low > high ? '' : `  min ${numberText(low)}  mean ${numberText(mean)}  max ${numberText(high)}`;
  return `${type}${range}${odd > 0 ? `  nan ${odd}` : ''}`;
}

/** Of the finite numbers; `odd`: how many are none. Without any `low` is larger than `high`. */
export function summary(data: NumericArray): { low: number; high: number; mean: number; odd: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let odd = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) {
      odd++;
      continue;
    }
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
  }
  return { low, high, mean: sum / (data.length - odd), odd };
}

/** Six digits. */
export function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(6)));
}

function shortened(text: string): string {
  return text.length > TEXT_WIDTH ? `${text.slice(0, TEXT_WIDTH - 3)}...` : text;
}
