/**
 * NamesIds of several detector processes in one dgram (spec xtc2.md, sections 3, 11 and 12). Processes of one partition have node
 * numbers of their own; streams that were made apart may not, and then the descriptions of one would hide those of the other. The nodes
 * of whoever comes later are then numbered anew, in descriptions and in data.
 */

import { type Dgram, viewOf } from '../../xtc/dgram.ts';
import { MAX_NODE_ID, TYPE, XTC } from '../../xtc/layout.ts';
import { namesIdOf } from '../../xtc/names.ts';
import { Walker } from '../../xtc/walk.ts';

const NODE_SHIFT = 8;
const NODE_BITS = 0x000f_ff00;
const TYPE_BITS = 0xfff;

export class NodeNumbers {
  private readonly used = new Set<number>();
  /** By contributor: old node -> new node, where they differ. */
  private readonly renamed = new Map<number, Map<number, number>>();

  /** A Configure begins: nothing is described yet. */
  clear(): void {
    this.used.clear();
    this.renamed.clear();
  }

  /** Takes the descriptions of a contributor. @returns the nodes that had to be renamed, for a message */
  describe(contributor: number, configure: Dgram): ReadonlyMap<number, number> {
    const nodes = new Set<number>();
    new Walker({ corrupted: true }).walk(configure, { names: ({ id }) => nodes.add(id >>> NODE_SHIFT) });
    const renamed = new Map<number, number>();
    for (const node of [...nodes].sort((a, b) => a - b)) {
      if (this.used.has(node)) renamed.set(node, this.free(nodes));
      this.used.add(renamed.get(node) ?? node);
    }
    if (renamed.size > 0) this.renamed.set(contributor, renamed);
    return renamed;
  }

  /** Renames the nodes in the children `bytes[start..end)` of a contributor, in place. */
  apply(contributor: number, bytes: Buffer, start: number, end: number): void {
    const renamed = this.renamed.get(contributor);
    if (renamed) renumber(viewOf(bytes), start, end, renamed);
  }

  private free(own: ReadonlySet<number>): number {
    let node = 0;
    while (this.used.has(node) || own.has(node)) node++;
    return Math.min(node, MAX_NODE_ID);
  }
}

/** Containers that are broken are left as they are. */
function renumber(view: DataView, start: number, end: number, renamed: ReadonlyMap<number, number>): void {
  for (let at = start; end - at >= XTC.size; ) {
    const extent = view.getUint32(at + XTC.extent, true);
    if (extent < XTC.size || extent > end - at) return;
    const type = view.getUint16(at + XTC.typeId, true) & TYPE_BITS;
    if (type === TYPE.Names || type === TYPE.ShapesData) {
      const src = view.getUint32(at + XTC.src, true);
      const node = renamed.get(namesIdOf(src) >>> NODE_SHIFT);
      if (node !== undefined) view.setUint32(at + XTC.src, ((src & ~NODE_BITS) | (node << NODE_SHIFT)) >>> 0, true);
    }
    // A Parent's children follow its header; what is inside is walked as if it were beside.
    at += type === TYPE.Parent ? XTC.size : extent;
  }
}
