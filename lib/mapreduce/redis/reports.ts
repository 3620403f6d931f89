/** Reports of services in the stream `ready` (spec mapreduce.md 5.1), with what ours adds. */

import {
  BadRecord,
  booleans,
  type Fields,
  fieldsOf,
  number,
  optionalNumber,
  optionalText,
  type ResultKey,
  resultKeys,
  text,
  wholes,
} from './fields.ts';

/** Seconds since the last report, and the events in them. */
export interface ProcessingTimes {
  readonly get_assignments: number;
  readonly get_messages: number;
  readonly assemble_event: number;
  readonly custom_code: number;
  readonly send_result: number;
  readonly no_events: number;
}

/** Ours: reports of a service are numbered from 1, so that one that is sent twice counts once. */
interface Numbered {
  readonly report?: number;
  readonly service_uuid?: string;
}

export interface WorkerReport extends Numbered {
  readonly source: 'worker';
  readonly state: 'ready' | 'idle' | 'finished';
  readonly worker: string;
  readonly completed: readonly number[];
  /** Beside `completed`. */
  readonly has_result: readonly boolean[];
  readonly processing_times: ProcessingTimes | null;
  /** Ours: events among `completed` whose payload raised, or that could not be put together. */
  readonly failed?: readonly number[];
  /** Ours: events among `completed` that lacked a stream (spec 3.6). */
  readonly incomplete?: readonly number[];
}

export interface ReducerReport extends Numbered {
  readonly source: 'reducer';
  readonly state: 'idle' | 'finished';
  readonly completed: number | null;
  readonly worker: string | null;
  /** Ours: many keys in one report, instead of `completed` and `worker`. */
  readonly accepted?: readonly ResultKey[];
  /** Ours: results that could not be read; their events are damaged. */
  readonly refused?: readonly ResultKey[];
}

export interface IngesterReport extends Numbered {
  readonly source: 'ingester';
  readonly state: 'finished';
  readonly ingester: string;
}

export type Report = WorkerReport | ReducerReport | IngesterReport;

/** @throws BadRecord */
export function reportOf(fields: Fields): Report {
  const state = text(fields, 'state');
  switch (fields.source) {
    case 'worker':
      if (state !== 'ready' && state !== 'idle' && state !== 'finished') break;
      return workerReport(fields, state);
    case 'reducer':
      if (state !== 'idle' && state !== 'finished') break;
      return reducerReport(fields, state);
    case 'ingester':
      if (state !== 'finished') break;
      return { source: 'ingester', state, ingester: text(fields, 'ingester'), ...numberOf(fields) };
  }
  throw new BadRecord(`a report of "${String(fields.source)}" with the state "${state}"`);
}

function workerReport(fields: Fields, state: WorkerReport['state']): WorkerReport {
  const completed = wholes(fields, 'completed');
  const has_result = booleans(fields, 'has_result');
  if (completed.length !== has_result.length) throw new BadRecord('completed and has_result differ in length');
  return {
    source: 'worker',
    state,
    worker: text(fields, 'worker'),
    completed,
    has_result,
    processing_times: processingTimes(fields.processing_times ?? null),
    ...numberOf(fields),
    ...('failed' in fields ? { failed: wholes(fields, 'failed') } : {}),
    ...('incomplete' in fields ? { incomplete: wholes(fields, 'incomplete') } : {}),
  };
}

function reducerReport(fields: Fields, state: ReducerReport['state']): ReducerReport {
  return {
    source: 'reducer',
    state,
    completed: optionalNumber(fields, 'completed'),
    worker: optionalText(fields, 'worker'),
    ...numberOf(fields),
    ...('accepted' in fields ? { accepted: resultKeys(fields, 'accepted') } : {}),
    ...('refused' in fields ? { refused: resultKeys(fields, 'refused') } : {}),
  };
}

function numberOf(fields: Fields): Numbered {
  if (fields.report === undefined) return {};
  const report = number(fields, 'report', 0);
  if (!Number.isSafeInteger(report) || report < 1) throw new BadRecord('reports are numbered from 1');
  return { report, service_uuid: text(fields, 'service_uuid') };
}

function processingTimes(value: unknown): ProcessingTimes | null {
  if (value === null) return null;
  const fields = fieldsOf(value, 'processing_times');
  const seconds = (key: string) => number(fields, key, 0);
  return {
    get_assignments: seconds('get_assignments'),
    get_messages: seconds('get_messages'),
    assemble_event: seconds('assemble_event'),
    custom_code: seconds('custom_code'),
    send_result: seconds('send_result'),
    no_events: seconds('no_events'),
  };
}

/** Keys that a report of the reducer accepts. */
export function acceptedKeys({ accepted, completed, worker }: ReducerReport): readonly ResultKey[] {
  if (accepted) return accepted;
  return completed === null || worker === null ? [] : [[completed, worker]];
}
