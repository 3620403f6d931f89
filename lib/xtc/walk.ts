/**
 * The walk through the containers of a dgram (spec xtc2.md, sections 12 and 17 rules 4-7): every Parent, Names and ShapesData in
 * file order, whatever is wrong with their neighbours. The walker owns the descriptions of the stream.
 */

import { checkNames } from './check-names.ts';
import { DAMAGE } from './damage.ts';
import type { Dgram } from './dgram.ts';
import type { Report } from './finding.ts';
import { TYPE, XTC, xtcTypeName } from './layout.ts';
import { describeNames, formatNamesId, isNamesPayloadSize, type NamesBlock, NamesTable, namesIdOf } from './names.ts';
import { SERVICE } from './service.ts';
import { ShapesData } from './shapes-data.ts';

/** What a walk meets. All are optional; positions are in the dgram's block, `end` exclusive. */
export interface Visitor {
  /** A nested Parent (a contributor); its children follow, unless `hidden`. */
  parent?(start: number, end: number, hidden: boolean): void;
  /** A Names block that could be read. */
  names?(block: NamesBlock, start: number, end: number): void;
  /** A ShapesData block with a description. The object is reused: take what you need before returning. */
  data?(block: ShapesData): void;
  /**
   * Every Xtc header of a Names or ShapesData block, before it is decoded and whether it can be or not.
   * `names` is its description if that is known already.
   */
  header?(start: number, type: number, names: NamesBlock | undefined): void;
}

export interface WalkOptions {
  /** Decode payloads of Parents with Corrupted damage as well. Default false. */
  corrupted?: boolean;
}

const ignore: Report = () => {};

export class Walker {
  readonly table = new NamesTable();
  private readonly block = new ShapesData();
  private readonly corrupted: boolean;
  private definedHere = new Set<number>();
  private defining = false;
  // Of the dgram under way.
  private dgram!: Dgram;
  private visitor!: Visitor;
  private report: Report = ignore;
  private base = 0;

  constructor(options: WalkOptions = {}) {
    this.corrupted = options.corrupted ?? false;
  }

  /**
   * Walks one dgram. A Configure clears the descriptions first.
   * @param report called for every fault of child, Names, record, ShapesData, Shapes and Data level, and `hidden-payload`
   */
  walk(dgram: Dgram, visitor: Visitor, report: Report = ignore): void {
    this.dgram = dgram;
    this.visitor = visitor;
    this.report = report;
    this.base = dgram.offset - dgram.start;
    if (dgram.service === SERVICE.Configure) this.table.clear();
    if (this.defining) {
      this.definedHere.clear();
      this.defining = false;
    }
    if (!this.corrupted && dgram.damage & DAMAGE.Corrupted) {
      report('hidden-payload', dgram.offset, 'the dgram has Corrupted damage: its payload is not decoded');
      return;
    }
    this.children(dgram.payloadStart, dgram.end);
  }

  /** A walk that leaves the descriptions as they are: for a look ahead of the walk that counts. */
  look(dgram: Dgram, visitor: Visitor): void {
    this.table.beginTrial();
    try {
      this.walk(dgram, visitor);
    } finally {
      this.table.endTrial();
    }
  }

  /**
   * Walks everything between `from` and `end`. Nested Parents are kept on a stack of our own: 12 bytes are enough for one more level,
   * so a damaged dgram can be nested deeper than calls can.
   */
  private children(from: number, end: number): void {
    const { view } = this.dgram;
    const outer: number[] = [];
    let at = from;
    let stop = end;
    for (;;) {
      while (at >= stop) {
        if (outer.length === 0) return;
        stop = outer.pop()!;
      }
      const left = stop - at;
      const extent = left < XTC.size ? 0 : view.getUint32(at + XTC.extent, true);
      if (extent < XTC.size || extent > left) {
        this.badChild(at, extent, left);
        at = stop;
      } else if (this.child(at, at + extent)) {
        outer.push(stop);
        stop = at + extent;
        at += XTC.size;
      } else at += extent;
    }
  }

  private badChild(at: number, extent: number, left: number): void {
    const where = this.base + at;
    if (left < XTC.size) this.report('child-tail', where, `${left} bytes left in a container`);
    else if (extent < XTC.size) this.report('child-extent', where, `extent ${extent} is below 12`);
    else this.report('child-overrun', where, `extent ${extent}, but the container has ${left} bytes left`);
  }

  /** Takes one child; true if it is a Parent whose children come next. */
  private child(start: number, end: number): boolean {
    const { view } = this.dgram;
    const typeId = view.getUint16(start + XTC.typeId, true);
    const type = typeId & 0xfff;
    if (typeId !== type) this.report('type-version', this.base + start, `type version ${typeId >>> 12} is not 0`);
    if (type === TYPE.ShapesData) this.shapesData(start, end);
    else if (type === TYPE.Names) this.namesBlock(start, end);
    else if (type === TYPE.Parent) return this.parent(start, end);
    else this.report('unknown-type', this.base + start, `${xtcTypeName(type)} does not belong here: skipped`);
    return false;
  }

  /** True if the children are to be walked. */
  private parent(start: number, end: number): boolean {
    const damage = this.dgram.view.getUint16(start + XTC.damage, true);
    const hidden = !this.corrupted && (damage & DAMAGE.Corrupted) !== 0;
    this.visitor.parent?.(start, end, hidden);
    if (hidden) {
      this.report(
        'hidden-payload',
        this.base + start,
        'the contributor has Corrupted damage: its payload is not decoded',
      );
    }
    return !hidden;
  }

  private namesBlock(start: number, end: number): void {
    const { view, bytes } = this.dgram;
    const id = namesIdOf(view.getUint32(start + XTC.src, true));
    const size = end - start - XTC.size;
    if (!isNamesPayloadSize(size)) {
      this.visitor.header?.(start, TYPE.Names, undefined);
      this.report('names-size', this.base + start, `Names payload of ${size} bytes is not 1036 + 524 n`);
      return;
    }
    if (this.definedHere.has(id)) {
      this.report(
        'duplicate-namesid',
        this.base + start,
        `NamesId ${formatNamesId(id)} is described twice in one dgram`,
      );
    }
    this.definedHere.add(id);
    this.defining = true;
    const block = this.table.define(bytes, id, start + XTC.size, end);
    if (this.report !== ignore) checkNames(bytes, start, this.base, block, this.report);
    this.visitor.header?.(start, TYPE.Names, block);
    this.visitor.names?.(block, start, end);
  }

  private shapesData(start: number, end: number): void {
    const { view, bytes } = this.dgram;
    const id = namesIdOf(view.getUint32(start + XTC.src, true));
    const names = this.table.get(id);
    this.visitor.header?.(start, TYPE.ShapesData, names);
    if (!names) {
      this.report(
        'unknown-namesid',
        this.base + start,
        `no description of NamesId ${formatNamesId(id)} (a chunk file needs --config with the first chunk)`,
      );
      return;
    }
    const labels = names.labelFields.length > 0;
    if (!this.visitor.data && this.report === ignore && !labels) return;
    if (!this.block.open(bytes, view, start, end, this.base, names, this.report)) return;
    if (labels) this.table.learn(this.block);
    if (this.report !== ignore && names.textFields.length > 0) this.checkTexts(this.block);
    this.visitor.data?.(this.block);
  }

  private checkTexts(block: ShapesData): void {
    for (const { index, name } of block.names.textFields) {
      if (index >= block.count || !block.unterminated(index)) continue;
      const what = `${describeNames(block.names)}: text ${name} has no NUL within its ${block.byteLength(index)} bytes`;
      this.report('unterminated-string', this.base + block.dataHeader, what);
    }
  }
}
