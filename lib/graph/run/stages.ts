/**
 * Which nodes of a worker run at once for every event, and which wait for the answers of user code in another process: such code
 * gets many events in one call. Level 0 needs no answers; level n needs those of the maps of level n - 1. Pure.
 */

import type { CompiledNode } from '../compile/compiled.ts';

/** True for a node whose events are collected for one call. */
export function takesMany(node: CompiledNode): boolean {
  return node.kind === 'operation' ? node.kernel.addMany !== undefined : node.kind === 'map' && node.many !== undefined;
}

/** Level of each node that runs on a worker; nodes stand behind those they read. */
export function levelsOf(nodes: readonly CompiledNode[]): ReadonlyMap<string, number> {
  const levels = new Map<string, number>();
  const after = new Map<string, number>();
  for (const node of nodes) {
    const level = node.arrows.reduce(
      (most, { origin }) => Math.max(most, origin.kind === 'node' ? (after.get(origin.id) ?? 0) : 0),
      0,
    );
    levels.set(node.spec.id, level);
    after.set(node.spec.id, node.kind === 'map' && takesMany(node) ? level + 1 : level);
  }
  return levels;
}
