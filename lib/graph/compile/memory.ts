import type { SourceType } from '../types.ts';
import type { CompiledNode } from './compiled.ts';
import type { Arrow } from './wiring.ts';

const NUMBER_BYTES = 24;

/**
 * Bytes that the values of a window may take on one process: 2n - 1 of them for groups, n for a sliding one (spec graph.md 2.6), and as
 * many again before they are cut. Arrays of unknown length, and what a Map gives, count as one number.
 */
export function windowBytes(node: CompiledNode, nodes: readonly CompiledNode[]): number {
  if (node.kind !== 'operation' || node.n === undefined || node.spec.of === 'dealt') return 0;
  const kept = node.spec.op === 'RollingBuffer' ? 2 * node.n : 4 * node.n;
  return kept * node.arrows.reduce((sum, arrow) => sum + bytesOf(typeOf(arrow, nodes)), 0);
}

/** A filter lets its value through as it is. */
function typeOf({ origin }: Arrow, nodes: readonly CompiledNode[]): SourceType | undefined {
  if (origin.kind === 'source') return origin.source.type;
  const above = nodes.find(({ spec }) => spec.id === origin.id);
  const [value] = above?.kind === 'filter' ? above.arrows : [];
  return value && typeOf(value, nodes);
}

function bytesOf(type: SourceType | undefined): number {
  if (type?.kind !== 'array') return NUMBER_BYTES;
  const size = Number(/\d+$/.exec(type.dtype)?.[0] ?? 64) / 8;
  return type.shape.reduce<number>((product, length) => product * (length ?? 1), size);
}
