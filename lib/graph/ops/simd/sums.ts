/**
 * Sums of large arrays in memory that WebAssembly can reach. The memory never grows, so views of it stay valid; inputs are copied into one
 * block that stays in the cache. Where there is no room, or no WebAssembly, sums are ordinary arrays and are added by ordinary code.
 */

import type { NumericArray } from '../../value.ts';
import { KINDS, type KindName, PER_TURN, simdModule } from './module.ts';

/** Smaller arrays are not worth a call. */
export const LEAST = 2048;
const PAGE = 65536;
/** Address space; memory is used as it is touched. */
const PAGES = 2048;
/** Elements that are copied at a time: within the first-level cache for 4-byte kinds. */
const BLOCK = 4096;
const SUMS_BEGIN = 8 * BLOCK;

/** What we use of the engine's global; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

type Add = (sum: number, input: number, end: number) => void;

interface Loaded {
  readonly buffer: ArrayBuffer;
  readonly kinds: ReadonlyMap<unknown, { readonly add: Add; readonly block: NumericArray }>;
}

let loaded: Loaded | undefined | false;
let next = SUMS_BEGIN;
/** Places of sums that nobody holds any more, by their bytes. */
const free = new Map<number, number[]>();
const dropped = new FinalizationRegistry<{ at: number; bytes: number }>(({ at, bytes }) => {
  free.set(bytes, [...(free.get(bytes) ?? []), at]);
});

function load(): Loaded | false {
  try {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(simdModule(PAGES)), { m: { memory } });
    const { buffer } = memory;
    const arrays: Record<KindName, NumericArray> = {
      f64: new Float64Array(buffer, 0, BLOCK),
      f32: new Float32Array(buffer, 0, BLOCK),
      i32: new Int32Array(buffer, 0, BLOCK),
      u32: new Uint32Array(buffer, 0, BLOCK),
      i16: new Int16Array(buffer, 0, BLOCK),
      u16: new Uint16Array(buffer, 0, BLOCK),
    };
    const kinds = (Object.keys(KINDS) as KindName[]).map(
      (name) => [arrays[name].constructor, { add: exports[`add_${name}`] as Add, block: arrays[name] }] as const,
    );
    return { buffer, kinds: new Map<unknown, { add: Add; block: NumericArray }>(kinds) };
  } catch {
    // An old processor, or address space is short.
    return false;
  }
}

/** Room for a sum of `length` numbers, with old contents; undefined if it is short, or there is no room. */
export function sumMemory(length: number): Float64Array | undefined {
  if (length < LEAST) return undefined;
  loaded ??= load();
  if (!loaded) return undefined;
  // The last turn of the loop may write behind the end.
  const bytes = Math.ceil(length / PER_TURN) * PER_TURN * 8;
  let at = free.get(bytes)?.pop();
  if (at === undefined) {
    if (next + bytes > PAGES * PAGE) return undefined;
    at = next;
    next += bytes;
  }
  const sum = new Float64Array(loaded.buffer, at, length);
  dropped.register(sum, { at, bytes });
  return sum;
}

/** True for an array in our memory. */
export function isSumMemory({ buffer }: NumericArray): boolean {
  return loaded !== undefined && loaded !== false && buffer === loaded.buffer;
}

/** Adds `value` to a sum that lies in our memory. @returns false if it does not: nothing was done */
export function addQuickly(sum: NumericArray, value: NumericArray): boolean {
  if (!loaded || sum.buffer !== loaded.buffer) return false;
  const kind = loaded.kinds.get(value.constructor);
  if (!kind) return false;
  const { add, block } = kind;
  const { length } = value;
  for (let i = 0; i < length; i += BLOCK) {
    const count = Math.min(BLOCK, length - i);
    block.set(value.subarray(i, i + count));
    const at = sum.byteOffset + 8 * i;
    add(at, 0, at + 8 * count);
  }
  return true;
}
