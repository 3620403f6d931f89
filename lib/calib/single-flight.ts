/** The same thing asked for by many at the same time is done once, and all get its result, or its error. */

export class SingleFlight {
  private readonly underWay = new Map<string, Promise<unknown>>();

  /** @param joined called if somebody else's `start` serves this caller too */
  run<T>(key: string, start: () => Promise<T>, joined: () => void): Promise<T> {
    const before = this.underWay.get(key);
    if (before !== undefined) {
      joined();
      return before as Promise<T>;
    }
    const flight = start().finally(() => this.underWay.delete(key));
    this.underWay.set(key, flight);
    return flight;
  }
}
