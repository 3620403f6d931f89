/**
 * The one Python process of this process. It keeps nothing between two questions: states are sent with the question and come back
 * with the answer. So a script that hangs or dies costs the event at which it did, and nothing that was gathered before.
 *
 * Questions are answered while the caller waits, because the graph is synchronous. A script that takes too long is killed.
 */

import { processStatus } from 'posix-ipc-shim';
import { findInterpreter } from '../../python/interpreter.ts';
import { ownPythonPath } from '../../python/own-path.ts';
import { PythonProcess } from '../../python/process.ts';
import { decodeFrame, encodeFrame } from '../wire/frame.ts';
import { Channel } from './channel.ts';

export interface ScriptOptions {
  /** Interpreter; the first with numpy if it is not named. */
  readonly python?: string | undefined;
  /** Milliseconds for one question. */
  readonly limit: number;
  readonly say: (message: string) => void;
}

/** Importing libraries takes long on a loaded machine. */
const START_LIMIT_MS = 60_000;
/** While waiting: how often it is asked whether the process lives. */
const LOOK_MS = 50;

/** The process hung or died. */
export class ScriptGone extends Error {
  /** Row of the question at which it was; -1 if at none. */
  readonly row: number;

  constructor(message: string, row: number) {
    super(message);
    this.row = row;
  }
}

export type Question = Readonly<Record<string, unknown>>;
export type Answer = Readonly<Record<string, unknown>>;

export class Scripts {
  readonly #python: string;
  readonly #options: ScriptOptions;
  readonly #loaded: Question[] = [];
  #running: { process: PythonProcess; channel: Channel } | undefined;
  #starts = 0;

  private constructor(python: string, options: ScriptOptions) {
    this.#python = python;
    this.#options = options;
  }

  /** @throws InputError if there is no Python */
  static async open(options: ScriptOptions): Promise<Scripts> {
    return new Scripts((await findInterpreter(options.python)).command, options);
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /**
   * Loads code, now and in every later process.
   * @returns its number for questions, and what it says about itself
   * @throws Error with what the script raised, ScriptGone
   */
  load(question: Question): { code: number; facts: Answer } {
    const load = { ...question, do: 'load', code: this.#loaded.length };
    const facts = this.ask(load, START_LIMIT_MS);
    this.#loaded.push(load);
    return { code: load.code, facts };
  }

  /**
   * Asks, and waits for the answer.
   * @throws Error with what the script raised, ScriptGone if it hung or died
   */
  ask(question: Question, limit = this.#options.limit): Answer {
    this.#running ??= this.#start();
    return this.#exchange(question, limit);
  }

  #start(): { process: PythonProcess; channel: Channel } {
    const channel = new Channel();
    const python = new PythonProcess({
      command: this.#python,
      args: ['-u', '-m', 'daqpipe.graph', '3', '4', '5', '6'],
      env: { PYTHONPATH: ownPythonPath() },
      descriptors: channel.descriptors,
      inheritOutput: true,
    });
    this.#running = { process: python, channel };
    if (this.#starts++ > 0) this.#options.say('the Python process of the graph is started again');
    for (const load of this.#loaded) this.#exchange(load, START_LIMIT_MS);
    return this.#running;
  }

  #exchange(question: Question, limit: number): Answer {
    const { process: python, channel } = this.#running!;
    channel.ask(encodeFrame(question));
    // Counted in waits, not by the clock: while this process is stopped, time does not pass.
    for (let waited = 0; !channel.wait(LOOK_MS); waited += LOOK_MS) {
      if (!isAlive(python)) throw this.#gone('it ended');
      if (waited >= limit) throw this.#gone(`it did not answer within ${limit / 1000} s`);
    }
    const answer = decodeFrame(channel.read()) as Answer;
    if (typeof answer.error === 'string') throw new Error(answer.error);
    return answer;
  }

  #gone(why: string): ScriptGone {
    const { process: python, channel } = this.#running!;
    const row = channel.rowsBegun - 1;
    this.#end();
    // It must not run any more when the next one starts.
    for (let look = 0; isAlive(python) && look < 100; look++) Atomics.wait(NEVER, 0, 0, 10);
    return new ScriptGone(`the script is gone: ${why}`, row);
  }

  #end(): void {
    const { process: python, channel } = this.#running!;
    python.signal('SIGKILL');
    channel.close();
    this.#running = undefined;
  }

  close(): void {
    if (this.#running) this.#end();
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** A zombie waits for our event loop, and does not run. */
function isAlive({ pid }: PythonProcess): boolean {
  const state = pid === undefined ? undefined : processStatus(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}
