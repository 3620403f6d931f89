/** Which documents count for a run: the rule of spec calib-pub.md, section 7. Pure. */

import { integerField, textField } from './document.ts';
import type { DocRecord } from './types.ts';

/** `end`, and the run of those who name none. */
export const LAST_RUN = 9999;

interface Range {
  readonly begin: number;
  readonly end: number;
}

const EVERY_RUN: Range = { begin: 0, end: LAST_RUN };

/** A document whose fields make sense and which counts for the run. */
interface Candidate extends Range {
  readonly doc: DocRecord;
  readonly ctype: string;
  readonly id: string;
}

export interface Choice {
  /** By ctype, sorted. */
  readonly chosen: ReadonlyMap<string, DocRecord>;
  /** Sentences about documents that were passed over because they make no sense. */
  readonly bad: readonly string[];
}

/**
 * From the experiment's database: of the documents that cover the run, the latest begin, then the shortest range, then the youngest.
 * @param run 0 means LAST_RUN
 */
export function chooseForRun(docs: readonly DocRecord[], run: number): Choice {
  const wanted = run === 0 ? LAST_RUN : run;
  const covering = (doc: DocRecord, id: string) => {
    const range = rangeOf(doc);
    if (range === undefined) return `the runs of document ${id} make no sense`;
    // `end` means every later run, also behind the number that stands for it.
    return range.begin <= wanted && (wanted <= range.end || range.end === LAST_RUN) ? range : undefined;
  };
  return choose(docs, covering, laterRange);
}

/** From the detector's own database: the youngest of each ctype. */
export function chooseYoungest(docs: readonly DocRecord[]): Choice {
  return choose(docs, () => EVERY_RUN, compareIds);
}

function choose(
  docs: readonly DocRecord[],
  range: (doc: DocRecord, id: string) => Range | string | undefined,
  compare: (a: Candidate, b: Candidate) => number,
): Choice {
  const best = new Map<string, Candidate>();
  const bad: string[] = [];
  for (const doc of docs) {
    const candidate = candidateOf(doc, range);
    if (typeof candidate === 'string') bad.push(candidate);
    if (typeof candidate !== 'object') continue;
    const before = best.get(candidate.ctype);
    if (before === undefined || compare(before, candidate) < 0) best.set(candidate.ctype, candidate);
  }
  const sorted = [...best].sort(([a], [b]) => compareText(a, b));
  return { chosen: new Map(sorted.map(([ctype, { doc }]) => [ctype, doc])), bad };
}

/** @returns a sentence if the document makes no sense, undefined if it does not count for the run */
function candidateOf(
  doc: DocRecord,
  range: (doc: DocRecord, id: string) => Range | string | undefined,
): Candidate | string | undefined {
  const id = textField(doc, '_id');
  const ctype = textField(doc, 'ctype');
  if (id === undefined || !/^[0-9a-fA-F]{24}$/.test(id)) return 'a document has no _id of 24 hexadecimal digits';
  if (ctype === undefined || ctype === '') return `document ${id} has no ctype`;
  const found = range(doc, id);
  return typeof found === 'object' ? { doc, ctype, id: id.toLowerCase(), ...found } : found;
}

function rangeOf(doc: DocRecord): Range | undefined {
  const begin = integerField(doc, 'run');
  const end = doc.run_end === 'end' || doc.run_end === undefined ? LAST_RUN : integerField(doc, 'run_end');
  const makesSense = (run: number | undefined) => run !== undefined && run >= 0 && run <= LAST_RUN;
  return makesSense(begin) && makesSense(end) ? { begin: begin!, end: end! } : undefined;
}

function laterRange(a: Candidate, b: Candidate): number {
  return a.begin - b.begin || b.end - a.end || compareIds(a, b);
}

/** Ids begin with the time of creation in hexadecimal digits; the rest decides within a second. */
function compareIds(a: Candidate, b: Candidate): number {
  return compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
