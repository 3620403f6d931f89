/** Parameters of a node, taken one by one; what nobody takes is a mistake. */

/** A parameter that is missing or wrong: becomes the problem `bad-parameter`. */
export class ParameterError extends Error {}

export class Parameters {
  readonly #left: Map<string, unknown>;

  constructor(parameters: Readonly<Record<string, unknown>>) {
    this.#left = new Map(Object.entries(parameters));
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  #take(name: string): unknown {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** A whole number from 1. @throws ParameterError */
  count(name: string, most = 2 ** 31): number {
    const value = this.#take(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new ParameterError(`${name} is a whole number from 1 to ${most}, not ${JSON.stringify(value ?? null)}`);
  }

  /** A pair [low, high]. @throws ParameterError */
  range(name: string): readonly [number, number] {
    const value = this.#take(name);
    const [low, high] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
    if (Number.isFinite(low) && Number.isFinite(high) && (low as number) < (high as number))
      return [low as number, high as number];
    const what = value === undefined ? 'is missing: there is no automatic range' : `is not ${JSON.stringify(value)}`;
    throw new ParameterError(`${name} is [low, high] and ${what}`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[], initial?: T): T {
    const value = this.#left.has(name) ? this.#take(name) : initial;
    if (choices.includes(value as T)) return value as T;
    throw new ParameterError(`${name} is one of ${choices.join(', ')}, not ${JSON.stringify(value ?? null)}`);
  }

  flag(name: string): boolean {
    const value = this.#take(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw new ParameterError(`${name} is true or false, not ${JSON.stringify(value)}`);
  }

  /** A number between two others, which are excluded. */
  between(name: string, low: number, high: number): number {
    const value = this.#take(name);
    if (typeof value === 'number' && value > low && value < high) return value;
    throw new ParameterError(`${name} is a number between ${low} and ${high}, not ${JSON.stringify(value ?? null)}`);
  }

  text(name: string): string {
    const value = this.#take(name);
    if (typeof value === 'string') return value;
    throw new ParameterError(`${name} is an expression in quotes, not ${JSON.stringify(value ?? null)}`);
  }

  /** @throws ParameterError that names what was not taken */
  end(): void {
    const left = [...this.#left.keys()];
    if (left.length > 0) throw new ParameterError(`there is no parameter ${left.join(', ')} of this operation`);
  }
}
