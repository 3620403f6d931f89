/** A Python class as a source, in a process of its own (python/daqpipe/mapreduce/source_child.py): questions with numbers, answers in any order. */

import { DaqError } from '../../errors.ts';
import { findInterpreter } from '../../python/interpreter.ts';
import { describeExit, type PythonProcess } from '../../python/process.ts';
import type { StreamData } from '../frames/types.ts';
import { startHost, streamsIn } from '../payload/python-host.ts';
import { type PipeMessage, pipeMessage } from '../payload/splitter.ts';
import { type Failure, PayloadFailed } from '../payload/types.ts';
import type { ScriptItem, ScriptRuntime } from './script.ts';

export interface PythonScriptOptions {
  /** `module:Class`. */
  readonly path: string;
  /** Interpreter; undefined: the first with numpy. */
  readonly python: string | undefined;
  /** `import dranspose` finds daqpipe.mapreduce. */
  readonly alias: boolean;
  /** Name of the ingester. */
  readonly name: string;
}

interface Waiting {
  take(answer: PipeMessage): void;
  fail(error: Error): void;
}

export class PythonScript implements ScriptRuntime {
  readonly #options: PythonScriptOptions;
  readonly #command: string;
  readonly #waiting = new Map<number, Waiting>();
  #process: PythonProcess | undefined;
  #number = 0;

  private constructor(options: PythonScriptOptions, command: string) {
    this.#options = options;
    this.#command = command;
  }

  /** @throws InputError if there is no Python, DaqError `script-failed` if the class cannot be loaded */
  static async open(options: PythonScriptOptions): Promise<PythonScript> {
    const { command } = await findInterpreter(options.python);
    const script = new PythonScript(options, command);
    try {
      await script.#start();
    } catch (error) {
      await script.close();
      throw new DaqError('script-failed', (error as Error).message);
    }
    return script;
  }

  async #start(): Promise<void> {
    const { path, alias } = this.#options;
    const child = startHost({
      python: this.#command,
      module: 'source_child',
      prefix: `${path.split(':').at(-1)}: `,
      take: (answer) => this.#answered(answer),
      broken: () => child.signal('SIGKILL'),
    });
    this.#process = child;
    void child.exited.then((exit) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      const error = new Error(`${path}: the process ended: ${describeExit(exit)}`);
      for (const { fail } of this.#waiting.values()) fail(error);
      this.#waiting.clear();
    });
    this.#number = 0;
    await this.#ask({ path, alias });
  }

  #answered(answer: PipeMessage): void {
    const id = Number(answer.head.id);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const error = answer.head.error as Failure | undefined;
    if (!error) waiting?.take(answer);
    else
      waiting?.fail(new Error(`${new PayloadFailed(this.#options.path, error).message}\n${error.traceback}`.trimEnd()));
  }

  #ask(question: object): Promise<PipeMessage> {
    const child = this.#process;
    if (!child) return Promise.reject(new Error(`${this.#options.path}: the process is gone`));
    const id = this.#number++;
    return new Promise((take, fail) => {
      this.#waiting.set(id, { take, fail });
      for (const piece of pipeMessage({ ...question, id })) child.toProcess.write(piece);
    });
  }

  /** A process that has died is followed by another one. */
  async begin(streams: readonly string[]): Promise<void> {
    if (!this.#process) await this.#start();
    await this.#ask({ do: 'begin', streams, name: this.#options.name });
  }

  async next(stream: string): Promise<ScriptItem> {
    const answer = await this.#ask({ do: 'next', stream });
    if (answer.head.end === true) return undefined;
    return answer.head.triggered === true ? 'triggered' : streamsIn(answer).get(stream);
  }

  async trigger(event: number): Promise<ReadonlyMap<string, StreamData> | undefined> {
    const answer = await this.#ask({ do: 'trigger', event });
    return answer.head.end === true ? undefined : streamsIn(answer);
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    child.toProcess.end();
    await child.stop();
  }
}
