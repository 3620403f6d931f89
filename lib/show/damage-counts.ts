/** Damage by place: the root, contributors, and the blocks of detectors. */

import { damageNames } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { XTC, xtcTypeName } from '../xtc/layout.ts';
import type { NamesBlock } from '../xtc/names.ts';
import type { ShapesData } from '../xtc/shapes-data.ts';

export class DamageCounts {
  private readonly places = new Map<string, Map<string, number>>();

  /** Damage of the dgram itself. */
  root(dgram: Dgram): void {
    if (dgram.damage !== 0) this.add('root', dgram.damage);
  }

  /** @param start of a nested Parent */
  contributor({ view }: Dgram, start: number): void {
    const damage = view.getUint16(start + XTC.damage, true);
    if (damage !== 0) this.add(`contributor ${view.getUint32(start + XTC.src, true) & 0x0fffffff}`, damage);
  }

  /** @param start of a Names or ShapesData block */
  block({ view }: Dgram, start: number, type: number, names: NamesBlock | undefined): void {
    const damage = view.getUint16(start + XTC.damage, true);
    if (damage === 0) return;
    this.add(names ? whereOf(names, type) : `${xtcTypeName(type)} of an unknown detector`, damage);
  }

  /** Damage of Shapes and Data. */
  children(block: ShapesData): void {
    if ((block.shapesDamage | block.dataDamage) === 0) return;
    for (const [type, damage] of block.childDamage()) this.add(whereOf(block.names, type), damage);
  }

  private add(where: string, damage: number): void {
    const counts = this.places.get(where) ?? new Map<string, number>();
    for (const name of damageNames(damage)) counts.set(name, (counts.get(name) ?? 0) + 1);
    this.places.set(where, counts);
  }

  /** Count of each damage by place. */
  document(): { where: string; counts: Record<string, number> }[] {
    return [...this.places].map(([where, counts]) => ({ where, counts: Object.fromEntries(counts) }));
  }
}

/** `Data of hsd_0 raw`. */
function whereOf(names: NamesBlock, type: number): string {
  return `${xtcTypeName(type)} of ${names.detName}_${names.segment} ${names.alg}`;
}
