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

/**
 * As Promise.all, but it fails only when everything has ended: nothing of a run that failed is under way when the next one begins.
 * @throws the first error in the order of the promises
 */
export async function allOf<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}
