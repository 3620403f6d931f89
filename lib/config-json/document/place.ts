/**
 * From field names to keys: objects and lists whose walk (spec json2xtc.md, section 4) gives the same names in the same order. Names do not
 * tell whether `a.b` was one key or two, or whether `x_0` was a key or the first item of a list; the order of the fields excludes
 * some readings, and among the rest the deepest one is taken.
 */

import { isSpecialKey } from '../header.ts';
import { ENUMS } from '../types.ts';

/** A field to be placed. */
export interface Placed {
  /** Without the enum part. */
  readonly name: string;
  /** JSON text of its type. */
  readonly type: string;
  /** Its value is a list: as an item of a list it stays a field of its own. */
  readonly list: boolean;
}

export type Place =
  | { readonly kind: 'leaf'; readonly field: number }
  | { readonly kind: 'object'; readonly entries: (readonly [key: string, place: Place])[] }
  | { readonly kind: 'list'; readonly items: Place[] };

export type ObjectPlace = Extract<Place, { kind: 'object' }>;

/** Types by key, or the JSON text of one type. */
export type TypeTree = string | Map<string, TypeTree>;

export interface Placement {
  root: ObjectPlace;
  types: Map<string, TypeTree>;
  /** Fields that cannot be placed beside the others: a second field without a name. */
  left: number[];
  /** The order of the fields could not be kept. */
  reordered: boolean;
}

export interface PlaceOptions {
  /** Turn `x_0, x_1, ...` into lists; without it they become lists only if the order of a block needs some (`x_2` before `x_10`). */
  lists: boolean;
}

/**
 * Objects with the empty key keep an unsorted order, but nobody wants to read many of them inside each other. Blocks that are less
 * sorted than this did not come from a document.
 */
const MAX_RUNS = 16;

/** Finds keys for all fields. */
export function placeFields(fields: readonly Placed[], options: PlaceOptions): Placement {
  const order = fields.map((_, index) => index);
  let runs = ascendingRuns(fields, order, options);
  if (runs.length > 1 && !options.lists) {
    const withLists = ascendingRuns(fields, order, { lists: true });
    if (withLists.length < runs.length) runs = withLists;
  }
  if (runs.length <= MAX_RUNS) return nest(runs, fields, false);
  order.sort((a, b) => compareBytes(fields[a]!.name, fields[b]!.name) || a - b);
  // What needs more than one object now has the name of another field.
  const sorted = ascendingRuns(fields, order, options);
  const placement = nest(sorted.slice(0, MAX_RUNS), fields, true);
  for (const run of sorted.slice(MAX_RUNS)) placement.left.push(...fieldsIn(run));
  return placement;
}

function fieldsIn(place: Place): number[] {
  if (place.kind === 'leaf') return [place.field];
  const below = place.kind === 'list' ? place.items : place.entries.map(([, child]) => child);
  return below.flatMap(fieldsIn);
}

/** Objects that each have their keys in order; all fields of one come before all fields of the next. */
function ascendingRuns(fields: readonly Placed[], order: readonly number[], options: PlaceOptions): ObjectPlace[] {
  const placer = new Placer(fields, order, options);
  const runs: ObjectPlace[] = [];
  while (!placer.done) runs.push(placer.object(''));
  return runs;
}

/** Each run moves into the next one under the empty key, which sorts first and adds nothing to names. */
function nest(runs: readonly ObjectPlace[], fields: readonly Placed[], reordered: boolean): Placement {
  const left: number[] = [];
  let root: ObjectPlace = { kind: 'object', entries: [] };
  runs.forEach((run, index) => {
    let { entries } = run;
    if (index > 0) {
      const first = entries[0]![1];
      if (entries[0]![0] === '') {
        // The empty key is needed for the runs before; two fields without a name cannot be told apart.
        if (first.kind === 'leaf') left.push(first.field);
        entries = entries.slice(1);
      }
      entries = [['', root], ...entries];
    }
    root = { kind: 'object', entries };
  });
  if (root.entries.some(([key]) => isSpecialKey(key) || key === ENUMS))
    root = { kind: 'object', entries: [['', root]] };
  return { root, types: typesOf(root, fields) as Map<string, TypeTree>, left, reordered };
}

class Placer {
  private readonly names: readonly string[];
  private readonly fields: readonly Placed[];
  private readonly order: readonly number[];
  private readonly lists: boolean;
  /** Lists that were tried and are none: without this, names like `a_0.a_0.a_0` would be read 2^depth times. */
  private readonly refused = new Set<string>();
  private at = 0;

  constructor(fields: readonly Placed[], order: readonly number[], options: PlaceOptions) {
    this.fields = fields;
    this.order = order;
    this.names = order.map((index) => fields[index]!.name);
    this.lists = options.lists;
  }

  get done(): boolean {
    return this.at >= this.names.length;
  }

  /** The object whose fields start with `base`: as many fields as can be placed with ascending keys. */
  object(base: string): ObjectPlace {
    const prefix = base === '' ? '' : `${base}.`;
    const entries: [string, Place][] = [];
    while (!this.done && this.names[this.at]!.startsWith(prefix)) {
      const entry = this.entry(prefix, entries.at(-1)?.[0]);
      if (entry === undefined) break;
      entries.push(entry);
    }
    return { kind: 'object', entries };
  }

  /** The next key of an object, greater than `last`, as deep a reading as possible. */
  private entry(prefix: string, last: string | undefined): [string, Place] | undefined {
    const rest = this.names[this.at]!.slice(prefix.length);
    const allowed = (key: string) =>
      (last === undefined || compareBytes(key, last) > 0) && (key !== '' || prefix !== '');
    for (let dot = nextDot(rest, 0); ; dot = nextDot(rest, dot + 1)) {
      const segment = rest.slice(0, dot);
      const list = this.lists ? this.listEntry(prefix, segment, allowed) : undefined;
      if (list) return list;
      if (dot === rest.length) break;
      if (allowed(segment)) return [segment, this.object(prefix + segment)];
    }
    if (!allowed(rest) && !(rest === '' && last === undefined)) return undefined;
    return [rest, this.leaf()];
  }

  private listEntry(prefix: string, segment: string, allowed: (key: string) => boolean): [string, Place] | undefined {
    for (let zero = segment.indexOf('_0'); zero >= 0; zero = segment.indexOf('_0', zero + 1)) {
      const key = segment.slice(0, zero);
      const behind = segment[zero + 2];
      if ((behind !== undefined && behind !== '_') || key === '' || !allowed(key)) continue;
      const start = this.at;
      const list = this.list(prefix + key);
      if (list) return [key, list];
      this.at = start;
    }
    return undefined;
  }

  /** The list whose items are called `base_0`, `base_1` and so on; undefined if there is none that could have been one. */
  private list(base: string): Place | undefined {
    const trial = `${this.at}/${base.length}`;
    if (this.refused.has(trial)) return undefined;
    const items: Place[] = [];
    for (let item = this.item(`${base}_0`); item !== undefined; item = this.item(`${base}_${items.length}`)) {
      items.push(item);
    }
    const nested = items.some((item) => item.kind !== 'leaf' || this.fields[item.field]!.list);
    const list: Place = { kind: 'list', items };
    if (items.length >= 2 && nested && typesOf(list, this.fields) !== undefined) return list;
    this.refused.add(trial);
    return undefined;
  }

  private item(name: string): Place | undefined {
    const next = this.names[this.at];
    if (next === undefined) return undefined;
    if (next === name) return this.leaf();
    if (next.startsWith(`${name}.`)) return this.object(name);
    if (!next.startsWith(`${name}_0`)) return undefined;
    const start = this.at;
    const list = this.list(name);
    if (list === undefined) this.at = start;
    return list;
  }

  private leaf(): Place {
    return { kind: 'leaf', field: this.order[this.at++]! };
  }
}

function nextDot(text: string, from: number): number {
  const dot = text.indexOf('.', from);
  return dot < 0 ? text.length : dot;
}

/** The types of everything in a place; undefined if the items of a list do not agree. */
function typesOf(place: Place, fields: readonly Placed[]): TypeTree | undefined {
  if (place.kind === 'leaf') return fields[place.field]!.type;
  if (place.kind === 'list') {
    return place.items.map((item) => typesOf(item, fields)).reduce((all, types) => merge(all, types));
  }
  const tree = new Map<string, TypeTree>();
  for (const [key, child] of place.entries) {
    const types = typesOf(child, fields);
    if (types === undefined) return undefined;
    tree.set(key, types);
  }
  return tree;
}

function merge(a: TypeTree | undefined, b: TypeTree | undefined): TypeTree | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (typeof a === 'string' || typeof b === 'string') return a === b ? a : undefined;
  const merged = new Map(a);
  for (const [key, types] of b) {
    const before = merged.get(key);
    const both = before === undefined ? types : merge(before, types);
    if (both === undefined) return undefined;
    merged.set(key, both);
  }
  return merged;
}

/** Order of texts by their UTF-8 bytes. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
