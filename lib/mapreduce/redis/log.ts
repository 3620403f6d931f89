/**
 * The log of a map: the stream `ready` holds the reports of services and, from the same order, what the controller decides on its own
 * (joins, deaths, appends). A state is what the entries up to an id bring about, so a controller that takes over only reads
 * (spec mapreduce.md 3.5). Only controllers read this stream, so entries of ours disturb nobody.
 */

import { BadRecord, booleans, type Fields, fieldsOf, number, parseFields, text, texts } from './fields.ts';
import { type Report, reportOf } from './reports.ts';

/** What the controller has decided. */
export type Decision =
  | {
      readonly op: 'join';
      readonly worker: string;
      readonly tags: readonly string[];
      readonly service: string;
      readonly ours: boolean;
    }
  | { readonly op: 'gone'; readonly worker: string }
  | { readonly op: 'grace'; readonly worker: string }
  | { readonly op: 'evict'; readonly through: number }
  | { readonly op: 'append'; readonly number: number }
  | { readonly op: 'close' }
  | { readonly op: 'stop'; readonly reason: 'stopped' | 'replaced' };

/** One step of the state: a report or a decision. */
export type Step = { readonly report: Report } | { readonly decision: Decision };

/**
 * Steps of an entry: a report, or with `source: "controller"` a list of reports and decisions.
 * @throws BadRecord
 */
export function stepsIn(json: string): readonly Step[] {
  const fields = parseFields(json, 'entry of the log');
  if (fields.source !== 'controller') return [{ report: reportOf(fields) }];
  const steps = fields.steps ?? [];
  if (!Array.isArray(steps)) throw new BadRecord('steps is no list');
  return steps.map((step) => stepOf(fieldsOf(step, 'step')));
}

function stepOf(fields: Fields): Step {
  return fields.source === undefined ? { decision: decisionOf(fields) } : { report: reportOf(fields) };
}

/** Only the reports. @throws BadRecord */
export function reportsIn(json: string): readonly Report[] {
  return stepsIn(json).flatMap((step) => ('report' in step ? [step.report] : []));
}

/** An entry of the controller, as text. */
export function entryOf(steps: readonly (Report | Decision)[]): string {
  return JSON.stringify({ source: 'controller', steps });
}

/** The first entry of the log of a map. */
export function beginningOf(steps: readonly Decision[]): string {
  return JSON.stringify({ source: 'controller', begins: true, steps });
}

/** Whether a log that begins with this entry is whole. */
export function isBegun(first: string | undefined): boolean {
  try {
    return first !== undefined && parseFields(first, 'entry of the log').begins === true;
  } catch (error) {
    if (!(error instanceof BadRecord)) throw error;
    return false;
  }
}

function decisionOf(fields: Fields): Decision {
  const op = text(fields, 'op');
  switch (op) {
    case 'join':
      return {
        ...{ op, worker: text(fields, 'worker'), tags: texts(fields, 'tags') },
        ...{ service: text(fields, 'service'), ours: booleans({ ours: [fields.ours] }, 'ours')[0] === true },
      };
    case 'gone':
    case 'grace':
      return { op, worker: text(fields, 'worker') };
    case 'evict':
      return { op, through: number(fields, 'through', -1) };
    case 'append':
      return { op, number: number(fields, 'number', 0) };
    case 'close':
      return { op };
    case 'stop':
      return { op, reason: fields.reason === 'replaced' ? 'replaced' : 'stopped' };
  }
  throw new BadRecord(`there is no decision "${op}"`);
}
