/** `-d`: what a dgram contains, by detector, segment and algorithm. */

import { damageNames } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import type { Report } from '../xtc/finding.ts';
import { levelName } from '../xtc/json-view.ts';
import { fieldTypeName, MAX_SHAPE_SLOTS, XTC, xtcTypeName } from '../xtc/layout.ts';
import { type Field, formatNamesId, formatVersion, type NamesBlock, namesIdOf } from '../xtc/names.ts';
import type { ShapesData } from '../xtc/shapes-data.ts';
import type { Visitor, Walker } from '../xtc/walk.ts';
import { typeText, valueText } from './values.ts';

export interface ContentsOptions {
  /** Elements of arrays shown. */
  head: number;
  names: boolean;
  wants: (names: NamesBlock, field?: Field) => boolean;
}

/** A visitor that collects the lines of one dgram. */
export class Contents {
  readonly visitor: Visitor;
  private readonly walker: Walker;
  private readonly options: ContentsOptions;
  private dgram!: Dgram;
  private lines: string[] = [];

  constructor(walker: Walker, options: ContentsOptions) {
    this.walker = walker;
    this.options = options;
    this.visitor = {
      parent: (start, _end, hidden) => this.contributor(start, hidden),
      names: (names) => this.options.names && this.options.wants(names) && this.describe(names),
      header: (start, type, names) => this.headerDamage(start, type, names),
      data: (block) => this.values(block),
    };
  }

  /** Starts the next dgram; the walk that follows fills it. */
  begin(dgram: Dgram): void {
    this.dgram = dgram;
    this.lines = [];
  }

  /** The lines of the dgram that was walked. */
  end(): string[] {
    return this.lines;
  }

  /** For faults, in their place among the contents. */
  readonly report: Report = (code, offset, detail) => {
    this.lines.push(`  ! ${code} at ${offset}: ${detail}`);
  };

  private contributor(start: number, hidden: boolean): void {
    const { view } = this.dgram;
    const src = view.getUint32(start + XTC.src, true);
    const damage = damageNames(view.getUint16(start + XTC.damage, true));
    const notes = [...damage, ...(hidden ? ['hidden'] : [])];
    const size = view.getUint32(start + XTC.extent, true);
    this.lines.push(
      `  contributor ${namesIdOf(src)} ${levelName(src >>> 28)}, ${size} bytes${notes.length > 0 ? `, ${notes.join(',')}` : ''}`,
    );
  }

  private describe(names: NamesBlock): void {
    this.lines.push(`  names ${titleOf(names)}, type ${names.detType || '-'}, id ${names.detId || '-'}`);
    const width = widest(names.fields.map((field) => field.name));
    for (const field of names.fields) {
      const own = field.alg ? `  ${field.alg} ${formatVersion(field.version)}` : '';
      const rank =
        field.rank === 0 ? '' : field.rank > MAX_SHAPE_SLOTS ? `[rank ${field.rank}]` : `[${'x'.repeat(field.rank)}]`;
      this.lines.push(`    ${field.name.padEnd(width)}  ${fieldTypeName(field.type)}${rank}${own}`);
    }
  }

  private headerDamage(start: number, type: number, names: NamesBlock | undefined): void {
    const damage = this.dgram.view.getUint16(start + XTC.damage, true);
    if (damage !== 0) this.damageLine(type, names, damage);
  }

  private damageLine(type: number, names: NamesBlock | undefined, damage: number): void {
    const who = names ? titleOf(names) : 'an unknown detector';
    this.lines.push(`  damage on ${xtcTypeName(type)} of ${who}: ${damageNames(damage).join(',')}`);
  }

  private values(block: ShapesData): void {
    const { names } = block;
    for (const [type, damage] of block.childDamage()) this.damageLine(type, names, damage);
    if (!this.options.wants(names)) return;
    this.lines.push(`  ${titleOf(names)}`);
    const shown = names.fields.filter((field) => field.index < block.count && this.options.wants(names, field));
    const types = shown.map((field) => typeText(block, field));
    const nameWidth = widest(shown.map((field) => field.name));
    const typeWidth = widest(types);
    shown.forEach((field, i) => {
      const value = valueText(block, field, this.walker.table, this.options.head);
      this.lines.push(`    ${field.name.padEnd(nameWidth)}  ${types[i]!.padEnd(typeWidth)}  ${value}`.trimEnd());
    });
  }
}

/** Not by spreading into Math.max: a damaged Names block can have more fields than a call can have arguments. */
function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}

/** `hsd_0 raw 2.3.42 (0x102)`. */
function titleOf(names: NamesBlock): string {
  return `${names.detName}_${names.segment} ${names.alg} ${formatVersion(names.version)} (${formatNamesId(names.id)})`;
}
