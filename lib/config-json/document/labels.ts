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
  const labels: Labels = { enums: new Map(), lost: [], reordered: false };
  const used = new Set<string>();
  for (const field of fields) {
    if (field.type === CODE.ENUMVAL) for (const { behind } of splits(field.name)) used.add(behind);
    if (field.type === CODE.ENUMDICT && field.rank > 0)
      labels.lost.push([field, 'labels have one value, not an array']);
  }
  let last: Split | undefined;
  labelFields.forEach((field, index) => {
    if (field.index >= block.count) return;
    // A label or an enum name may hold a colon itself; an enum that a value uses is the likelier reading.
    const all = splits(field.name);
    const split = all.find(({ behind }) => used.has(behind)) ?? all[0];
    if (split === undefined) {
      labels.lost.push([field, 'the label has no enum name']);
      return;
    }
    if (!addLabel(labels, split, block.number(field.index))) labels.lost.push([field, 'the label is there twice']);
    labels.reordered ||= field.index !== index || (last !== undefined && compareSplits(last, split) > 0);
    last = split;
  });
  return labels;
}

function addLabel({ enums }: Labels, { before: label, behind: enumName }: Split, value: number): boolean {
  const known = enums.get(enumName) ?? new Map<string, number>();
  enums.set(enumName, known);
  if (known.has(label)) return false;
  known.set(label, value);
  return true;
}

/** Name without the enum part, and the type a document gives to an enum value. */
export function splitEnumValue(name: string, enums: ReadonlyMap<string, unknown>): { name: string; type: string } {
  const all = splits(name);
  // Keys such as `help:RO` hold colons, names of enums that are defined elsewhere hardly ever do.
  const split = all.find(({ behind }) => enums.has(behind)) ?? all.at(-1);
  // A base type's name cannot be an enum's; the explicit type appends nothing.
  if (split === undefined || Object.hasOwn(CODE, split.behind)) return { name, type: 'ENUMVAL' };
  return { name: split.before, type: split.behind };
}

interface Split {
  before: string;
  behind: string;
}

/** All ways to split a name at a colon, from left to right. */
function splits(name: string): Split[] {
  return [...name.matchAll(/:/g)].map(({ index }) => ({ before: name.slice(0, index), behind: name.slice(index + 1) }));
}

function compareSplits(a: Split, b: Split): number {
  return compareBytes(a.behind, b.behind) || compareBytes(a.before, b.before);
}
