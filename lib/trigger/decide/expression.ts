/**
 * Rules as expressions: `photons.n > 3 or prescale(100)`. `alias.field` is a field or key of a primitive, `pid`, `rogs`, `keep`, `damage`, `slow`
 * belong to the event. What is missing is false, as a condition and in every comparison; missing keys are counted by name.
 */

import { compileExpression } from 'filtrex';
import { UsageError } from '../../errors.ts';
import { ENV } from '../wire/layout.ts';
import { Contributions, ENTRY, type EventBatch } from './batch.ts';
import { Primitive } from './primitives.ts';
import type { DeciderCounts, DeciderSetup } from './types.ts';

export type Condition = (batch: EventBatch, event: number) => boolean;

export interface CompiledRule {
  /** False if it counts events, as `prescale` does. */
  stateless: boolean;
  /** A fresh one; what it counts goes to `counts`. */
  bind(counts: DeciderCounts): Condition;
}

/** The parser takes quadratic time. */
const MAX_LENGTH = 5000;

/** @throws UsageError if the text cannot be parsed, or names sources that do not exist */
export function compileRule(setup: DeciderSetup, text: string): CompiledRule {
  const trial = new RuleExpression(setup, text);
  trial.check();
  return {
    stateless: !/\bprescale\s*\(/.test(text),
    bind(counts) {
      const expression = new RuleExpression(setup, text, counts);
      return (batch, event) => expression.matches(batch, event);
    },
  };
}

interface Source {
  id: number;
  alias: string;
  primitive: Primitive;
  badCounted: boolean;
}

class RuleExpression {
  private readonly evaluate: (unused: object) => unknown;
  private readonly text: string;
  private readonly counts: DeciderCounts | undefined;
  private readonly common: number;
  private readonly sources = new Map<string, Source>();
  private readonly byId = new Map<number, Source>();
  private readonly places = new Map<string, { source: Source; field: string }>();
  private readonly contributions = new Contributions();
  private readonly names = new Set<string>();
  private env = 0;
  private pid = 0;
  private damage = 0;
  private asked = 0;

  constructor(setup: DeciderSetup, text: string, counts?: DeciderCounts) {
    if (text.length > MAX_LENGTH) throw new UsageError(`--rule: at most ${MAX_LENGTH} characters are taken`);
    this.text = text;
    this.counts = counts;
    this.common = 1 << setup.common;
    for (const { id, alias, kind } of setup.drps) {
      const source = { id, alias, primitive: new Primitive(alias, kind), badCounted: false };
      this.sources.set(alias, source);
      this.byId.set(id, source);
    }
    try {
      this.evaluate = compileExpression(text, {
        customProp: (name: string) => this.lookUp(name),
        extraFunctions: this.functions(),
        operators: OPERATORS,
      }) as (unused: object) => unknown;
    } catch (error) {
      throw this.wrong(error as Error);
    }
  }

  /** @throws UsageError for names and functions that do not exist */
  check(): void {
    const result = this.evaluate({});
    for (const name of namesIn(this.text)) if (!this.names.has(name)) this.lookUp(name);
    if (result instanceof Error) throw this.wrong(result);
  }

  matches(batch: EventBatch, event: number): boolean {
    const { contributions } = this;
    const entry = batch.offsets[event]!;
    for (const source of this.byId.values()) {
      source.primitive.of(batch.bytes, 0, 0);
      source.badCounted = false;
    }
    this.pid = batch.pids[event]!;
    this.damage = batch.bytes.readUInt16LE(entry + ENTRY.offset.damage);
    this.env = 0;
    let first = true;
    contributions.of(batch, event);
    while (contributions.advance()) {
      if (first) this.env = contributions.env;
      first = false;
      this.byId.get(contributions.source)?.primitive.of(batch.bytes, contributions.payloadAt, contributions.end);
    }
    const result = this.evaluate({});
    if (result instanceof Error) throw this.wrong(result);
    if (typeof result === 'boolean') return result;
    if (typeof result === 'number') return result !== 0 && !Number.isNaN(result);
    throw new UsageError(`--rule: the expression gives the text ${JSON.stringify(result)}, which is no condition`);
  }

  private lookUp(name: string): Value {
    this.names.add(name);
    if (name === 'pid') return this.pid;
    if (name === 'rogs') return this.env & ENV.groups;
    if (name === 'keep') return (this.env & ENV.keepRaw) !== 0;
    if (name === 'damage') return this.damage;
    if (name === 'slow') return (this.env & ENV.groups & ~this.common) !== 0;
    const place = this.places.get(name) ?? this.resolve(name);
    const { source, field } = place;
    if (field === '') return source.primitive.present;
    const value = source.primitive.value(field);
    if (source.primitive.bad) this.countBad(source);
    else if (value === undefined && source.primitive.present) this.countMissing(name);
    return value ?? false;
  }

  /** `andor_0.npeaks`; `andor.npeaks` if there is one segment only. */
  private resolve(name: string): { source: Source; field: string } {
    const dot = name.indexOf('.');
    const alias = dot < 0 ? name : name.slice(0, dot);
    const segments = [...this.sources.values()].filter((known) => known.alias.replace(/_\d+$/, '') === alias);
    const source = this.sources.get(alias) ?? (segments.length === 1 ? segments[0] : undefined);
    if (source === undefined) {
      const known = [...this.sources.keys()].join(', ');
      throw new UsageError(
        `--rule: there is no source ${alias}; there are ${known}, and pid, rogs, keep, damage, slow`,
      );
    }
    const place = { source, field: dot < 0 ? '' : name.slice(dot + 1) };
    this.places.set(name, place);
    return place;
  }

  private functions(): Record<string, (...args: never[]) => unknown> {
    return {
      exists: (value: Value) => value !== false,
      group: (number: number) => ((this.env >>> number) & 1) === 1,
      eventcode: (code: number, alias?: string) =>
        [...this.sources.values()].some(
          (source) =>
            (alias === undefined ? source.alias.startsWith('timing') : source.alias === alias) &&
            source.primitive.eventCode(code),
        ),
      // The 1st, the (n+1)st, ... time it is asked: with `or` it counts the events that nothing else has kept.
      prescale: (n: number) => this.asked++ % Math.max(1, Math.trunc(n)) === 0,
    };
  }

  private countBad(source: Source): void {
    if (this.counts === undefined || source.badCounted) return;
    source.badCounted = true;
    this.counts.primBad[source.alias] = (this.counts.primBad[source.alias] ?? 0) + 1;
  }

  private countMissing(name: string): void {
    if (this.counts !== undefined) this.counts.missingKeys[name] = (this.counts.missingKeys[name] ?? 0) + 1;
  }

  private wrong(error: Error): UsageError {
    return error instanceof UsageError ? error : new UsageError(`--rule: ${error.message}`, { cause: error });
  }
}

type Value = number | string | boolean;

/** Numbers by value, texts by text; a boolean is a condition and no number. */
const OPERATORS = {
  '==': (a: Value, b: Value) => a === b,
  '!=': (a: Value, b: Value) => a !== b,
  '<': (a: Value, b: Value) => alike(a, b) && a < b,
  '<=': (a: Value, b: Value) => alike(a, b) && a <= b,
  '>': (a: Value, b: Value) => alike(a, b) && a > b,
  '>=': (a: Value, b: Value) => alike(a, b) && a >= b,
  '+': (a: Value, b: Value) => numberOf(a) + numberOf(b),
  '-': (a: Value, b?: Value) => (b === undefined ? -numberOf(a) : numberOf(a) - numberOf(b)),
  '*': (a: Value, b: Value) => numberOf(a) * numberOf(b),
  '/': (a: Value, b: Value) => numberOf(a) / numberOf(b),
};

function alike(a: Value, b: Value): boolean {
  return typeof a === typeof b && typeof a !== 'boolean';
}

function numberOf(value: Value): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** Names of fields in an expression, also in branches that a trial does not reach. */
function namesIn(text: string): string[] {
  const words = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/'[^']+'|[a-zA-Z_$][.\w$]*(?!\s*\(|[.\w$])/g) ?? [];
  return words.map((word) => word.replaceAll("'", '')).filter((word) => !RESERVED.has(word));
}

const RESERVED = new Set(['and', 'or', 'not', 'in', 'mod', 'if', 'then', 'else', 'of', 'exists']);
