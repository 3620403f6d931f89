/** The transitions that a new worker must see to be where the others are: Configure, BeginRun, BeginStep, Enable, the last SlowUpdate. */

import { SERVICE } from '../xtc/service.ts';

export interface SeenTransition {
  bytes: Buffer;
  service: number;
  /** What worker 0 made of it. */
  result: Buffer;
}

/** What each ending transition takes away. */
const ENDS: Readonly<Record<number, readonly number[]>> = {
  [SERVICE.Unconfigure]: [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable, SERVICE.SlowUpdate],
  [SERVICE.EndRun]: [SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable, SERVICE.SlowUpdate],
  [SERVICE.EndStep]: [SERVICE.BeginStep, SERVICE.Enable],
  [SERVICE.Disable]: [SERVICE.Enable],
  [SERVICE.Configure]: [SERVICE.Configure, SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable, SERVICE.SlowUpdate],
  [SERVICE.BeginRun]: [SERVICE.BeginRun],
  [SERVICE.BeginStep]: [SERVICE.BeginStep],
  [SERVICE.Enable]: [SERVICE.Enable],
  [SERVICE.SlowUpdate]: [SERVICE.SlowUpdate],
};

const KEPT: ReadonlySet<number> = new Set([
  SERVICE.Configure,
  SERVICE.BeginRun,
  SERVICE.BeginStep,
  SERVICE.Enable,
  SERVICE.SlowUpdate,
]);

export class RunState {
  private seen: SeenTransition[] = [];

  /** In the order in which they came. */
  get transitions(): readonly SeenTransition[] {
    return this.seen;
  }

  apply(bytes: Buffer, service: number, result: Buffer): void {
    const ended = ENDS[service] ?? [];
    this.seen = this.seen.filter((transition) => !ended.includes(transition.service));
    if (KEPT.has(service)) this.seen.push({ bytes, service, result });
  }
}
