/** A user's worker or reducer class over the processes in which it lives: when one has died, the next is told what the last one knew. */

import { setTimeout as sleep } from 'node:timers/promises';
import { readDescription } from '../redis/parameters.ts';
import { encodeParameters } from './parameters.ts';
import { PythonChild, type PythonOptions } from './python-child.ts';
import type { PipeMessage } from './splitter.ts';
import { type Beginning, type Failure, type Parameters, type PayloadFacts, PayloadFailed } from './types.ts';

/** For hooks that write files and the like. */
const HOOK_LIMIT_MS = 600_000;
/** A class that dies at once must not keep a core busy. */
const RESTART_MS = 100;

type Head = PipeMessage['head'];

export class PythonClass {
  readonly options: PythonOptions;
  /** The process that runs now. */
  child: PythonChild;
  facts: PayloadFacts & { readonly timer: boolean };
  restarts = 0;
  #beginning: Beginning | undefined;

  private constructor(options: PythonOptions, child: PythonChild, head: Head) {
    this.options = options;
    this.child = child;
    this.facts = factsOf(head);
  }

  /** @throws PayloadFailed if the class cannot be loaded, ChildGone */
  static async open(options: PythonOptions): Promise<PythonClass> {
    const child = new PythonChild(options);
    return new PythonClass(options, child, await child.facts);
  }

  /** A new object for a new map. @throws PayloadFailed, ChildGone */
  async begin(beginning: Beginning): Promise<Head> {
    this.#beginning = beginning;
    const { map, name, parameters, state } = beginning;
    const { head, blobs } = encodeParameters(parameters);
    const question = { do: 'begin', ...head, state: { ...state, mapping_uuid: map, name } };
    return (await this.child.ask(question, blobs, HOOK_LIMIT_MS)).head;
  }

  setParameters(parameters: Parameters): void {
    if (this.#beginning) this.#beginning = { ...this.#beginning, parameters };
    const { head, blobs } = encodeParameters(parameters);
    // A process that has died is told by its successor's beginning.
    this.child.ask({ do: 'parameters', ...head }, blobs).catch(() => {});
  }

  /** Another process for one that has died. @returns whether there is a map, and it was told. @throws PayloadFailed, ChildGone */
  async restart(): Promise<boolean> {
    await this.child.close();
    if (this.restarts++ > 0) await sleep(RESTART_MS);
    this.child = new PythonChild(this.options);
    this.facts = factsOf(await this.child.facts);
    if (this.#beginning) await this.begin(this.#beginning);
    return this.#beginning !== undefined;
  }

  /** The finish hook. @returns what it raised, or that the process died in it */
  async finish(): Promise<Failure | undefined> {
    try {
      await this.child.ask({ do: 'finish' }, [], HOOK_LIMIT_MS);
      return undefined;
    } catch (error) {
      if (error instanceof PayloadFailed) return error.failure;
      return { text: (error as Error).message, place: '', traceback: '' };
    }
  }

  async close(): Promise<void> {
    await this.child.ask({ do: 'close' }).catch(() => {});
    await this.child.close();
  }
}

/** @throws BadRecord if a parameter is described in a way that is not understood */
function factsOf(head: Head): PythonClass['facts'] {
  return {
    descriptions: (head.descriptions as readonly object[]).map((one) => readDescription(JSON.stringify(one))),
    stateful: head.stateful === true,
    acceptMissing: head.accept_missing === true,
    timer: head.timer === true,
  };
}
