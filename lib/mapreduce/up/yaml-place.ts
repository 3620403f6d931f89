/** A value in a YAML file together with where it stands, so that whoever finds it wrong can say so. */

import { isMap, type Node, type Pair } from 'yaml';
import type { YamlDocument } from '../../cli/yaml-document.ts';
import { InputError } from '../../errors.ts';
import { isName } from '../redis/keys.ts';

type Step = string | number;

export class Place {
  readonly value: unknown;
  readonly #read: YamlDocument;
  readonly #file: string;
  readonly #path: readonly Step[];
  readonly #offset: number | undefined;

  private constructor(read: YamlDocument, file: string, path: readonly Step[], value: unknown, offset?: number) {
    this.#read = read;
    this.#file = file;
    this.#path = path;
    this.value = value;
    this.#offset = offset;
  }

  /** The whole document. Mappings keep their order, also where names look like numbers. */
  static top(read: YamlDocument, file: string): Place {
    return new Place(read, file, [], read.document.toJS({ mapAsMap: true, maxAliasCount: 100 }));
  }

  get line(): number | undefined {
    return this.#offset === undefined ? undefined : this.#read.lines.linePos(this.#offset).line;
  }

  /** @throws InputError with line, column and key */
  fail(message: string): never {
    const key = this.#path.length === 0 ? '' : `${this.#path.join('.')}: `;
    const { line, col } = this.#offset === undefined ? {} : this.#read.lines.linePos(this.#offset);
    const at = line === undefined ? {} : { line, ...(col === undefined ? {} : { column: col }) };
    throw new InputError(`${key}${message}`, { place: { file: this.#file, ...at } });
  }

  get isText(): boolean {
    return typeof this.value === 'string';
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  text(): string {
    return typeof this.value === 'string' && this.value !== '' ? this.value : this.fail('is a text');
  }

  flag(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('is true or false');
  }

  name(): string {
    const text = this.text();
    return isName(text) ? text : this.fail(`"${text}" is no name: printable ASCII without : and /`);
  }

  oneOf<T extends string>(choices: readonly T[]): T {
    return choices.find((one) => one === this.value) ?? this.fail(`is one of ${choices.join(', ')}`);
  }

  whole(least: number, most: number): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    return this.fail(`is a whole number from ${least} to ${most}`);
  }

  /** A text, number or truth value as the text of a parameter, which is Python's. */
  scalar(): string {
    const { value } = this;
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    return typeof value === 'string' || typeof value === 'number' ? String(value) : this.fail('is a text or a number');
  }

  list(): Place[] {
    if (!Array.isArray(this.value)) return this.fail('is a list');
    return this.value.map((item, i) => this.#inside(i, item));
  }

  names(): string[] {
    return this.isText ? [this.name()] : this.list().map((one) => one.name());
  }

  /** Words of a command line: a text with spaces between them, or a list. */
  words(): string[] {
    if (this.isText) return this.text().trim().split(/\s+/);
    return this.list().map((one) => one.scalar());
  }

  /**
   * Members by name, in the order of the file.
   * @param keys what there may be; undefined: any
   */
  mapping<K extends string>(keys: readonly K[] | undefined, otherwise: string): ReadonlyMap<string, Place> {
    if (!(this.value instanceof Map)) return this.fail(otherwise);
    const members = [...(this.value as Map<unknown, unknown>)].map(
      ([key, item]) => [String(key), this.#inside(String(key), item)] as const,
    );
    const unknown = keys && members.find(([key]) => !(keys as readonly string[]).includes(key));
    if (unknown) unknown[1].fail(`there is no such key; there are ${keys.join(', ')}`);
    return new Map(members);
  }

  #inside(step: Step, value: unknown): Place {
    const { document } = this.#read;
    const parent = this.#path.length === 0 ? document.contents : document.getIn(this.#path, true);
    const node = isMap(parent) ? keyOf(parent.items, step) : (document.getIn([...this.#path, step], true) as Node);
    return new Place(this.#read, this.#file, [...this.#path, step], value, node?.range?.[0] ?? this.#offset);
  }
}

function keyOf(pairs: readonly Pair[], step: Step): Node | undefined {
  return pairs.find(({ key }) => String(key) === String(step))?.key as Node | undefined;
}
