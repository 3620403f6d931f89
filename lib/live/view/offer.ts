/** What a Configure, or a record of a graph, has to show; and what is sensible to look at first. Pure. */

import { isArray, isList, type Value } from '../../json/value.ts';
import { CODE, fieldTypeName } from '../../xtc/layout.ts';
import type { Field, NamesBlock } from '../../xtc/names.ts';
import { isText } from '../../xtc/value.ts';
import type { OfferedField, PlotKind } from './messages.ts';

const SCALAR: readonly PlotKind[] = ['trend', 'histogram', 'text'];
const VECTOR: readonly PlotKind[] = ['waveform'];
const MATRIX: readonly PlotKind[] = ['image', 'waveform'];
const TEXT: readonly PlotKind[] = ['text'];

/** How many plots of each kind are shown to who asks for none. */
const USUAL: Readonly<Partial<Record<PlotKind, number>>> = { trend: 3, waveform: 2, image: 2 };
/** What says where and when, and is nobody's measurement. */
const HOUSEKEEPING = /^(?:runinfo|chunkinfo|smdinfo|epicsinfo|timing|scan|step)$/;

export interface OfferedHere extends OfferedField {
  /** Worth a plot that nobody asked for. */
  readonly sensible: boolean;
}

/** All fields that the descriptions know. */
export function offeredBy(descriptions: Iterable<NamesBlock>): OfferedHere[] {
  return [...descriptions].flatMap((names) =>
    names.fields.slice(0, names.usable).map((field) => ({
      name: `${names.detName}_${names.segment}:${names.alg}:${field.name}`,
      type: `${fieldTypeName(field.type)}${field.rank > 0 ? `[${field.rank}]` : ''}`,
      kinds: kindsOf(field),
      sensible: names.alg !== 'config' && !HOUSEKEEPING.test(names.detName) && field.type !== CODE.ENUMDICT,
    })),
  );
}

function kindsOf(field: Field): readonly PlotKind[] {
  if (isText(field)) return TEXT;
  return field.rank === 0 ? SCALAR : field.rank === 1 ? VECTOR : MATRIX;
}

/** Outputs of a graph. */
export function offeredByOutputs(outputs: ReadonlyMap<string, Value>): OfferedHere[] {
  return [...outputs].map(([name, value]) => ({ name, ...describe(value), sensible: true }));
}

function describe(value: Value): Pick<OfferedField, 'type' | 'kinds'> {
  if (typeof value === 'number' || typeof value === 'boolean') return { type: 'number', kinds: SCALAR };
  if (typeof value === 'string') return { type: 'text', kinds: TEXT };
  if (isArray(value)) return { type: `array[${value.shape.length}]`, kinds: value.shape.length > 1 ? MATRIX : VECTOR };
  return { type: isList(value) ? 'list' : 'map', kinds: VECTOR };
}

/** A few of each kind. */
export function usualPlots(fields: readonly OfferedHere[]): string[] {
  return Object.entries(USUAL).flatMap(([kind, most]) =>
    fields
      .filter(({ kinds, sensible }) => sensible && kinds[0] === kind)
      .slice(0, most)
      .map(({ name }) => name),
  );
}
