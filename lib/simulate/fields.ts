/** Fields of detectors: what a description says about each, and how it is written in Names. */

import type { FieldSpec } from '../xtc/describe.ts';
import { type FieldTypeName, MAX_RANK, NUMBER_TYPES } from '../xtc/layout.ts';
import type { Content, ReadContext } from './content.ts';
import { elementSize } from './elements.ts';
import { GENERATORS } from './generators/registry.ts';
import { type Path, type Problems, Section, show } from './section.ts';

export interface FieldPlan {
  name: string;
  type: FieldTypeName;
  /** Empty for scalars and texts. */
  shape: readonly number[];
  content: Content;
  /** Frames made beforehand, from which every event takes one; 0 makes a new one for every event. */
  pool: number;
}

export interface BlockPlan {
  alg: string;
  version: readonly [number, number, number];
  fields: readonly FieldPlan[];
}

/** Frames in a pool, if they fit into this many bytes. */
const USUAL_POOL = 64;
const POOL_BYTES = 48 * 1024 * 1024;
const MAX_FIELD_BYTES = 0x4000_0000;

const TYPE_NAMES: Readonly<Record<string, FieldTypeName>> = {
  ...Object.fromEntries(NUMBER_TYPES.map((type) => [type.toLowerCase(), type])),
  float32: 'FLOAT',
  float64: 'DOUBLE',
};

export const FIELD_NAME = { pattern: /^[0-9A-Za-z_.:]{1,240}$/, what: 'a field name of 0-9 A-Z a-z _ . :' };

/** A field made by a kind. */
export function field(
  name: string,
  content: Content,
  options: { type?: FieldTypeName; shape?: readonly number[]; pool?: number } = {},
): FieldPlan {
  const type = options.type ?? content.type;
  const shape = options.shape ?? [];
  return { name, type, shape, content, pool: options.pool ?? usualPool(type, shape, content) };
}

/** As many frames as fit into 48 MiB, at least 2 and at most 64; one is enough for a constant. */
export function usualPool(type: FieldTypeName, shape: readonly number[], content: Content): number {
  if (content.constant) return 1;
  return Math.max(2, Math.min(USUAL_POOL, Math.floor(POOL_BYTES / Math.max(1, bytesOf(type, shape)))));
}

export function bytesOf(type: FieldTypeName, shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, elementSize(type));
}

/** Reads the fields of a mapping in its order. */
export function readFields(section: Section, context: ReadContext): FieldPlan[] {
  const found: FieldPlan[] = [];
  for (const name of section.keys()) {
    const value = section.raw(name);
    if (!FIELD_NAME.pattern.test(name)) {
      section.problems.add(section.at(name), `"${name}" is not ${FIELD_NAME.what}`, true);
    } else {
      found.push(readField(name, value, section.at(name), section.problems, context));
    }
  }
  return found;
}

function readField(name: string, value: unknown, path: Path, problems: Problems, context: ReadContext): FieldPlan {
  const short = typeof value === 'number' || typeof value === 'string';
  const section = new Section(short ? { value } : value, path, problems, 'a number, a text or a field');
  const generator = section.text('generator', usualGenerator(section));
  const kind = GENERATORS.get(generator);
  if (!kind) {
    section.problem(
      'generator',
      `there is no generator "${generator}"; there are ${[...GENERATORS.keys()].join(', ')}`,
    );
  }
  const content = (kind ?? GENERATORS.get('constant')!).read(section, context);
  const type = readType(section, content);
  const shape = readShape(section, content, type);
  const pool =
    shape.length > 0 && content.frame && !content.constant
      ? section.integer('pool', usualPool(type, shape, content), 0, 65536)
      : usualPool(type, shape, content);
  if (kind) section.end();
  return { name, type, shape, content, pool };
}

function usualGenerator(section: Section): string {
  if (section.has('labels')) return 'enum';
  return typeof section.raw('value') === 'string' ? 'text' : 'constant';
}

function readType(section: Section, content: Content): FieldTypeName {
  if (!section.has('type')) return content.type;
  const wanted = section.text('type', 'double');
  const type = TYPE_NAMES[wanted.toLowerCase()];
  if (content.text !== undefined || content.labels) {
    section.problem('type', `the generator ${content.generator} has its own type: leave it out`);
    return content.type;
  }
  if (!type) section.problem('type', `must be one of ${Object.keys(TYPE_NAMES).join(', ')}, not ${show(wanted)}`);
  else if (content.generator === 'timestamp' && elementSize(type) !== 8) {
    section.problem('type', 'a timestamp needs uint64');
  } else return type;
  return content.type;
}

function readShape(section: Section, content: Content, type: FieldTypeName): number[] {
  const shape = section.numbers('shape', [], { integer: true, min: 0, max: MAX_FIELD_BYTES });
  if (shape.length === 0) {
    if (content.ranks === 'array')
      section.problem('shape', `the generator ${content.generator} needs a shape, for example [1024]`);
    return content.ranks === 'array' ? [1] : [];
  }
  if (content.ranks === 'scalar') {
    const arrays = [...GENERATORS.keys()].filter((name) => !SCALARS.has(name)).join(', ');
    section.problem('shape', `the generator ${content.generator} makes scalars; arrays take ${arrays}`);
    return [];
  }
  if (shape.length > MAX_RANK) section.problem('shape', `has ${shape.length} dimensions; at most ${MAX_RANK} fit`);
  else if (bytesOf(type, shape) > MAX_FIELD_BYTES) section.problem('shape', 'makes a field of more than 1 GiB');
  else return shape;
  return [1];
}

const SCALARS = new Set(['pulseId', 'timestamp', 'event', 'step', 'scan', 'text', 'enum']);

/** A field as it is written in a description, defaults filled in. */
export function printField({ type, shape, content, pool }: FieldPlan): Record<string, unknown> {
  const own = content.text !== undefined || content.labels !== undefined;
  return {
    generator: content.generator,
    ...content.params,
    ...(own ? {} : { type: type.toLowerCase() }),
    ...(shape.length > 0 ? { shape: [...shape] } : {}),
    ...(shape.length > 0 && content.frame && !content.constant ? { pool } : {}),
  };
}

/** What a field is in Names: enums need a field for each label as well. */
export function namesFieldsOf({ name, type, shape, content }: FieldPlan): FieldSpec[] {
  if (!content.labels) return [{ name, type, rank: type === 'CHARSTR' ? 1 : shape.length }];
  const enumName = `${name}Enum`;
  return [
    { name: `${name}:${enumName}`, type: 'ENUMVAL' },
    ...Object.keys(content.labels).map((label): FieldSpec => ({ name: `${label}:${enumName}`, type: 'ENUMDICT' })),
  ];
}
