/** Plans: the finished bytes of an event with a given set of units, and where to patch them. */

import { DGRAM, XTC } from '../xtc/layout.ts';
import { type BlockPlace, type DgramTemplate, TemplateBuilder } from '../xtc/template.ts';
import type { FramePool } from './frames.ts';
import { combine, FLAGS, type Injector } from './injection.ts';
import type { Fill, Moment } from './moment.ts';
import type { OutBlock } from './out-block.ts';
import type { CompiledBlock, Contributor, Unit } from './units.ts';

/** Level Event, as the root of event-built dgrams has it. */
export const LEVEL_EVENT = 0x1000_0000;

interface UnitPlace {
  unit: Unit;
  /** Position of the header of the nested Parent; -1 in flat dgrams. */
  parent: number;
  blocks: BlockPlace[];
}

/** How the dgrams of a lane are built. */
export interface Arrangement {
  contributors: readonly Contributor[];
  /** One nested Parent per contributor. */
  nested: boolean;
}

export class Plan {
  /** Bytes of a dgram, frames included. */
  readonly size: number;
  readonly units: readonly Unit[];
  private readonly template: DgramTemplate;
  private readonly fills: Fill[] = [];
  private readonly at: number[] = [];
  private readonly frames: FramePool[] = [];
  private readonly framesAt: number[] = [];
  private readonly places: UnitPlace[] = [];

  /** @param takes tells which units belong to the event */
  constructor({ contributors, nested }: Arrangement, takes: (unit: Unit) => boolean) {
    const builder = new TemplateBuilder();
    builder.begin(nested ? LEVEL_EVENT : contributors[0]!.node);
    const constants: { at: number; bytes: Buffer }[] = [];
    for (const { node, units } of contributors) {
      const taken = units.filter(takes);
      if (taken.length === 0) continue;
      const parent = nested ? builder.beginParent(node) : -1;
      for (const unit of taken) {
        const blocks = unit.blocks.map((block) => this.addBlock(builder, block, constants));
        this.places.push({ unit, parent, blocks });
      }
      if (nested) builder.endParent();
    }
    this.template = builder.finish();
    this.size = this.template.size;
    this.units = this.places.map(({ unit }) => unit);
    for (const { at, bytes } of constants) this.template.bytes.set(bytes, at);
  }

  private addBlock(
    builder: TemplateBuilder,
    { names, fields }: CompiledBlock,
    constants: { at: number; bytes: Buffer }[],
  ): BlockPlace {
    const place = builder.block(
      names,
      fields.map(({ shape }) => shape),
      (index) => fields[index]!.frames !== undefined,
    );
    fields.forEach(({ constant, fill, frames }, index) => {
      const at = place.fields[index]!;
      if (constant) constants.push({ at, bytes: constant });
      if (fill) {
        this.fills.push(fill);
        this.at.push(at);
      }
      if (frames) {
        this.frames.push(frames);
        this.framesAt.push(at);
      }
    });
    return place;
  }

  /** Writes one event. This is the hot path: a copy, the patches, and views of large frames. */
  write(moment: Moment, out: OutBlock, injected: Injector | undefined): void {
    const { template, fills, at, frames } = this;
    const start = out.reserve(template.bytes.length);
    const { bytes, view } = out;
    bytes.set(template.bytes, start);
    view.setUint32(start + DGRAM.nsec, moment.nsec, true);
    view.setUint32(start + DGRAM.sec, moment.sec, true);
    view.setUint32(start + DGRAM.env, moment.env, true);
    if (frames.length === 0) {
      for (let i = 0; i < fills.length; i++) fills[i]!(bytes, view, start + at[i]!, moment);
      if (injected) this.damage(view, start, injected);
      return;
    }
    // Frames are drawn first: some fields count what is in them.
    const drawn = frames.map((pool) => pool.draw());
    for (let i = 0; i < fills.length; i++) fills[i]!(bytes, view, start + at[i]!, moment);
    if (injected) this.damage(view, start, injected);
    for (let i = 0; i < drawn.length; i++) out.insert(start + this.framesAt[i]!, drawn[i]!);
  }

  private damage(view: DataView, start: number, injected: Injector): void {
    let root = injected.eventDamage;
    for (const { unit, parent, blocks } of this.places) {
      const own = injected.rootDamage.get(unit) ?? 0;
      const onBlock = injected.blockDamage.get(unit) ?? 0;
      const onData = injected.dataDamage.get(unit) ?? 0;
      for (const { header, data } of blocks) {
        if (onBlock !== 0) view.setUint16(start + header + XTC.damage, onBlock, true);
        if (onData !== 0) view.setUint16(start + data + XTC.damage, onData, true);
      }
      if (own === 0) continue;
      root = combine(root, parent < 0 ? own : own & FLAGS);
      if (parent >= 0) {
        const at = start + parent + XTC.damage;
        view.setUint16(at, combine(view.getUint16(at, true), own), true);
      }
    }
    view.setUint16(start + DGRAM.damage, root, true);
  }
}
