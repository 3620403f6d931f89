import { DaqError } from '../../errors.ts';
import type { PyValue } from '../../python/subset/value.ts';
import { syntaxError, tryJson } from './document.ts';

/** Enum name to its labels by number, as they travel with an object. */
export type Enums = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** One value of a configuration object; `label` is null when no enum says what the number means. */
export interface Setting {
  readonly value: unknown;
  readonly label: string | null;
  /** The whole enum, where there is one. */
  readonly labels: ReadonlyMap<number, string> | null;
}

type Tree = Readonly<Record<string, unknown>>;

/** A configuration object with the enums it carries; a CALIB object lies over its base (spec timing 11.1). */
export class TsTree {
  readonly file: string;
  readonly #root: Tree;
  readonly #types: Tree;
  readonly #enums: Enums;
  readonly #base: TsTree | null;

  constructor(root: Tree, types: Tree, enums: Enums, file: string, base: TsTree | null = null) {
    this.#root = root;
    this.#types = types;
    this.#enums = enums;
    this.file = file;
    this.#base = base;
  }

  over(base: TsTree): TsTree {
    const [mine, its] = [this.version, base.version];
    if (mine !== its) {
      const message = `The object has version ${mine ?? 'none'} but its base ${its ?? 'none'}; they must be the same.`;
      throw new DaqError('timing-input', message, { place: { file: this.file, key: 'alg:RO.version:RO' } });
    }
    return new TsTree(this.#root, this.#types, this.#enums, this.file, base);
  }

  get version(): string | undefined {
    const version = at(this.#root, ['alg:RO', 'version:RO']);
    return Array.isArray(version) ? version.join('.') : undefined;
  }

  /** True for an object that lists only what differs from another. */
  get isPartial(): boolean {
    return this.#root._cfgTypeRef !== undefined;
  }

  get hasEnums(): boolean {
    return this.#enums.size > 0;
  }

  /** Every label of every enum, to recognise a machine. */
  hasLabel(label: string): boolean {
    return (
      [...this.#enums.values()].some((labels) => [...labels.values()].includes(label)) ||
      (this.#base?.hasLabel(label) ?? false)
    );
  }

  /** The value at a dotted path, here or in the base, with the label of the enum that came with it. */
  get(path: string, enumName?: string): Setting | undefined {
    const keys = path.split('.');
    const value = at(this.#root, keys);
    if (value === undefined) return this.#base?.get(path, enumName);
    const type = at(this.#types, keys);
    const labels = this.#enums.get(typeof type === 'string' ? type : '') ?? this.#enums.get(enumName ?? '') ?? null;
    return { value, label: labels?.get(Number(value)) ?? null, labels };
  }

  /** Keys below a path, here or in the base. */
  keys(path: string): string[] {
    const found = path === '' ? this.#root : at(this.#root, path.split('.'));
    const mine = typeof found === 'object' && found !== null ? Object.keys(found) : [];
    return [...new Set([...mine, ...(this.#base?.keys(path) ?? [])])];
  }
}

function at(tree: unknown, keys: readonly string[]): unknown {
  let node = tree;
  for (const key of keys) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = (node as Tree)[key];
  }
  return node;
}

function asTree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

/** A timing object as the database keeps it, a REST reply around one, or a Python printout. Throws `timing-input`. */
export async function parseTsObject(text: string, file: string): Promise<TsTree> {
  const json = tryJson(text);
  const value = json.ok ? json.value : await pythonLiteral(text, file, json.message);
  let root = asTree(value);
  if (typeof root.success === 'boolean' && root.value !== undefined) {
    if (!root.success)
      throw new DaqError('timing-input', 'The reply of the configuration database says it failed.', {
        place: { file },
      });
    root = asTree(root.value);
  }
  const types = asTree(root[':types:']);
  const enums = new Map<string, Map<number, string>>();
  for (const [name, labels] of Object.entries(asTree(types[':enum:']))) {
    enums.set(name, new Map(Object.entries(asTree(labels)).map(([label, number]) => [Number(number), label])));
  }
  return new TsTree(root, types, enums, file);
}

/** A printed Python object: dicts, lists, texts, numbers, True, False, None. */
async function pythonLiteral(text: string, file: string, jsonMessage: string): Promise<unknown> {
  // What has no single-quoted key is rather JSON with a mistake.
  if (!/^\s*\{\s*'/.test(text)) throw syntaxError(file, jsonMessage, text);
  const { evaluateLiteral } = await import('../../python/subset/literal.ts');
  return plain(evaluateLiteral(text, file, 'timing-script'));
}

function plain(value: PyValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
}

/** One field of a recorded Configure: flattened name, type name, value. */
export type ConfigureField = readonly [name: string, type: string, value: unknown];

/** Rebuilds the object from the flattened fields of a Configure (spec timing 11.2). */
export function treeOfFields(fields: readonly ConfigureField[], file: string): TsTree {
  const enums = new Map<string, Map<number, string>>();
  const root: Record<string, unknown> = {};
  const types: Record<string, unknown> = {};
  for (const [name, type, value] of fields) {
    const colon = name.lastIndexOf(':');
    const [path, enumName] = colon < 0 ? [name, ''] : [name.slice(0, colon), name.slice(colon + 1)];
    if (type === 'ENUMDICT') {
      const labels = enums.get(enumName) ?? new Map<number, string>();
      labels.set(Number(value), path);
      enums.set(enumName, labels);
      continue;
    }
    put(root, path.split('.'), value);
    if (enumName !== '') put(types, path.split('.'), enumName);
  }
  return new TsTree(root, types, enums, file);
}

function put(tree: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  let node = tree;
  for (const key of keys.slice(0, -1)) {
    const next = node[key];
    node = (typeof next === 'object' && next !== null ? next : (node[key] = {})) as Record<string, unknown>;
  }
  node[keys[keys.length - 1] as string] = value;
}
