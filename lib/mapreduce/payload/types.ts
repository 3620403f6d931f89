/**
 * Payloads: the user's code, as worker and reducer see it. Two runtimes: a JavaScript module in this process, a Python class in a process of
 * its own.
 */

import type { StreamData } from '../frames/types.ts';
import type { Parameter, ParameterDescription } from '../redis/parameters.ts';

/** What a class says about itself. */
export interface PayloadFacts {
  readonly descriptions: readonly ParameterDescription[];
  /** It keeps something over the events of a constraint (spec 3.2: redo "group"). */
  readonly stateful: boolean;
  /** It takes events in which a stream is missing (spec 3.6). */
  readonly acceptMissing: boolean;
}

export type Parameters = ReadonlyMap<string, Parameter>;

/** A new object is made for each map; what it is told of its service. */
export interface Beginning {
  readonly map: string;
  readonly name: string;
  readonly parameters: Parameters;
  /** Further fields of the service's configuration. */
  readonly state: Readonly<Record<string, unknown>>;
}

export interface EventInput {
  readonly event_number: number;
  readonly streams: ReadonlyMap<string, StreamData>;
  /** Once per interval of the payload, over all workers. */
  readonly tick: boolean;
}

export type Encoding = 'cbor' | 'json' | 'raw' | 'pickle';

/** What user code raised. */
export interface Failure {
  readonly text: string;
  /** `file:line`, or what else tells places apart. */
  readonly place: string;
  readonly traceback: string;
}

export interface EventOutcome {
  /** The result; undefined: none. */
  readonly body?: Buffer;
  readonly failure?: Failure;
  /** In user code. */
  readonly seconds: number;
}

interface Payload {
  readonly facts: PayloadFacts;
  /** Processes that were started anew, with an empty context. */
  readonly restarts: number;
  /** New values; they hold from the next event or result on. */
  setParameters(parameters: Parameters): void;
  /** @returns what the hook raised */
  finish(): Promise<Failure | undefined>;
  close(): Promise<void>;
}

export interface WorkerPayload extends Payload {
  /** It opens frames in shared memory on its own; for others they are opened before. */
  readonly readsShared?: true;
  readonly encoding: Encoding;
  /** @returns seconds between ticks; undefined: no ticks. @throws PayloadFailed */
  begin(beginning: Beginning): Promise<number | undefined>;
  /** One after the other, in the order of the calls. Never rejects. */
  process(event: EventInput): Promise<EventOutcome>;
}

export interface ResultInput {
  readonly event_number: number;
  readonly worker: string;
  readonly parameters_hash: string | null;
  readonly encoding: Encoding;
  readonly body: Buffer;
}

export interface ResultOutcome {
  readonly failure?: Failure;
  /** The result could not even be read. */
  readonly unread?: boolean;
}

/** Per dimension first, end and step. */
export type Selection = readonly (readonly [number, number, number])[];

export interface ReducerPayload extends Payload, PublishedTree {
  readonly acceptsPickle: boolean;
  /** @throws PayloadFailed */
  begin(beginning: Beginning): Promise<void>;
  /**
   * One after the other, in the order of the calls. Never rejects.
   * @returns one outcome per result
   */
  process(results: readonly ResultInput[]): Promise<readonly ResultOutcome[]>;
  /** Asked when the process that held what was reduced has died: what there is to be reduced again. */
  forgotten: () => AsyncIterable<readonly ResultInput[]>;
}

/** `publish` of a reducer, one node at a time (spec 11). Paths are names as they stand in links. */
export interface PublishedTree {
  node(path: readonly string[]): Promise<TreeNode | undefined>;
  /** Bytes, or a value for JSON. undefined: no such dataset. @throws BadSelection */
  value(path: readonly string[], select: Selection | undefined): Promise<TreeValue | undefined>;
}

export interface TreeAttribute {
  readonly name: string;
  readonly shape: unknown;
  readonly type: unknown;
  readonly value: unknown;
}

export type TreeNode = { readonly attributes: readonly TreeAttribute[] } & (
  | { readonly kind: 'group'; readonly links: readonly (readonly [string, 'groups' | 'datasets'])[] }
  | { readonly kind: 'dataset'; readonly shape: TreeShape; readonly type: unknown }
);

export type TreeShape =
  | { readonly class: 'H5S_SCALAR' }
  | { readonly class: 'H5S_SIMPLE'; readonly dims: readonly number[] };

export type TreeValue = { readonly bytes: Buffer } | { readonly json: unknown };

/** A selection that does not fit. */
export class BadSelection extends Error {}

/** The payload cannot be used: its module, its constructor. */
export class PayloadFailed extends Error {
  readonly failure: Failure;

  constructor(what: string, failure: Failure) {
    super(`${what}: ${failure.text}${failure.place === '' ? '' : ` (${failure.place})`}`);
    this.failure = failure;
  }
}

/** A failure from what JavaScript code threw. */
export function failureOf(error: unknown): Failure {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const traceback = error instanceof Error ? (error.stack ?? text) : text;
  const place = /\(?((?:file:\/\/)?\/[^\s()]+:\d+):\d+\)?/.exec(traceback)?.[1] ?? text;
  return { text, place, traceback };
}
