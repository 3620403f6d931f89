/** Waiting for what others bring about: whoever changes something tells, whoever waits looks again. */
export class Changes {
  #waiting: (() => void)[] = [];
  #closed = false;

  tell(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** @returns false if the condition is not met in time, or nobody is to wait any more */
  async until(condition: () => boolean, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#closed) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  /** Nobody waits any longer. Works twice. */
  close(): void {
    this.#closed = true;
    this.tell();
  }
}
