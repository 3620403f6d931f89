import { DaqError } from '../../errors.ts';

/** A value of a document with its key path, checked step by step; every failure is a `timing-input` error with file and key. */
export class Field {
  readonly value: unknown;
  readonly key: string;
  readonly file: string | undefined;

  constructor(value: unknown, file?: string, key = '') {
    this.value = value;
    this.file = file;
    this.key = key;
  }

  fail(message: string): never {
    const place = {
      ...(this.file === undefined ? {} : { file: this.file }),
      ...(this.key === '' ? {} : { key: this.key }),
    };
    throw new DaqError('timing-input', `${message[0]?.toUpperCase() ?? ''}${message.slice(1)}.`, { place });
  }

  get present(): boolean {
    return this.value !== undefined;
  }

  at(key: string | number): Field {
    const path = typeof key === 'number' ? `${this.key}[${key}]` : this.key === '' ? key : `${this.key}.${key}`;
    return new Field((this.value as Record<string | number, unknown> | null | undefined)?.[key], this.file, path);
  }

  isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  /** Members of an object. With `allowed`, any other key is an error unless it begins with `x-`. */
  members(allowed?: readonly string[]): [string, Field][] {
    if (!this.isObject()) this.fail(`expected an object, found ${describe(this.value)}`);
    const keys = Object.keys(this.value as object);
    for (const key of keys) {
      if (allowed && !allowed.includes(key) && !key.startsWith('x-'))
        this.at(key).fail(`unknown key ${JSON.stringify(key)}`);
    }
    return keys.map((key) => [key, this.at(key)]);
  }

  items(): Field[] {
    if (!Array.isArray(this.value)) this.fail(`expected a list, found ${describe(this.value)}`);
    return this.value.map((_, index) => this.at(index));
  }

  integer(min: number, max: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isInteger(value))
      this.fail(`expected an integer, found ${describe(value)}`);
    if (value < min || value > max)
      this.fail(`${value} is outside ${min}..${max === Number.MAX_SAFE_INTEGER ? '' : max}`);
    return value;
  }

  number(): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isFinite(value)) this.fail(`expected a number, found ${describe(value)}`);
    return value;
  }

  text(): string {
    if (typeof this.value !== 'string') this.fail(`expected a text, found ${describe(this.value)}`);
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') this.fail(`expected true or false, found ${describe(this.value)}`);
    return this.value;
  }

  oneOf<T extends string>(choices: readonly T[]): T {
    const found = choices.find((choice) => choice === this.value);
    if (found === undefined) this.fail(`expected ${choices.join(', ')}, found ${describe(this.value)}`);
    return found;
  }

  /** Integer keys of an object. */
  numbered(min: number, max: number): [number, Field][] {
    return this.members().map(([key, field]) => {
      if (!/^\d+$/.test(key) || Number(key) < min || Number(key) > max)
        field.fail(`key ${JSON.stringify(key)} is outside ${min}..${max}`);
      return [Number(key), field];
    });
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value);
}
