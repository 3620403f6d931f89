/** The set of a run, put together from constants. */

import { createHash } from 'node:crypto';
import type { Constant, ConstantSet, DetectorConstants } from './types.ts';

export function constantSet(
  exp: string | undefined,
  run: number,
  detectors: ReadonlyMap<string, DetectorConstants>,
  stale = false,
): ConstantSet {
  return { exp, run, stale, detectors, hash: hashOf(detectors) };
}

/** Over names, kinds, shapes and contents. Documents are not part of it: they differ between sources of the same constants. */
function hashOf(detectors: ReadonlyMap<string, DetectorConstants>): string {
  const hash = createHash('sha256');
  for (const [name, { constants }] of [...detectors].sort(byKey)) {
    hash.update(`${JSON.stringify(name)}\n`);
    for (const [ctype, constant] of [...constants].sort(byKey)) {
      hash.update(`  ${JSON.stringify(ctype)} ${formOf(constant)} ${constant.sha256}\n`);
    }
  }
  return hash.digest('hex');
}

function formOf(constant: Constant): string {
  return constant.kind === 'ndarray' ? `${constant.dtype} ${constant.shape.join('x')}` : constant.kind;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
