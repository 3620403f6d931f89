/** What becomes of a dead worker's shares and bindings (spec mapreduce.md 3.2). */

import { type Bundles, connected, constraintsOf, type HeldConstraint } from './bundles.ts';
import { type Events, FREE, type Instance } from './events.ts';
import type { Ledger, Share } from './ledger.ts';
import type { AssignerOptions } from './types.ts';
import type { Seat } from './workers.ts';

/** The parts of the assigner that a death touches. */
export interface Bereaved {
  readonly events: Events;
  readonly ledger: Ledger;
  readonly bundles: Bundles;
  readonly redo: AssignerOptions['redo'];
  /** Whether the ingesters still hold the frames of a share. */
  framesHeld(share: Share): boolean;
  isStart(event: number): boolean;
}

export class Inheritance {
  readonly #state: Bereaved;

  constructor(state: Bereaved) {
    this.#state = state;
  }

  /** Shares of a dead worker that somebody else must do. */
  orphansOf(seat: Seat): Share[] {
    const orphans: Share[] = [];
    const own = seat.deliveries.map(({ share }) => share).filter(({ state }) => state === 'out');
    for (const share of [...new Set(own)].sort((a, b) => a.event - b.event)) {
      if (this.#state.ledger.isAccepted(share)) this.#state.ledger.move(share, 'done');
      else if (this.#nobodyMisses(share)) this.#state.ledger.move(share, 'dropped');
      else if (!this.#state.framesHeld(share)) this.#state.ledger.move(share, 'lost');
      else {
        this.#state.ledger.move(share, 'orphan');
        orphans.push(share);
      }
    }
    return orphans;
  }

  /** Frames for everybody, which others have got too; but a result that was promised and lost is made again. */
  #nobodyMisses(share: Share): boolean {
    if (constraintsOf(share).length > 0 || this.#state.ledger.isOutstanding(share)) return false;
    if (this.#state.isStart(share.event)) return true;
    const forEverybody = (other: Share) => other.entries.some(({ barrier }) => barrier >= 0);
    return this.#state.ledger
      .shares(share.event)
      .some((other) => other !== share && forEverybody(other) && (other.state === 'out' || other.state === 'done'));
  }

  /** Frees the constraints of a dead worker, except those that a bundle must hold. */
  holdAndFree(seat: Seat, orphans: readonly Share[], front: number): HeldConstraint[] {
    const held: HeldConstraint[] = [];
    for (const instance of this.#state.events.instances) {
      const needed = new Set(orphans.filter((share) => share.instance === instance).flatMap(constraintsOf));
      instance.holders.forEach((holder, constraint) => {
        if (holder !== seat.number) return;
        if (needed.has(constraint) || this.#groupIsBegun(instance, constraint, front))
          held.push({ instance, constraint });
        else instance.holders[constraint] = FREE;
      });
      // An orphan may carry constraints that have gone to somebody else meanwhile; those stay where they are.
    }
    return held;
  }

  /** redo "group": events of the constraint are done, others are not published yet. */
  #groupIsBegun({ begun, laid, start }: Instance, constraint: number, front: number): boolean {
    if (this.#state.redo !== 'group' || begun[constraint] !== 1) return false;
    return start + (laid.constraints[constraint]?.events.at(-1) ?? 0) >= front;
  }

  /** Puts what one successor must take together into bundles. */
  bundle(orphans: readonly Share[], held: readonly HeldConstraint[]): void {
    for (const { constraints, shares } of connected(held, orphans)) {
      const tags = new Set(
        constraints.flatMap(({ instance, constraint }) => instance.laid.constraints[constraint]!.tags),
      );
      this.#state.bundles.add([...shares, ...this.#doneBefore(constraints)], constraints, tags);
    }
    for (const share of orphans) {
      const inGroup = constraintsOf(share).some((constraint) =>
        held.some((one) => one.instance === share.instance && one.constraint === constraint),
      );
      if (!inGroup) this.#state.bundles.add([share], [], new Set(share.entries.flatMap(({ tags }) => tags)));
    }
  }

  /** redo "group": what was done of these constraints must be done again. */
  #doneBefore(constraints: readonly HeldConstraint[]): Share[] {
    if (this.#state.redo !== 'group') return [];
    const found = new Set<Share>();
    for (const { instance, constraint } of constraints) {
      for (const offset of instance.laid.constraints[constraint]!.events) {
        for (const share of this.#state.ledger.shares(instance.start + offset)) {
          if (share.state === 'done' && constraintsOf(share).includes(constraint)) found.add(share);
        }
      }
    }
    return [...found];
  }
}
