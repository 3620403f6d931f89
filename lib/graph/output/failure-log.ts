import type { FailureReport } from '../run/worker.ts';

const PAUSE_MS = 1000;

/** Failures of nodes for people: the first of each node and text, then at most one a second (spec graph.md 2.7). */
export class FailureLog {
  readonly #say: (message: string) => void;
  readonly #now: () => number;
  readonly #seen = new Set<string>();
  #last = Number.NEGATIVE_INFINITY;

  constructor(say: (message: string) => void, now: () => number) {
    this.#say = say;
    this.#now = now;
  }

  readonly add = ({ node, event, message, off }: FailureReport): void => {
    const text = `node ${node} failed: ${message}`;
    // Texts that differ in numbers only are one: "no element 17" and "no element 18".
    const kind = text.replace(/\d+(?:\.\d+)?/g, '#');
    const first = !this.#seen.has(kind) && this.#seen.size < 1000;
    const now = this.#now();
    if (!first && !off && now - this.#last < PAUSE_MS) return;
    this.#seen.add(kind);
    this.#last = now;
    this.#say(`${text} (event ${event})${off ? '; it is switched off: it failed on every event for long' : ''}`);
  };
}
