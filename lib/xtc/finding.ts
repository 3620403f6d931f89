/** What is wrong with a stream of dgrams: the vocabulary of checker and readers (spec xtc2.md, section 18). */

export type Severity = 'error' | 'warning' | 'info';

/** Every code with its severity. */
export const FINDING_SEVERITY = {
  'empty-file': 'warning',
  'not-xtc2': 'error',
  'incomplete-header': 'error',
  'incomplete-payload': 'error',
  'zero-fill': 'error',
  'bad-extent': 'error',
  'bad-root-type': 'error',
  'over-reference-limit': 'info',
  'unknown-service': 'warning',
  'unknown-env-type': 'warning',
  'bad-nsec': 'warning',
  'no-configure': 'warning',
  'repeat-configure': 'info',
  'time-backwards': 'warning',
  'hidden-payload': 'warning',
  'child-tail': 'error',
  'child-extent': 'error',
  'child-overrun': 'error',
  'unknown-type': 'error',
  'type-version': 'warning',
  'names-size': 'error',
  'bad-field-type': 'error',
  'bad-rank': 'error',
  'num-arrays': 'warning',
  'duplicate-namesid': 'error',
  'unterminated-string': 'warning',
  'unknown-namesid': 'error',
  'data-missing': 'error',
  'shapes-missing': 'error',
  'shapes-short': 'error',
  'data-overrun': 'error',
  'data-extra': 'warning',
} as const satisfies Record<string, Severity>;
export type FindingCode = keyof typeof FINDING_SEVERITY;

/** Codes after which the position of the next dgram is not known. */
export const FRAMING_LOST: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'not-xtc2',
  'zero-fill',
  'bad-extent',
  'bad-root-type',
  'incomplete-header',
  'incomplete-payload',
]);

export interface Finding {
  code: FindingCode;
  severity: Severity;
  /** 0-based number of the dgram, or the number it would have had. */
  index: number;
  /** Byte position in the input. */
  offset: number;
  /** One sentence for a person. */
  detail: string;
  /** Where a resynchronising reader goes on; null if nothing plausible follows. Only where framing is lost. */
  resume?: number | null;
}

/** Called for every finding of a dgram; `offset` is a byte position in the input. */
export type Report = (code: FindingCode, offset: number, detail: string) => void;

/** True for files that simply end too early, as distinct from damaged ones. */
export function isIncomplete(code: FindingCode): boolean {
  return code === 'incomplete-header' || code === 'incomplete-payload';
}
