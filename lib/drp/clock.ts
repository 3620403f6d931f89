/** Time as the pool sees it: real, or that of a simulation. */

export interface Clock {
  /** Milliseconds from some beginning. */
  now(): number;
  /** Does not keep the program alive by itself. */
  sleep(milliseconds: number): Promise<void>;
  /** Calls `action` again and again; the result ends that. */
  every(milliseconds: number, action: () => void): () => void;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds).unref()),
  every: (milliseconds, action) => {
    const timer = setInterval(action, milliseconds);
    return () => clearInterval(timer);
  },
};
