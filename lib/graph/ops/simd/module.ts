/**
 * A small WebAssembly module that adds arrays of numbers to sums of doubles, two at a time: one function `add_KIND(sum, input, end)` per
 * kind of input, all three byte addresses, eight elements per turn. Written by hand, because it is one loop; the test compares it with
 * plain code bit for bit.
 */

/** Kinds of input: bytes of an element, and the instructions that load two of them as doubles. */
export const KINDS = {
  f64: { size: 8, load: [0x00], convert: [] },
  f32: { size: 4, load: [0x5d], convert: [[0x5f]] },
  i32: { size: 4, load: [0x5d], convert: [[0xfe, 0x01]] },
  u32: { size: 4, load: [0x5d], convert: [[0xff, 0x01]] },
  i16: {
    size: 2,
    load: [0x5c],
    convert: [
      [0xa7, 0x01],
      [0xfe, 0x01],
    ],
  },
  u16: {
    size: 2,
    load: [0x5c],
    convert: [
      [0xa9, 0x01],
      [0xff, 0x01],
    ],
  },
} as const satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;

interface Kind {
  readonly size: number;
  /** v128.load, v128.load64_zero or v128.load32_zero: the bytes of two elements. */
  readonly load: readonly number[];
  /** f64x2.promote_low_f32x4, f64x2.convert_low_i32x4_s/u, before it i32x4.extend_low_i16x8_s/u. */
  readonly convert: readonly (readonly number[])[];
}

export const PER_TURN = 8;
const SIMD = 0xfd;
const OP = {
  loop: 0x03,
  end: 0x0b,
  brIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  i32LtU: 0x49,
  i32Add: 0x6a,
} as const;
const VOID = 0x40;
const I32 = 0x7f;
const V128_STORE = 0x0b;
const F64X2_ADD = [0xf0, 0x01];
const [SUM, INPUT, END] = [0, 1, 2];

/** The module; it imports `m.memory`. */
export function simdModule(pages: number): Uint8Array<ArrayBuffer> {
  const names = Object.keys(KINDS) as KindName[];
  const type = [0x60, 3, I32, I32, I32, 0];
  const memory = [...text('m'), ...text('memory'), 0x02, 0x01, ...unsigned(pages), ...unsigned(pages)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type]),
    ...section(2, [memory]),
    ...section(
      3,
      names.map(() => [0]),
    ),
    ...section(
      7,
      names.map((name, i) => [...text(`add_${name}`), 0x00, i]),
    ),
    ...section(
      10,
      names.map((name) => sized([0, ...loopOf(KINDS[name])])),
    ),
  ]);
}

function loopOf({ size, load, convert }: Kind): number[] {
  const pairs = Array.from({ length: PER_TURN / 2 }, (_, pair) => [
    ...[OP.localGet, SUM, OP.localGet, SUM, SIMD, 0x00, 0, ...unsigned(16 * pair)],
    ...[OP.localGet, INPUT, SIMD, ...load, 0, ...unsigned(2 * size * pair)],
    ...convert.flatMap((instruction) => [SIMD, ...instruction]),
    ...[SIMD, ...F64X2_ADD, SIMD, V128_STORE, 0, ...unsigned(16 * pair)],
  ]);
  return [
    ...[OP.loop, VOID, ...pairs.flat()],
    ...[OP.localGet, INPUT, OP.i32Const, ...signed(PER_TURN * size), OP.i32Add, OP.localSet, INPUT],
    ...[OP.localGet, SUM, OP.i32Const, ...signed(PER_TURN * 8), OP.i32Add, OP.localTee, SUM],
    ...[OP.localGet, END, OP.i32LtU, OP.brIf, 0, OP.end, OP.end],
  ];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  return [id, ...sized([...unsigned(items.length), ...items.flat()])];
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function text(value: string): number[] {
  return sized([...Buffer.from(value)]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
