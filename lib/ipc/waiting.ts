/** Waiting for another starter, in the thread: a start may block, because nothing else runs yet. */

/** Tries again and again, `pauseMs` apart, until there is a result; undefined when `tries` were not enough. */
export function waitFor<T>(attempt: () => T | undefined, tries: number, pauseMs: number): T | undefined {
  for (let left = tries; ; left--) {
    const result = attempt();
    if (result !== undefined || left <= 1) return result;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
}
