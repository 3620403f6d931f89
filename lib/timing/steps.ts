/** A long calculation that pauses after each machine period, so that a caller with signals to serve can stop between two. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs a calculation to its end. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
