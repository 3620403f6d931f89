/** One Python process with a payload class in it: questions in order, one answer each (python/daqpipe/mapreduce/child.py). */

import { describeExit, type PythonProcess } from '../../python/process.ts';
import { startHost } from './python-host.ts';
import { type PipeMessage, pipeMessage } from './splitter.ts';
import { type Failure, PayloadFailed } from './types.ts';

export interface PythonOptions {
  /** Interpreter. */
  readonly python: string;
  /** `module:Class`. */
  readonly path: string;
  readonly role: 'worker' | 'reducer' | 'source';
  /** Put before what the payload prints. */
  readonly prefix: string;
  /** Milliseconds for an event or a result; 0: no limit. */
  readonly limit: number;
  /** Calls of one event before it counts as failed, less one. */
  readonly retries: number;
  readonly encoding: 'cbor' | 'pickle';
  readonly acceptPickle: boolean;
  /** `import dranspose` finds daqpipe.mapreduce. */
  readonly alias: boolean;
  readonly say: (message: string) => void;
}

/** The process has died or was killed because it hung. */
export class ChildGone extends Error {}

interface Waiting {
  readonly limit: number;
  /** Answers that are still to come. */
  left: number;
  readonly take: (answer: PipeMessage) => void;
  readonly fail: (error: Error) => void;
}

/** Importing libraries takes long on a loaded machine. */
const START_LIMIT_MS = 120_000;
const LOOK_MS = 250;

export class PythonChild {
  readonly #options: PythonOptions;
  readonly #process: PythonProcess;
  readonly #waiting: Waiting[] = [];
  readonly #watch: NodeJS.Timeout;
  /** Milliseconds since the first question in the line was begun, in looks. */
  #sinceAnswer = 0;
  #gone: Error | undefined;
  /** What it says of itself. */
  readonly facts: Promise<PipeMessage['head']>;

  constructor(options: PythonOptions) {
    this.#options = options;
    this.#process = startHost({
      python: options.python,
      module: 'child',
      prefix: options.prefix,
      take: (answer) => this.#answered(answer),
      broken: ({ message }) => this.#end(new ChildGone(`the Python payload writes to descriptor 4: ${message}`)),
    });
    void this.#process.exited.then((exit) =>
      this.#end(new ChildGone(`the Python payload ended: ${describeExit(exit)}`)),
    );
    // Counted in looks, not by the clock: while this process is stopped, time does not pass.
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    const { path, role, encoding, retries, acceptPickle, alias } = options;
    this.facts = this.ask(
      { path, role, encoding, retries, accept_pickle: acceptPickle, alias },
      [],
      START_LIMIT_MS,
    ).then(({ head }) => head);
    this.facts.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Asks; the answers come in the order of the questions.
   * @throws PayloadFailed with what the payload raised, ChildGone
   */
  async ask(head: object, blobs: readonly Uint8Array[] = [], limit = this.#options.limit): Promise<PipeMessage> {
    const answer = await this.raw(head, blobs, limit);
    const failure = answer.head.error as Failure | undefined;
    if (failure) throw new PayloadFailed(this.#options.path, failure);
    return answer;
  }

  /** As `ask`; what the payload raised is part of the answer. @throws ChildGone */
  raw(head: object, blobs: readonly Uint8Array[], limit = this.#options.limit): Promise<PipeMessage> {
    return new Promise((take, fail) => this.several(head, blobs, { limit, left: 1, take, fail }));
  }

  /** A question with several answers: `take` is called `left` times, or `fail` once. */
  several(head: object, blobs: readonly Uint8Array[], waiting: Waiting): void {
    if (this.#gone) return waiting.fail(this.#gone);
    this.#waiting.push(waiting);
    const { toProcess } = this.#process;
    toProcess.cork();
    for (const piece of pipeMessage(head, blobs)) toProcess.write(piece);
    process.nextTick(() => toProcess.uncork());
  }

  #answered(answer: PipeMessage): void {
    const first = this.#waiting[0];
    if (!first) throw new Error('an answer that nobody has asked for');
    this.#sinceAnswer = 0;
    first.left--;
    if (first.left === 0) this.#waiting.shift();
    first.take(answer);
  }

  #look(): void {
    const first = this.#waiting[0];
    if (!first) this.#sinceAnswer = 0;
    else if (first.limit > 0) {
      this.#sinceAnswer += LOOK_MS;
      if (this.#sinceAnswer > first.limit)
        this.#end(new ChildGone(`the Python payload has not answered for ${first.limit / 1000} s`));
    }
  }

  #end(error: Error): void {
    if (this.#gone) return;
    this.#gone = error;
    clearInterval(this.#watch);
    this.#process.signal('SIGKILL');
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
  }

  /** Ends the process, after what it has been asked. Works twice. */
  async close(): Promise<void> {
    this.#process.toProcess.end();
    clearInterval(this.#watch);
    const hard = setTimeout(() => this.#process.signal('SIGKILL'), 2000);
    await this.#process.exited;
    clearTimeout(hard);
  }
}
