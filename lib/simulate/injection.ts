/**
 * What goes wrong in an event, drawn before anything is written: damage, and contributions that are lost. A lost contribution is
 * DroppedContribution in everything else that belongs to the event, because the event builder's damage is ORed into the root of
 * every contributor (spec xtc2.md, section 6).
 */

import { DAMAGE } from '../xtc/damage.ts';
import type { DamageRule, RunDescription } from './description.ts';
import type { Moment } from './moment.ts';
import { Random } from './random.ts';
import type { Contributor, Unit } from './units.ts';

/** Damage in the flags of a parent; user values are not passed on. */
export const FLAGS = 0x0fff;

interface Victim {
  unit: Unit;
  random: Random;
}

export class Injector {
  /** Of the event drawn last: lost units, and damage of units. */
  readonly lost = new Set<Unit>();
  readonly blockDamage = new Map<Unit, number>();
  readonly dataDamage = new Map<Unit, number>();
  /** Damage of the root of a unit's contributor. */
  readonly rootDamage = new Map<Unit, number>();
  /** Damage of every root of the event. */
  eventDamage = 0;

  private readonly victims: readonly Victim[];
  private readonly rules: readonly DamageRule[];
  private readonly random: Random;

  constructor(run: RunDescription, contributors: readonly Contributor[]) {
    this.rules = run.damage;
    this.random = new Random(run.seed, 'damage');
    this.victims = contributors
      .flatMap(({ units }) => units)
      .filter(({ detector }) => detector.drop > 0 || detector.damage.length > 0)
      .map((unit) => ({ unit, random: new Random(run.seed, unit.detector.name, unit.segment, 'damage') }));
  }

  /** False if nothing can ever go wrong. */
  get active(): boolean {
    return this.victims.length > 0 || this.rules.length > 0;
  }

  /** Draws for an event; false if nothing goes wrong in it. */
  draw(moment: Moment): boolean {
    this.clear();
    for (const { damage, probability } of this.rules) {
      if (this.random.unit() < probability) this.eventDamage = combine(this.eventDamage, damage);
    }
    for (const victim of this.victims) {
      if (moment.groups & victim.unit.groupBit) this.drawUnit(victim);
    }
    if (this.lost.size > 0) this.eventDamage |= DAMAGE.DroppedContribution;
    return this.eventDamage !== 0 || this.blockDamage.size + this.dataDamage.size + this.rootDamage.size > 0;
  }

  private drawUnit({ unit, random }: Victim): void {
    const { drop, damage } = unit.detector;
    // Drawn even if nothing can be lost, so that rules of damage do not depend on `drop`.
    if (random.unit() < drop) {
      this.lost.add(unit);
      return;
    }
    for (const rule of damage) {
      if (random.unit() >= rule.probability) continue;
      if (rule.at === 'block') add(this.blockDamage, unit, rule.damage);
      if (rule.at === 'data') add(this.dataDamage, unit, rule.damage);
      add(this.rootDamage, unit, rule.at === 'root' ? rule.damage : rule.damage & FLAGS);
    }
  }

  private clear(): void {
    this.lost.clear();
    this.blockDamage.clear();
    this.dataDamage.clear();
    this.rootDamage.clear();
    this.eventDamage = 0;
  }
}

function add(to: Map<Unit, number>, unit: Unit, damage: number): void {
  to.set(unit, combine(to.get(unit) ?? 0, damage));
}

/** Flags are ORed; the user value is a number, of which the later one counts. */
export function combine(first: number, second: number): number {
  const user = second >>> 12 === 0 ? first : second;
  return ((first | second) & FLAGS) | (user & ~FLAGS);
}
