/**
 * A reducer class in a Python process. What was reduced lies in the memory of that process: if it dies, a new one is given what the journal
 * still has, and then what was not answered, one by one, so that a result which kills processes is found and refused.
 */

import { ChildGone, type PythonOptions } from './python-child.ts';
import { PythonClass } from './python-class.ts';
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

export class PythonReducer implements ReducerPayload {
  readonly #class: PythonClass;
  /** Calls are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #deathsInARow = 0;
  forgotten: () => AsyncIterable<readonly ResultInput[]> = async function* () {};

  private constructor(made: PythonClass) {
    this.#class = made;
  }

  /** @throws PayloadFailed if the class cannot be loaded, ChildGone */
  static async open(options: PythonOptions): Promise<PythonReducer> {
    return new PythonReducer(await PythonClass.open(options));
  }

  get facts(): PayloadFacts {
    return this.#class.facts;
  }

  get acceptsPickle(): boolean {
    return this.#class.options.acceptPickle;
  }

  get pid(): number | undefined {
    return this.#class.child.pid;
  }

  get restarts(): number {
    return this.#class.restarts;
  }

  begin(beginning: Beginning): Promise<void> {
    return this.#next(async () => {
      await this.#class.begin(beginning);
      this.#startTimer();
    });
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    if (this.#class.facts.timer) this.#callTimer();
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  setParameters(parameters: Parameters): void {
    this.#class.setParameters(parameters);
  }

  #callTimer(): void {
    const { child } = this.#class;
    child.raw({ do: 'timer' }, []).then(
      ({ head }) => {
        if (head.error) this.#class.options.say(`timer: ${(head.error as Failure).text}`);
        if (this.#closed || child !== this.#class.child) return;
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
    const { head } = await this.#class.child.ask({ do: 'results', results: heads }, bodies);
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
    this.#class.options.say(`${error.message}; it is started anew`);
    clearTimeout(this.#timer);
    if (!(await this.#class.restart())) return;
    this.#startTimer();
    for await (const batch of this.forgotten()) await this.#ask(batch);
  }

  async node(path: readonly string[]): Promise<TreeNode | undefined> {
    const { head } = await this.#class.child.ask({ do: 'node', path }, []);
    return (head.node ?? undefined) as TreeNode | undefined;
  }

  async value(path: readonly string[], select: Selection | undefined): Promise<TreeValue | undefined> {
    const { head, blobs } = await this.#class.child.raw({ do: 'value', path, select: select ?? null }, []);
    const failure = head.error as Failure | undefined;
    if (failure?.text.startsWith('NoSuchSelection: ')) throw new BadSelection(failure.text);
    if (failure) throw new PayloadFailed(this.#class.options.path, failure);
    if (head.none === true) return undefined;
    return blobs[0] ? { bytes: blobs[0] } : { json: head.value };
  }

  finish(): Promise<Failure | undefined> {
    return this.#next(() => this.#class.finish());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#class.close();
  }
}
