import type { SourceType } from '../types.ts';
import type { CompiledNode } from './compile.ts';

const NUMBER_BYTES = 24;

/**
 * Bytes that the values of a window may take on one process: 2n - 1 of them for groups, n for a sliding one (spec graph.md 2.6).
 * Arrays of unknown length count as one number.
 */
export function windowBytes(node: CompiledNode): number {
  if (node.kind !== 'operation' || node.n === undefined || node.spec.of === 'dealt') return 0;
  const kept = node.spec.op === 'RollingBuffer' ? 2 * node.n : 4 * node.n;
  const each = node.arrows.reduce(
    (sum, { origin }) => sum + (origin.kind === 'source' ? bytesOf(origin.source.type) : NUMBER_BYTES),
    0,
  );
  return kept * each;
}

function bytesOf(type: SourceType | undefined): number {
  if (type?.kind !== 'array') return NUMBER_BYTES;
  const size = Number(/\d+$/.exec(type.dtype)?.[0] ?? 64) / 8;
  return type.shape.reduce<number>((product, length) => product * (length ?? 1), size);
}
