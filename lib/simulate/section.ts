/**
 * Reading a description: every mapping is read through a Section, which checks values, fills in defaults, remembers which keys
 * exist, and complains about the rest. All problems of a document are collected, so that a person sees them at once.
 */

export type Path = readonly (string | number)[];

export interface Problem {
  path: Path;
  message: string;
  /** The key is wrong, not its value. */
  onKey: boolean;
}

export class Problems {
  readonly list: Problem[] = [];

  add(path: Path, message: string, onKey = false): void {
    this.list.push({ path, message, onKey });
  }
}

export interface NumberRule {
  min?: number;
  max?: number;
  integer?: boolean;
}

export class Section {
  readonly path: Path;
  readonly problems: Problems;
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly known = new Set<string>();

  /** @param what describes the mapping in a message, for example `a detector` */
  constructor(value: unknown, path: Path, problems: Problems, what = 'a mapping') {
    this.path = path;
    this.problems = problems;
    if (isMapping(value)) {
      this.values = value;
    } else {
      this.values = {};
      problems.add(path, `must be ${what} with keys, not ${show(value)}`);
    }
  }

  /** Keys in the order of the document. */
  keys(): string[] {
    return Object.keys(this.values);
  }

  has(key: string): boolean {
    this.known.add(key);
    return Object.hasOwn(this.values, key) && this.values[key] !== undefined && this.values[key] !== null;
  }

  raw(key: string): unknown {
    return this.has(key) ? this.values[key] : undefined;
  }

  at(key: string): Path {
    return [...this.path, key];
  }

  problem(key: string, message: string): void {
    this.problems.add(this.at(key), message);
  }

  number(key: string, fallback: number, rule: NumberRule = {}): number {
    const value = this.raw(key);
    if (value === undefined) return fallback;
    const { min, max, integer = false } = rule;
    const fits =
      typeof value === 'number' &&
      Number.isFinite(value) &&
      (!integer || Number.isSafeInteger(value)) &&
      (min === undefined || value >= min) &&
      (max === undefined || value <= max);
    if (fits) return value;
    this.problem(key, `must be ${rangeText(rule)}, not ${show(value)}`);
    return fallback;
  }

  integer(key: string, fallback: number, min = 0, max?: number): number {
    return this.number(key, fallback, { min, ...(max === undefined ? {} : { max }), integer: true });
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'boolean') return value ?? fallback;
    this.problem(key, `must be true or false, not ${show(value)}`);
    return fallback;
  }

  text(key: string, fallback: string, rule?: { pattern: RegExp; what: string }): string {
    const value = this.raw(key);
    if (value === undefined) return fallback;
    if (typeof value !== 'string') this.problem(key, `must be ${rule?.what ?? 'a text'}, not ${show(value)}`);
    else if (rule && !rule.pattern.test(value)) this.problem(key, `must be ${rule.what}, not "${value}"`);
    else return value;
    return fallback;
  }

  choice<T extends string>(key: string, options: readonly T[], fallback: T): T {
    const value = this.raw(key);
    if (value === undefined) return fallback;
    const found = options.find((option) => option === value);
    if (found === undefined) this.problem(key, `must be one of ${options.join(', ')}, not ${show(value)}`);
    return found ?? fallback;
  }

  numbers(key: string, fallback: readonly number[], rule: NumberRule & { least?: number } = {}): number[] {
    const value = this.raw(key);
    if (value === undefined) return [...fallback];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const { integer = false, min, max } = rule;
    const bad = list.find(
      (item) =>
        typeof item !== 'number' ||
        !Number.isFinite(item) ||
        (integer && !Number.isSafeInteger(item)) ||
        (min !== undefined && item < min) ||
        (max !== undefined && item > max),
    );
    if (bad !== undefined || list.length < (rule.least ?? 0)) {
      this.problem(key, `must be a list in which each item is ${rangeText(rule)}, not ${show(bad ?? value)}`);
      return [...fallback];
    }
    return list as number[];
  }

  /** The mapping under a key; undefined if there is none. */
  section(key: string, what?: string): Section | undefined {
    return this.has(key) ? new Section(this.values[key], this.at(key), this.problems, what) : undefined;
  }

  /** The list under a key; one item may stand for a list of one. */
  list(key: string): { value: unknown; path: Path }[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [{ value, path: this.at(key) }];
    return value.map((item: unknown, index) => ({ value: item, path: [...this.at(key), index] }));
  }

  /** Complains about keys that nobody asked for. Call it last. */
  end(): void {
    for (const key of this.keys()) {
      if (this.known.has(key)) continue;
      const allowed = [...this.known].sort().join(', ');
      this.problems.add(this.at(key), `there is no key "${key}" here; allowed are ${allowed}`, true);
    }
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function rangeText({ min, max, integer = false }: NumberRule): string {
  const noun = integer ? 'whole number' : 'number';
  if (min !== undefined && max !== undefined) return `a ${noun} from ${min} to ${max}`;
  if (min !== undefined) return `a ${noun} of at least ${min}`;
  return max === undefined ? `a ${noun}` : `a ${noun} of at most ${max}`;
}

/** A value as a person wrote it, cut short. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
