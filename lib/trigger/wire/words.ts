/**
 * Words of a block by hand: half the time of Buffer's own readers, which check their arguments at every call. The caller has looked
 * whether the bytes are there.
 */

/** Signed 32 bits, little endian. */
export function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Unsigned 32 bits, little endian. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) >>> 0;
}

/** Unsigned 16 bits, little endian. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}
