/** Fields as functions: everything that can be decided before the first event is decided here. */

import type { NumberType } from '../xtc/layout.ts';
import { elementSize, putterOf } from './elements.ts';
import { bytesOf, type FieldPlan, namesFieldsOf } from './fields.ts';
import { FramePool } from './frames.ts';
import type { Fill, Moment } from './moment.ts';
import { Random } from './random.ts';

/** Frames of this size and more are written without copying them. */
export const LARGE = 64 * 1024;

/** One field of Names, ready for events. */
export interface CompiledField {
  /** Dimensions; undefined for scalars. */
  shape: readonly number[] | undefined;
  /** Stored bytes. */
  size: number;
  /** Stored bytes that never change. */
  constant: Buffer | undefined;
  /** Writes the value of an event. */
  fill: Fill | undefined;
  /** Frames that are put in without copying. */
  frames: FramePool | undefined;
}

export interface CompileContext {
  seed: number;
  /** Names the random sequences. */
  path: readonly (string | number)[];
  alg: string;
  /** Pools of the unit by `ALG.FIELD`, for fields that count in them. */
  pools: Map<string, FramePool>;
}

/** Compiles the fields of a block; there may be more of them than plans, because enums have labels. */
export function compileBlock(fields: readonly FieldPlan[], context: CompileContext): CompiledField[] {
  return fields.flatMap((plan) => compileField(plan, context));
}

function compileField(plan: FieldPlan, context: CompileContext): CompiledField[] {
  const { content, type, shape, name } = plan;
  const path = [...context.path, name];
  if (content.text !== undefined) return [constantField(textBytes(content.text))];
  if (shape.length > 0) return [arrayField(plan, context, path)];
  const fill = scalarFill(plan, context, path);
  const value = scalarField(fill, content.constant === true, elementSize(type));
  const labels = Object.values(content.labels ?? {}).map((label) => {
    const put = putterOf('ENUMDICT');
    return scalarField((_bytes, view, at) => put(view, at, label), true, 4);
  });
  if (1 + labels.length !== namesFieldsOf(plan).length) throw new Error(`${name}: fields and names differ`);
  return [value, ...labels];
}

/** length + 1 rounded up to a multiple of 4, padding zero. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.alloc((Buffer.byteLength(text) + 4) & ~3);
  bytes.write(text);
  return bytes;
}

function constantField(constant: Buffer): CompiledField {
  return { shape: [constant.length], size: constant.length, constant, fill: undefined, frames: undefined };
}

const NEVER: Moment = { service: 0, pulseId: 0, sec: 0, nsec: 0, env: 0, groups: 0, step: 0, event: 0 };

function scalarField(fill: Fill, constant: boolean, size: number): CompiledField {
  if (!constant) return { shape: undefined, size, constant: undefined, fill, frames: undefined };
  const bytes = Buffer.alloc(size);
  fill(bytes, new DataView(bytes.buffer, bytes.byteOffset, size), 0, NEVER);
  return { shape: undefined, size, constant: bytes, fill: undefined, frames: undefined };
}

function scalarFill({ content, type }: FieldPlan, context: CompileContext, path: readonly (string | number)[]): Fill {
  if (content.countOf !== undefined) {
    const counted = context.pools.get(content.countOf);
    const put = putterOf(type);
    if (!counted) throw new Error(`${path.join('.')} counts in ${content.countOf}, which has no frames`);
    return (_bytes, view, at) => put(view, at, counted.count);
  }
  if (content.direct && !content.scalar) return content.direct(type, 1);
  const source = content.scalar!(new Random(context.seed, ...path), type);
  const put = putterOf(type);
  return (_bytes, view, at, moment) => put(view, at, source(moment));
}

function arrayField(plan: FieldPlan, context: CompileContext, path: readonly (string | number)[]): CompiledField {
  const { content, type, shape, pool: frames } = plan;
  const elements = shape.reduce((product, dim) => product * dim, 1);
  const size = bytesOf(type, shape);
  const base = { shape, size, constant: undefined, fill: undefined, frames: undefined };
  if (content.direct) return { ...base, fill: content.direct(type, elements) };
  const pool = new FramePool({ content, type: type as NumberType, shape, pool: frames, seed: context.seed, path });
  context.pools.set(`${context.alg}.${plan.name}`, pool);
  if (size >= LARGE && frames > 0) return { ...base, frames: pool };
  if (content.constant) return { ...base, constant: Buffer.from(pool.draw()) };
  return { ...base, fill: (bytes, _view, at) => bytes.set(pool.draw(), at) };
}
