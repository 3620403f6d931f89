/** Who takes part in a map: what the configurations say is turned into decisions for the log (spec mapreduce.md 3.2, 3.3). */

import { type Configs, type IngesterConfig, isOurs, type WorkerConfig } from '../redis/configs.ts';
import type { Decision } from '../redis/log.ts';
import type { Formation } from './formation.ts';
import type { Plan } from './plan.ts';

const GRACE_MS = 5000;

export class Membership {
  readonly #formation: Formation;
  readonly #decide: (decisions: readonly Decision[]) => void;
  /** By worker: service uuid, as it will be when everything that was decided has been applied. */
  readonly #announced = new Map<string, string>();
  readonly #graces = new Map<string, NodeJS.Timeout>();
  /** By ingester: the process that was there last, with nothing for one that is gone; and whether its successor has the frames too. */
  readonly #ingesters = new Map<string, { readonly service: string | undefined; readonly inherits: boolean }>();
  #evicted = -1;
  readonly #tellsAll: boolean;

  /** @param tellsAll an ingester that begins amid the map is told every event of which something may be done again */
  constructor(formation: Formation, decide: (decisions: readonly Decision[]) => void, tellsAll: boolean) {
    this.#formation = formation;
    this.#decide = decide;
    this.#tellsAll = tellsAll;
  }

  /** Takes over who was there. */
  begin(): void {
    for (const [name, { service }] of this.#formation.members) this.#announced.set(name, service);
  }

  joinsOf(workers: readonly WorkerConfig[]): Decision[] {
    return workers.map((config) => {
      this.#announced.set(config.name, config.service_uuid);
      return {
        op: 'join',
        worker: config.name,
        tags: config.tags,
        service: config.service_uuid,
        ours: isOurs(config),
      };
    });
  }

  see({ workers, ingesters }: Configs, uuid: string, plan: Plan): void {
    const there = new Map(workers.map((config) => [config.name, config]));
    const gone = [...this.#announced].filter(([name, service]) => there.get(name)?.service_uuid !== service);
    for (const [name] of gone) this.#announced.delete(name);
    const fresh = workers.filter(({ name, mapping_uuid }) => mapping_uuid === uuid && !this.#announced.has(name));
    const decisions: Decision[] = gone.map(([worker]) => ({ op: 'gone', worker }));
    const through = this.#lostThrough(ingesters, plan);
    if (through > this.#evicted) {
      this.#evicted = through;
      decisions.push({ op: 'evict', through });
    }
    this.#decide([...decisions, ...this.joinsOf(fresh)]);
  }

  /**
   * The next process of the name is told all that is open. It has every frame if it reads its sources again; else those that have yet to come,
   * and it says of the others that they are missing. Not with redo "group": what is done again without its frames would spoil what is done.
   */
  #isInherited(ours: boolean, { rereads }: IngesterConfig, { redo }: Plan): boolean {
    return ours && this.#tellsAll && (rereads === true || redo === 'rest');
  }

  /** Highest event whose frames some ingester does not hold any more; all that were published if one was restarted and the next process does not know them. */
  #lostThrough(ingesters: Configs['ingesters'], plan: Plan): number {
    let through = -1;
    const there = new Map(ingesters.map((config) => [config.name, config]));
    for (const { name, ours } of plan.ingesters) {
      const config = there.get(name);
      const before = this.#ingesters.get(name);
      const service = config?.service_uuid;
      if (before && before.service !== service && !before.inherits)
        through = Math.max(through, this.#formation.assigner.front - 1);
      const inherits = config ? this.#isInherited(ours && isOurs(config), config, plan) : before?.inherits === true;
      if (before || config) this.#ingesters.set(name, { service, inherits });
      if (ours && config?.held_from !== null && config?.held_from !== undefined)
        through = Math.max(through, config.held_from - 1);
    }
    return through;
  }

  /** 5 s after a death its results that never came are made again (spec 3.2). */
  watchGraces(): void {
    for (const worker of this.#formation.graces.keys()) {
      if (this.#graces.has(worker)) continue;
      const over = () => {
        this.#graces.delete(worker);
        this.#decide([{ op: 'grace', worker }]);
      };
      this.#graces.set(worker, setTimeout(over, GRACE_MS));
    }
  }

  close(): void {
    for (const timer of this.#graces.values()) clearTimeout(timer);
    this.#graces.clear();
  }
}
