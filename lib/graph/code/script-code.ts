/** User code in `.py` files, in the Python process (spec graph.md 3.2). */

import type { Outcome, Row } from '../types.ts';
import type { Value } from '../value.ts';
import { type CodeFile, CodeProblem } from './file.ts';
import { type Answer, type Question, ScriptGone, type Scripts } from './scripts.ts';
import type { CodeParameters, MapCode, Reduction, UserCode } from './types.ts';
import { checkPorts, graphValue, portsOf } from './values.ts';

/** A node whose script hung or died so many times without an answer in between is switched off. */
const GONE_IN_A_ROW = 3;

/** @throws CodeProblem `bad-code` */
export function loadScript(
  scripts: Scripts,
  { path, sha256 }: CodeFile,
  name: string,
  wanted: UserCode['kind'],
  parameters: CodeParameters,
): UserCode {
  try {
    const { code, facts } = scripts.load({ path, sha256, name, kind: wanted, parameters });
    const caller = new Caller(scripts, code);
    if (wanted === 'map') return { kind: 'map', sha256, bind: (roles) => boundMap(caller, roles) };
    const ports = checkPorts(facts.ports);
    const hasTransition = facts.transition === true;
    return {
      kind: 'reduction',
      sha256,
      ports,
      bind: (roles) => boundReduction(caller, ports, roles, hasTransition),
    };
  } catch (error) {
    throw new CodeProblem('bad-code', `${path}: ${(error as Error).message}`, error);
  }
}

/** Questions about one piece of code. */
class Caller {
  readonly #scripts: Scripts;
  readonly #code: number;
  #goneInARow = 0;

  constructor(scripts: Scripts, code: number) {
    this.#scripts = scripts;
    this.#code = code;
  }

  /** @throws Error: the node fails */
  ask(question: Question): Answer {
    return this.#scripts.ask({ ...question, code: this.#code });
  }

  /**
   * Asks about many rows. One at which the script hangs or dies fails, and the others are asked about again: nothing has changed yet.
   * @returns the last answer, whose lists are by the rows that it names, and an outcome for every row
   */
  many<T>(question: Question, rows: readonly Row[], result: (answer: Answer, at: number) => T) {
    const outcomes = new Array<Outcome<T>>(rows.length);
    let left = rows.map((_, i) => i);
    let answer: Answer | undefined;
    while (left.length > 0 && !answer) {
      try {
        answer = this.ask({ ...question, ...columnsOf(left.map((i) => rows[i]!)) });
        this.#goneInARow = 0;
      } catch (error) {
        const failure = (error as Error).message;
        const off = error instanceof ScriptGone && ++this.#goneInARow >= GONE_IN_A_ROW;
        const guilty = error instanceof ScriptGone && !off ? left[error.row] : undefined;
        if (guilty !== undefined) outcomes[guilty] = { failure };
        else if (off || !(error instanceof ScriptGone)) {
          for (const i of left) outcomes[i] = off ? { failure, off } : { failure };
          this.#goneInARow = 0;
          left = [];
        }
        left = left.filter((i) => i !== guilty);
      }
    }
    const failures = new Map((answer?.failures ?? []) as readonly (readonly [number, string])[]);
    for (const [at, i] of answer ? left.entries() : []) {
      const failure = failures.get(at);
      outcomes[i] = failure === undefined ? outcomeOf(() => result(answer as Answer, at)) : { failure };
    }
    return { answer, outcomes };
  }
}

function outcomeOf<T>(result: () => T): Outcome<T> {
  try {
    return { result: result() };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

function columnsOf(rows: readonly Row[]): Question {
  const { heartbeat, worker } = rows[0]!.info;
  return { rows: rows.map(({ inputs }) => inputs), events: rows.map(({ info }) => info.event), heartbeat, worker };
}

function boundMap(caller: Caller, roles: readonly string[]): MapCode {
  const many = (rows: readonly Row[]): readonly Outcome<Value | undefined>[] =>
    caller.many({ do: 'map', roles }, rows, ({ results }, at) => graphValue((results as unknown[])[at])).outcomes;
  return {
    many,
    map(inputs, info) {
      return resultOf(many([{ inputs, info }])[0]!);
    },
  };
}

function boundReduction(
  caller: Caller,
  ports: readonly string[],
  roles: readonly string[],
  hasTransition: boolean,
): Reduction {
  const addMany = (state: unknown, rows: readonly Row[]) => {
    const { answer, outcomes } = caller.many({ do: 'add', roles, state }, rows, () => true);
    return { state: answer ? answer.state : state, outcomes };
  };
  const reduction: Reduction = {
    // The script makes it, at the first event.
    init: () => undefined,
    addMany,
    add(state, inputs, info) {
      const added = addMany(state, [{ inputs, info }]);
      resultOf(added.outcomes[0]!);
      return added.state;
    },
    merge: (a, b) => caller.ask({ do: 'merge', a, b }).state,
    output: (state) => portsOf(caller.ask({ do: 'output', state }).output, ports),
  };
  if (!hasTransition) return reduction;
  return { ...reduction, transition: (state, name) => caller.ask({ do: 'transition', state, name }).state };
}

function resultOf<T>(outcome: Outcome<T>): T {
  if ('failure' in outcome) throw new Error(outcome.failure);
  return outcome.result;
}
