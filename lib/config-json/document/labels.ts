/** Enums of a block: the label fields as `:enum:`, and the enum name of a value field (spec json2xtc.md, sections 3 and 4). */

import { CODE } from '../../xtc/layout.ts';
import type { Field } from '../../xtc/names.ts';
import type { ShapesData } from '../../xtc/shapes-data.ts';
import { compareBytes } from './place.ts';

export interface Labels {
  /** Enum name -> label -> value. */
  enums: Map<string, Map<string, number>>;
  /** Label fields that `:enum:` has no room for, with the reason. */
  lost: [field: Field, why: string][];
  /** The labels are not in front of the data, sorted: converting back puts them there. */
  reordered: boolean;
}

/** Reads all label fields of a block. */
export function readLabels(block: ShapesData): Labels {
  const { fields, labelFields } = block.names;
  // A label or an enum name may hold a colon itself; the order of the fields tells which one separates them.
  let labels: Labels | undefined;
  for (const separator of [firstColon, lastColon]) {
    labels = collect(block, labelFields, separator);
    if (!labels.reordered) break;
  }
  for (const field of fields) {
    if (field.type === CODE.ENUMDICT && field.rank > 0)
      labels!.lost.push([field, 'labels have one value, not an array']);
  }
  return labels!;
}

function collect(block: ShapesData, fields: readonly Field[], separator: (name: string) => number): Labels {
  const labels: Labels = { enums: new Map(), lost: [], reordered: false };
  const order: [enumName: string, label: string][] = [];
  fields.forEach((field, index) => {
    const colon = separator(field.name);
    if (field.index >= block.count) return;
    if (colon < 0) {
      labels.lost.push([field, 'the label has no enum name']);
      return;
    }
    const [label, enumName] = [field.name.slice(0, colon), field.name.slice(colon + 1)];
    const known = labels.enums.get(enumName) ?? new Map<string, number>();
    labels.enums.set(enumName, known);
    if (known.has(label)) labels.lost.push([field, 'the label is there twice']);
    else known.set(label, block.number(field.index));
    labels.reordered ||= field.index !== index;
    order.push([enumName, label]);
  });
  for (let i = 1; i < order.length; i++) {
    const enums = compareBytes(order[i - 1]![0], order[i]![0]);
    labels.reordered ||= enums > 0 || (enums === 0 && compareBytes(order[i - 1]![1], order[i]![1]) > 0);
  }
  return labels;
}

/** Name without the enum part, and the type a document gives to an enum value. */
export function splitEnumValue(name: string, enums: ReadonlyMap<string, unknown>): { name: string; type: string } {
  const colons = [...name.matchAll(/:/g)].map((match) => match.index);
  const known = colons.find((colon) => enums.has(name.slice(colon + 1)));
  const colon = known ?? colons[0];
  const type = colon === undefined ? undefined : name.slice(colon + 1);
  // A base type's name cannot be an enum's; the explicit type appends nothing.
  if (type === undefined || Object.hasOwn(CODE, type)) return { name, type: 'ENUMVAL' };
  return { name: name.slice(0, colon), type };
}

function firstColon(name: string): number {
  return name.indexOf(':');
}

function lastColon(name: string): number {
  return name.lastIndexOf(':');
}
