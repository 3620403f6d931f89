/** A graph that is to replace another: every process makes it ready first, and one that cannot refuses it for all. Pure. */

import type { Problem } from '../types.ts';
import type { GraphText } from './messages.ts';

export class Replacement {
  readonly graph: GraphText;
  /** Who asked, if it was not the manager itself. */
  readonly client: string | undefined;
  readonly #waiting: Map<string, string>;
  readonly #problems: Problem[] = [];

  /** @param processes names of all that must be ready, by route */
  constructor(graph: GraphText, client: string | undefined, processes: ReadonlyMap<string, string>) {
    this.graph = graph;
    this.client = client;
    this.#waiting = new Map(processes);
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get settled(): boolean {
    return this.#waiting.size === 0;
  }

  /** A process is ready, or says what is wrong with the graph where it is. */
  prepared(route: string, version: number, problems: readonly Problem[]): void {
    const name = this.#waiting.get(route);
    if (version !== this.graph.version || name === undefined) return;
    this.#waiting.delete(route);
    for (const problem of problems) this.#problems.push({ ...problem, message: `${problem.message} (${name})` });
  }

  /** A process has gone, and need not be ready. */
  gone(route: string): void {
    this.#waiting.delete(route);
  }

  /** Nobody waits any longer: whoever has not answered is a reason to refuse. */
  giveUp(): void {
    for (const name of this.#waiting.values())
      this.#problems.push({ error: 'code-mismatch', node: null, message: `${name} did not answer in time` });
    this.#waiting.clear();
  }
}
