/** What a client that comes late must have seen: the Configure, and the transitions that have begun something and not ended it. */

import { SERVICE } from '../../xtc/service.ts';

const ENDS: Readonly<Record<number, number>> = {
  [SERVICE.EndRun]: SERVICE.BeginRun,
  [SERVICE.EndStep]: SERVICE.BeginStep,
  [SERVICE.Disable]: SERVICE.Enable,
};
const BEGINS: readonly number[] = [SERVICE.BeginRun, SERVICE.BeginStep, SERVICE.Enable];

export class OpenTransitions {
  private open: { service: number; dgram: Buffer }[] = [];

  /** In the order in which they came. */
  get dgrams(): readonly Buffer[] {
    return this.open.map(({ dgram }) => dgram);
  }

  /** @param dgram stays as it is */
  take(service: number, dgram: Buffer): void {
    if (service === SERVICE.Configure || service === SERVICE.Unconfigure) this.open = [];
    const begun = ENDS[service];
    if (begun !== undefined) this.open = this.open.filter((other) => other.service !== begun);
    if (service === SERVICE.Configure || BEGINS.includes(service)) this.open.push({ service, dgram });
  }
}
