/** Sets of constants for tests. */

import { createHash } from 'node:crypto';
import type { Constant, ConstantSet, DocRecord, DocValue } from '../../lib/calib/types.ts';
import { type Dtype, ELEMENT_BYTES } from '../../lib/npy.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export const int = (value: number | bigint): DocValue => ({ kind: 'int', value: BigInt(value) });
export const float = (value: number): DocValue => ({ kind: 'float', value });

/** An array whose bytes count up, or the given ones. */
export function array(dtype: Dtype, shape: readonly number[], doc: DocRecord = {}, contents?: Buffer): Constant {
  const length = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
  // Truth values are 0 and 1 only.
  const bytes = contents ?? Buffer.from(Array.from({ length }, (_, i) => (dtype === '|b1' ? i & 1 : i % 100)));
  return { kind: 'ndarray', dtype, shape, bytes, doc, sha256: sha256(bytes) };
}

export function text(content: string, doc: DocRecord = {}): Constant {
  const bytes = Buffer.from(content);
  return { kind: 'str', bytes, doc, sha256: sha256(bytes) };
}

export function opaque(bytes: Buffer, doc: DocRecord = {}): Constant {
  return { kind: 'any', bytes, doc, sha256: sha256(bytes) };
}

/** A set of `{detector: {ctype: constant}}`. */
export function setOf(
  detectors: Readonly<Record<string, Readonly<Record<string, Constant>>>>,
  { exp = 'tst1', run = 7, stale = false }: { exp?: string | undefined; run?: number; stale?: boolean } = {},
): ConstantSet {
  const hash = createHash('sha256');
  for (const [name, constants] of Object.entries(detectors)) {
    for (const [ctype, constant] of Object.entries(constants)) hash.update(`${name} ${ctype} ${constant.sha256}\n`);
  }
  return {
    exp,
    run,
    stale,
    detectors: new Map(
      Object.entries(detectors).map(([name, constants]) => [
        name,
        { id: `${name}type_0102_0304`, constants: new Map(Object.entries(constants)) },
      ]),
    ),
    hash: hash.digest('hex'),
  };
}
