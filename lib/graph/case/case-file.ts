/** Case files: a graph and a script, played in process and always with the same result (spec graph.md 5). */

import { InputError } from '../../errors.ts';
import type { CompileOptions } from '../compile/compile.ts';
import { graphFrom, nodeFrom } from '../compile/graph-file.ts';
import type { GraphSpec, NodeSpec } from '../types.ts';
import { type Value, valueFromJson } from '../value.ts';

export type Step =
  | {
      readonly kind: 'event';
      readonly number: number;
      readonly worker: number;
      readonly data: ReadonlyMap<string, Value | undefined>;
    }
  | { readonly kind: 'issue'; readonly heartbeat: number }
  | { readonly kind: 'answer'; readonly heartbeat: number; readonly worker: number }
  | { readonly kind: 'deadline'; readonly heartbeat: number }
  | { readonly kind: 'transition'; readonly name: string }
  | { readonly kind: 'change'; readonly change: GraphChange; readonly from: number }
  | { readonly kind: 'end' };

export interface GraphChange {
  readonly add: readonly NodeSpec[];
  readonly remove: readonly string[];
  readonly outputs: readonly string[] | undefined;
}

/** One call of an operation (kind `calls`): with an event's data, or with what an earlier call left behind. */
export interface Call {
  readonly instance: number;
  readonly place: 'worker' | 'localCollector' | 'globalCollector';
  readonly data: ReadonlyMap<string, Value | undefined> | undefined;
  readonly from: number | undefined;
}

export interface GraphCase {
  readonly name: string;
  readonly kind: 'run' | 'calls' | 'plan' | 'compile';
  readonly graph: GraphSpec;
  readonly depth: number;
  readonly cluster: Pick<CompileOptions, 'workers' | 'collectors'>;
  readonly steps: readonly Step[];
  readonly calls: readonly Call[];
}

type Json = Readonly<Record<string, unknown>>;

/** @throws InputError with the file and the number of the step */
export function readCase(text: string, file: string): GraphCase {
  const fail = (message: string, cause?: unknown): never => {
    throw new InputError(message, { place: { file }, cause });
  };
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch (error) {
    return fail(`this is no JSON: ${(error as Error).message}`, error);
  }
  if (document.format !== 'graph-case/1') return fail('this is no case file: format is not graph-case/1');
  const kind = (['run', 'calls', 'plan', 'compile'] as const).find((one) => one === document.kind);
  if (!kind) return fail(`kind is run, calls, plan or compile, not ${JSON.stringify(document.kind)}`);
  const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
  return {
    name: String(document.case ?? ''),
    kind,
    graph: graphFrom(document.graph, file),
    depth: whole(document.depth ?? 1, 'depth', fail),
    cluster: {
      workers: whole(document.workers ?? 1, 'workers', fail),
      collectors: whole(document.collectors ?? 1, 'collectors', fail),
    },
    steps: list(document.steps).map((step, i) => stepFrom(step, (message) => fail(`step ${i}: ${message}`))),
    calls: list(document.calls).map((call, i) => callFrom(call, (message) => fail(`call ${i}: ${message}`))),
  };
}

type Fail = (message: string) => never;

function whole(value: unknown, what: string, fail: Fail): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(`${what} is a whole number, not ${JSON.stringify(value)}`);
}

function dataFrom(value: unknown): ReadonlyMap<string, Value | undefined> {
  return new Map(Object.entries((value ?? {}) as Json).map(([name, item]) => [name, valueFromJson(item)]));
}

function stepFrom(step: Json, fail: Fail): Step {
  if ('event' in step) {
    const worker = whole(step.worker, 'worker', fail);
    return { kind: 'event', number: whole(step.event, 'event', fail), worker, data: dataFrom(step.data) };
  }
  if ('issue' in step) return { kind: 'issue', heartbeat: whole(step.issue, 'issue', fail) };
  if ('answer' in step)
    return {
      kind: 'answer',
      heartbeat: whole(step.answer, 'answer', fail),
      worker: whole(step.worker, 'worker', fail),
    };
  if ('deadline' in step) return { kind: 'deadline', heartbeat: whole(step.deadline, 'deadline', fail) };
  if ('transition' in step) return { kind: 'transition', name: String(step.transition) };
  if ('change' in step) {
    const change = step.change as Json;
    const outputs = Array.isArray(change.outputs) ? change.outputs.map(String) : undefined;
    const add = (Array.isArray(change.add) ? change.add : []).map((node) => nodeFrom(node, fail));
    const remove = (Array.isArray(change.remove) ? change.remove : []).map(String);
    return { kind: 'change', change: { add, remove, outputs }, from: whole(step.from, 'from', fail) };
  }
  if ('end' in step) return { kind: 'end' };
  return fail(`there is no such step: ${JSON.stringify(step)}`);
}

function callFrom(call: Json, fail: Fail): Call {
  const place = (['worker', 'localCollector', 'globalCollector'] as const).find((one) => one === call.place);
  if (!place) return fail(`place is worker, localCollector or globalCollector, not ${JSON.stringify(call.place)}`);
  return {
    instance: whole(call.instance ?? 0, 'instance', fail),
    place,
    data: 'data' in call ? dataFrom(call.data) : undefined,
    from: 'from' in call ? whole(call.from, 'from', fail) : undefined,
  };
}

/** A graph after a change: an added id that exists is replaced. */
export function changed(graph: GraphSpec, { add, remove, outputs }: GraphChange): GraphSpec {
  const gone = new Set([...remove, ...add.map(({ id }) => id)]);
  const nodes = [...graph.nodes.filter(({ id }) => !gone.has(id)), ...add];
  return { ...graph, nodes, outputs: outputs ?? graph.outputs };
}
