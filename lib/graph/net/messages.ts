/**
 * What processes of a cluster say to each other: plain objects in frames (docs/graph.md, separate processes). Pure. Nothing that
 * comes from a socket is believed before `readMessage` has looked at it.
 */

import { DataError } from '../../errors.ts';
import type { Answer } from '../run/answer.ts';
import type { Marker } from '../run/dealer.ts';
import type { Problem } from '../types.ts';
import type { Value } from '../value.ts';
import { decodeFrame, encodeFrame } from '../wire/frame.ts';

export type Role = 'worker' | 'local' | 'global';

/** A graph as it travels: text, never code. Versions count from 1 within a session of the manager. */
export interface GraphText {
  readonly version: number;
  readonly text: string;
  /** Where it came from, for messages and for the folder of code files. */
  readonly file: string;
  /** Of code files, by node, as the manager has them. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** What all processes of a cluster must agree on. */
export interface ClusterTerms {
  /** One life of a manager. */
  readonly session: string;
  readonly workers: number;
  readonly collectors: number;
  readonly amiCompat: boolean;
  readonly windowLimit: number;
  readonly depth: number;
  /** Milliseconds after the marker at which a local collector closes; the global one has half as much again. */
  readonly deadline: number;
}

/** What collectors are told is numbered within a session: what is told again is known by it. */
interface Numbered {
  readonly seq: number;
}

/** Expected workers by local collector, from a heartbeat on. */
export interface MembersMessage extends Numbered {
  readonly kind: 'members';
  readonly from: number;
  readonly locals: ReadonlyMap<number, readonly number[]>;
}

export interface Hello {
  readonly kind: 'hello';
  readonly role: Role;
  readonly id: number;
  /** Of the process: a restarted one has another. */
  readonly uid: string;
  /** Where a collector takes answers. */
  readonly endpoint: string;
  /** The last heartbeat it knows, events dealt before, and runs that have begun: a new manager goes on from there. */
  readonly heartbeat: number;
  readonly before: number;
  readonly run: number;
  /** Global collector: everything up to here is closed. */
  readonly closed: number;
}

/** Takes a process in, or tells one that was away where things stand. */
export interface Welcome {
  readonly kind: 'welcome';
  readonly terms: ClusterTerms;
  readonly graph: GraphText;
  /** The first heartbeat it has a part in; everything before was issued. */
  readonly heartbeat: number;
  readonly run: number;
  readonly before: number;
  /** Expected workers by local collector, from that heartbeat on. */
  readonly members: ReadonlyMap<number, readonly number[]>;
  /** Where its answers go; empty until that is known. */
  readonly endpoint: string;
  /** Workers: what simulated events consist of, by `from` of the sources; empty for dgrams. */
  readonly fields: readonly string[];
  /** Workers: the last Configure dgram, for what it describes; empty if there was none. */
  readonly configure: Uint8Array;
}

/** How a heartbeat closed at the global collector. */
export interface ClosedReport {
  readonly kind: 'closed';
  readonly heartbeat: number;
  readonly included: ReadonlyMap<number, number>;
  readonly late: number;
  readonly missing: readonly number[];
  /** Local collectors whose answers, for this or an earlier heartbeat, are in it. */
  readonly locals: readonly number[];
  readonly failures: number;
}

export type MarkerMessage = Marker & Numbered & { readonly kind: 'marker' };
/** A transition of the data, for collectors; workers get its dgram. */
export interface PassedMessage extends Numbered {
  readonly kind: 'passed';
  readonly name: string;
  /** It came behind this heartbeat. */
  readonly after: number;
  /** Runs that have begun, with it. */
  readonly run: number;
}
export interface ChangeMessage extends Numbered {
  readonly kind: 'change';
  readonly graph: GraphText;
  readonly from: number;
}

/** What collectors are told in order, and what is told again to one that was away. */
export type Control = MarkerMessage | MembersMessage | PassedMessage | ChangeMessage;

export type Message =
  | Hello
  | Welcome
  | Control
  | ClosedReport
  /** Not taken in, or not any more. */
  | { readonly kind: 'refused'; readonly why: string }
  /** To a worker: no events from this heartbeat on. It says hello if it is well. */
  | { readonly kind: 'givenUp'; readonly from: number }
  | { readonly kind: 'endpoint'; readonly endpoint: string }
  | { readonly kind: 'events'; readonly numbers: Float64Array; readonly dgrams: Uint8Array }
  | {
      readonly kind: 'values';
      readonly numbers: Float64Array;
      readonly values: readonly (readonly (Value | undefined)[])[];
      readonly bytes: number;
    }
  | { readonly kind: 'transition'; readonly name: string; readonly dgram: Uint8Array }
  /** A worker has worked through so many bytes of events. */
  | { readonly kind: 'ack'; readonly bytes: number }
  | { readonly kind: 'prepare'; readonly graph: GraphText }
  | { readonly kind: 'prepared'; readonly version: number; readonly problems: readonly Problem[] }
  | { readonly kind: 'replace'; readonly text: string; readonly file: string }
  | {
      readonly kind: 'replaced';
      readonly version: number;
      readonly from: number;
      readonly problems: readonly Problem[];
    }
  /** A worker wants to go; it is told the end when it may. */
  | { readonly kind: 'leave' }
  /** The stream has ended. Collectors wait for the end of these below them. */
  | { readonly kind: 'end'; readonly below: readonly number[] }
  | { readonly kind: 'finished' }
  /** Upwards, to a collector. */
  | { readonly kind: 'answer'; readonly sender: number; readonly answer: Answer }
  | { readonly kind: 'last'; readonly sender: number };

export type MessageOf<K extends Message['kind']> = Extract<Message, { readonly kind: K }>;

type Check = (value: unknown) => boolean;
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const listOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const mapOf =
  (key: Check, item: Check): Check =>
  (value) =>
    value instanceof Map && [...value].every(([k, v]) => key(k) && item(v));
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const graph = shape({ version: count, text, file: text, hashes: mapOf(text, text) });
const counts = mapOf(count, count);
const problems = listOf(shape({ error: text, message: text }));
const numbers: Check = (value) => value instanceof Float64Array;
const bytes: Check = (value) => value instanceof Uint8Array;
const terms = shape({
  session: text,
  workers: count,
  collectors: count,
  amiCompat: flag,
  windowLimit: count,
  depth: count,
  deadline: number,
});
const answer = shape({
  heartbeat: count,
  run: count,
  included: counts,
  late: count,
  missing: listOf(count),
  closed: text,
  parts: mapOf(text, shape({ used: count, failed: count, fingerprint: text })),
  errors: mapOf(text, count),
});

const CHECKS: Readonly<Record<Message['kind'], Check>> = {
  hello: shape({
    role: (value) => value === 'worker' || value === 'local' || value === 'global',
    id: count,
    uid: text,
    endpoint: text,
    heartbeat: count,
    before: count,
    run: count,
    closed: count,
  }),
  welcome: shape({
    terms,
    graph,
    heartbeat: count,
    run: count,
    before: count,
    members: mapOf(count, listOf(count)),
    endpoint: text,
    fields: listOf(text),
    configure: bytes,
  }),
  closed: shape({
    heartbeat: count,
    included: counts,
    late: count,
    missing: listOf(count),
    locals: listOf(count),
    failures: count,
  }),
  marker: shape({
    seq: count,
    heartbeat: count,
    dealt: counts,
    first: count,
    before: count,
    times: optional(listOf(number)),
  }),
  members: shape({ seq: count, from: count, locals: mapOf(count, listOf(count)) }),
  passed: shape({ seq: count, name: text, after: count, run: count }),
  change: shape({ seq: count, graph, from: count }),
  refused: shape({ why: text }),
  givenUp: shape({ from: count }),
  endpoint: shape({ endpoint: text }),
  events: shape({ numbers, dgrams: bytes }),
  values: shape({ numbers, values: listOf(Array.isArray), bytes: count }),
  transition: shape({ name: text, dgram: bytes }),
  ack: shape({ bytes: count }),
  prepare: shape({ graph }),
  prepared: shape({ version: count, problems }),
  replace: shape({ text, file: text }),
  replaced: shape({ version: count, from: count, problems }),
  leave: shape({}),
  end: shape({ below: listOf(count) }),
  finished: shape({}),
  answer: shape({ sender: count, answer }),
  last: shape({ sender: count }),
};

/** A frame: a snapshot of the message. */
export function writeMessage(message: Message): Buffer {
  return encodeFrame(message);
}

/** @throws DataError `graph-frame` for anything that is no message */
export function readMessage(frame: Buffer): Message {
  const value = decodeFrame(frame) as { kind?: unknown } | null;
  const kind = typeof value === 'object' && value !== null ? value.kind : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(CHECKS, kind))
    throw new DataError('graph-frame', 'this is no message of a graph: its kind is unknown');
  if (!CHECKS[kind as Message['kind']](value))
    throw new DataError('graph-frame', `this is no message of a graph: "${kind}" lacks something`);
  return value as Message;
}
