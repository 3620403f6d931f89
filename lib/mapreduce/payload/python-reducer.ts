/**
 * A reducer class in a Python process. What was reduced lies in the memory of that process: if it dies, a new one is given what the journal
 * still has, and then what was not answered, one by one, so that a result which kills processes is found and refused.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { encodeParameters } from './parameters.ts';
import { ChildGone, PythonChild, type PythonOptions } from './python-child.ts';
import { FINISH_LIMIT_MS, factsOf, finished } from './python-facts.ts';
import {
  BadSelection,
  type Beginning,
  type Failure,
  type Parameters,
  type PayloadFacts,
  PayloadFailed,
  type ReducerPayload,
  type ResultInput,
  type ResultOutcome,
  type Selection,
  type TreeNode,
  type TreeValue,
} from './types.ts';

const MOST_DEATHS = 2;
const MOST_RESTARTS_IN_A_ROW = 5;
const RESTART_MS = 100;

type Facts = PayloadFacts & { readonly timer: boolean };

export class PythonReducer implements ReducerPayload {
  readonly #options: PythonOptions;
  #child: PythonChild;
  #facts: Facts;
  #beginning: Beginning | undefined;
  /** Calls are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #deathsInARow = 0;
  restarts = 0;
  forgotten: () => AsyncIterable<readonly ResultInput[]> = async function* () {};

  private constructor(options: PythonOptions, child: PythonChild, facts: Facts) {
    this.#options = options;
    this.#child = child;
    this.#facts = facts;
  }

  /** @throws PayloadFailed if the class cannot be loaded, ChildGone */
  static async open(options: PythonOptions): Promise<PythonReducer> {
    const child = new PythonChild(options);
    return new PythonReducer(options, child, factsOf(await child.facts));
  }

  get facts(): PayloadFacts {
    return this.#facts;
  }

  get acceptsPickle(): boolean {
    return this.#options.acceptPickle;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  begin(beginning: Beginning): Promise<void> {
    return this.#next(async () => {
      this.#beginning = beginning;
      await this.#tellBeginning();
    });
  }

  async #tellBeginning(): Promise<void> {
    const { map, name, parameters, state } = this.#beginning!;
    const { head, blobs } = encodeParameters(parameters);
    const question = { do: 'begin', ...head, state: { ...state, mapping_uuid: map, name } };
    await this.#child.ask(question, blobs, FINISH_LIMIT_MS);
    clearTimeout(this.#timer);
    if (this.#facts.timer) this.#callTimer();
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  setParameters(parameters: Parameters): void {
    if (this.#beginning) this.#beginning = { ...this.#beginning, parameters };
    const { head, blobs } = encodeParameters(parameters);
    this.#child.ask({ do: 'parameters', ...head }, blobs).catch(() => {});
  }

  #callTimer(): void {
    const child = this.#child;
    child.raw({ do: 'timer' }, []).then(
      ({ head }) => {
        if (head.error) this.#options.say(`timer: ${(head.error as Failure).text}`);
        if (this.#closed || child !== this.#child) return;
        this.#timer = setTimeout(() => this.#callTimer(), 1000 * Math.max(0.001, Number(head.next ?? 1)));
      },
      () => {},
    );
  }

  process(results: readonly ResultInput[]): Promise<readonly ResultOutcome[]> {
    return this.#next(async () => {
      try {
        return await this.#ask(results);
      } catch (error) {
        return this.#recover(error as Error, results);
      }
    });
  }

  async #ask(results: readonly ResultInput[]): Promise<ResultOutcome[]> {
    const heads = results.map((one) => [one.event_number, one.worker, one.parameters_hash, one.encoding]);
    const bodies = results.map(({ body }) => body);
    const { head } = await this.#child.ask({ do: 'results', results: heads }, bodies);
    this.#deathsInARow = 0;
    const outcomes: ResultOutcome[] = results.map(() => ({}));
    for (const [place, unread, failure] of head.failures as [number, boolean, Failure][])
      outcomes[place] = { failure, unread };
    return outcomes;
  }

  async #recover(error: Error, results: readonly ResultInput[]): Promise<readonly ResultOutcome[]> {
    await this.#restart(error);
    const outcomes: ResultOutcome[] = [];
    for (const result of results) outcomes.push(await this.#carefully(result, results, outcomes));
    return outcomes;
  }

  /** One result alone. Each process that dies at it takes along what this call had done before, so that is given again. */
  async #carefully(
    result: ResultInput,
    results: readonly ResultInput[],
    before: readonly ResultOutcome[],
  ): Promise<ResultOutcome> {
    const good = results.filter((_, i) => before[i] && before[i].failure === undefined);
    for (let deaths = results.length === 1 ? 1 : 0; ; ) {
      try {
        return (await this.#ask([result]))[0]!;
      } catch (error) {
        await this.#restart(error as Error);
        if (good.length > 0) await this.#ask(good);
        if (++deaths >= MOST_DEATHS) return { failure: { text: (error as Error).message, place: '', traceback: '' } };
      }
    }
  }

  /** @throws PayloadFailed, ChildGone if it cannot be brought up again */
  async #restart(error: Error): Promise<void> {
    if (!(error instanceof ChildGone) || this.#closed || ++this.#deathsInARow > MOST_RESTARTS_IN_A_ROW) throw error;
    this.#options.say(`${error.message}; it is started anew`);
    clearTimeout(this.#timer);
    await this.#child.close();
    if (this.restarts++ > 0) await sleep(RESTART_MS);
    this.#child = new PythonChild(this.#options);
    this.#facts = factsOf(await this.#child.facts);
    if (!this.#beginning) return;
    await this.#tellBeginning();
    for await (const batch of this.forgotten()) await this.#ask(batch);
  }

  async node(path: readonly string[]): Promise<TreeNode | undefined> {
    const { head } = await this.#child.ask({ do: 'node', path }, []);
    return (head.node ?? undefined) as TreeNode | undefined;
  }

  async value(path: readonly string[], select: Selection | undefined): Promise<TreeValue | undefined> {
    const { head, blobs } = await this.#child.raw({ do: 'value', path, select: select ?? null }, []);
    const failure = head.error as Failure | undefined;
    if (failure?.text.startsWith('NoSuchSelection: ')) throw new BadSelection(failure.text);
    if (failure) throw new PayloadFailed(this.#options.path, failure);
    if (head.none === true) return undefined;
    return blobs[0] ? { bytes: blobs[0] } : { json: head.value };
  }

  finish(): Promise<Failure | undefined> {
    return this.#next(() => finished(this.#child));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#child.ask({ do: 'close' }).catch(() => {});
    await this.#child.close();
  }
}
