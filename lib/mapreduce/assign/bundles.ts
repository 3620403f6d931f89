/** What a dead worker leaves behind: orphan shares that must go to one successor together (spec mapreduce.md 3.2). */

import { FREE, HELD, type Instance } from './events.ts';
import type { Share } from './ledger.ts';

export interface HeldConstraint {
  readonly instance: Instance;
  readonly constraint: number;
}

export interface Bundle {
  /** Age: bundles of one death are made in order. */
  readonly number: number;
  /** Orphans, and with redo "group" shares that are done and must be done again; ascending by event. */
  deliveries: Share[];
  readonly constraints: readonly HeldConstraint[];
  readonly tags: ReadonlySet<string>;
}

/** Untaken bundles, by their lowest event, then by age. */
export class Bundles {
  readonly #list: Bundle[] = [];
  #made = 0;

  get list(): readonly Bundle[] {
    return this.#list;
  }

  get made(): number {
    return this.#made;
  }

  /** Whether anything of an event waits for a successor. */
  has(event: number): boolean {
    return this.#list.some(({ deliveries }) => deliveries.some((share) => share.event === event));
  }

  /** Puts back what was saved. */
  restore(list: readonly Bundle[], made: number): void {
    this.#list.push(...list);
    this.#made = made;
  }

  add(deliveries: readonly Share[], constraints: readonly HeldConstraint[], tags: ReadonlySet<string>): void {
    const sorted = [...deliveries].sort((a, b) => a.event - b.event);
    this.#list.push({ number: this.#made++, deliveries: sorted, constraints, tags });
    for (const { instance, constraint } of constraints) instance.holders[constraint] = HELD;
    this.#list.sort((a, b) => (a.deliveries[0]?.event ?? 0) - (b.deliveries[0]?.event ?? 0) || a.number - b.number);
  }

  /** The first bundle that a worker with these tags can take; it is taken. */
  takeFor(tags: ReadonlySet<string>): Bundle | undefined {
    const at = this.#list.findIndex((bundle) => [...bundle.tags].every((tag) => tags.has(tag)));
    return at < 0 ? undefined : this.#list.splice(at, 1)[0];
  }

  /**
   * A share is an orphan no longer: it leaves its bundle. A bundle whose last orphan has left dissolves and frees its constraints.
   * @returns true if constraints became free
   */
  leave(share: Share): boolean {
    const at = this.#list.findIndex(({ deliveries }) => deliveries.includes(share));
    const bundle = this.#list[at];
    if (!bundle) return false;
    bundle.deliveries = bundle.deliveries.filter((one) => one !== share);
    if (bundle.deliveries.some(({ state }) => state === 'orphan')) return false;
    this.#list.splice(at, 1);
    for (const { instance, constraint } of bundle.constraints) instance.holders[constraint] = FREE;
    return bundle.constraints.length > 0;
  }
}

/** Constraints that meet in a share belong together, transitively. */
export function connected(
  held: readonly HeldConstraint[],
  meetings: readonly Share[],
): readonly { constraints: readonly HeldConstraint[]; shares: readonly Share[] }[] {
  const keyOf = ({ instance, constraint }: HeldConstraint) => `${instance.start} ${constraint}`;
  const parent = new Map<string, string>();
  for (const one of held) parent.set(keyOf(one), keyOf(one));
  const root = (key: string): string => {
    let at = key;
    while (parent.get(at) !== at) at = parent.get(at) as string;
    return at;
  };
  for (const share of meetings) {
    const keys = constraintsOf(share).map((constraint) => keyOf({ instance: share.instance, constraint }));
    const known = keys.filter((key) => parent.has(key));
    for (const key of known.slice(1)) parent.set(root(key), root(known[0] as string));
  }
  const groups = new Map<string, { constraints: HeldConstraint[]; shares: Share[] }>();
  for (const one of held) {
    const group = groups.get(root(keyOf(one))) ?? { constraints: [], shares: [] };
    groups.set(root(keyOf(one)), group);
    group.constraints.push(one);
  }
  for (const share of meetings) {
    const [first] = constraintsOf(share).filter((constraint) =>
      parent.has(keyOf({ instance: share.instance, constraint })),
    );
    if (first !== undefined)
      groups.get(root(keyOf({ instance: share.instance, constraint: first })))?.shares.push(share);
  }
  return [...groups.values()];
}

/** Constraints of a share, each once. */
export function constraintsOf({ entries }: Share): number[] {
  return [...new Set(entries.map(({ constraint }) => constraint).filter((constraint) => constraint >= 0))];
}
