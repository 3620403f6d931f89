/**
 * Numbers into stored elements. Integers are rounded, and values beyond their range become the nearest value in range, as in a
 * saturated detector; only counters wrap.
 */

import { CODE, ELEMENT_SIZE, type FieldTypeName, type NumberType } from '../xtc/layout.ts';

export function elementSize(type: FieldTypeName): number {
  return ELEMENT_SIZE[CODE[type]];
}

/** Smallest and largest value of an integer type (64-bit ones as far as doubles are exact); undefined for FLOAT and DOUBLE. */
export function rangeOf(type: FieldTypeName): readonly [number, number] | undefined {
  if (type === 'FLOAT' || type === 'DOUBLE') return undefined;
  const bits = Math.min(53, elementSize(type) * 8);
  if (type.startsWith('UINT') || type === 'CHARSTR') return [0, 2 ** bits - 1];
  return bits === 53 ? [-(2 ** 53) + 1, 2 ** 53 - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

export type Put = (view: DataView, at: number, value: number) => void;

/** The function that stores one number of a type. */
export function putterOf(type: FieldTypeName): Put {
  switch (type) {
    case 'FLOAT':
      return (view, at, value) => view.setFloat32(at, value, true);
    case 'DOUBLE':
      return (view, at, value) => view.setFloat64(at, value, true);
    case 'UINT64':
      return (view, at, value) => putWide(view, at, Math.min(2 ** 64 - 2048, Math.max(0, value)));
    case 'INT64':
      return (view, at, value) => putWide(view, at, Math.min(2 ** 63 - 1024, Math.max(-(2 ** 63), value)));
    default:
      return saturating(type);
  }
}

/** 64 bits in two halves: no BigInt per event. */
function putWide(view: DataView, at: number, value: number): void {
  const whole = Math.round(value);
  const high = Math.floor(whole / 0x1_0000_0000);
  view.setUint32(at, whole - high * 0x1_0000_0000, true);
  view.setUint32(at + 4, high, true);
}

function saturating(type: FieldTypeName): Put {
  const [low, high] = rangeOf(type)!;
  const clamp = (value: number) => Math.min(high, Math.max(low, Math.round(value)));
  switch (elementSize(type)) {
    case 1:
      return (view, at, value) => view.setInt8(at, clamp(value));
    case 2:
      return (view, at, value) => view.setInt16(at, clamp(value), true);
    default:
      return (view, at, value) => view.setInt32(at, clamp(value), true);
  }
}

const ARRAYS = {
  UINT8: Uint8Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FLOAT: Float32Array,
  DOUBLE: Float64Array,
} as const;

/** Stored bytes of an array of numbers. */
export function packElements(type: NumberType, values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(values.length * elementSize(type));
  if (type === 'UINT64' || type === 'INT64') {
    const view = new DataView(bytes.buffer);
    const put = putterOf(type);
    for (let i = 0; i < values.length; i++) put(view, 8 * i, values[i]!);
    return bytes;
  }
  if (type === 'UINT16') {
    packPixels(values, new Uint16Array(bytes.buffer));
    return bytes;
  }
  const elements = new ARRAYS[type](bytes.buffer);
  const range = rangeOf(type);
  if (!range) {
    elements.set(values);
    return bytes;
  }
  const [low, high] = range;
  for (let i = 0; i < values.length; i++) elements[i] = Math.min(high, Math.max(low, Math.round(values[i]!)));
  return bytes;
}

/** The usual pixels, without the cost of not knowing the type: eight times as fast. */
function packPixels(values: Float64Array, pixels: Uint16Array): void {
  for (let i = 0; i < values.length; i++) {
    // Storing cuts off the fraction, so this rounds.
    pixels[i] = Math.min(65_535, Math.max(0, values[i]! + 0.5));
  }
}

/** Brings an integer back into the range of its type by counting on from the other end. */
export function wrap(type: FieldTypeName, value: number): number {
  const range = rangeOf(type);
  if (!range) return value;
  const span = range[1] - range[0] + 1;
  return value - Math.floor((value - range[0]) / span) * span;
}
