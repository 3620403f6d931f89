/**
 * What is wrong with a document. Nothing stops at the first problem; everything that can be found in one run is collected here.
 */

import type { Place } from '../errors.ts';
import type { JsonText } from '../json/text.ts';

/** How a document is judged. */
export interface Rules {
  /** As the reference: losses are warnings, integers for FLOAT and DOUBLE scalars are refused, its number arithmetic. */
  compat: boolean;
  /** Correct rounding even with `compat`. */
  exactNumbers: boolean;
  /** Split the detector name at the last `_` into name and segment. */
  splitSegment: boolean;
}

export const DEFAULT_RULES: Rules = { compat: false, exactNumbers: true, splitSegment: false };

export interface Problem {
  severity: 'error' | 'warning';
  /** Stable, for scripts. */
  code: string;
  message: string;
  place: Place;
}

/** The same mistake a thousand times helps nobody: further ones are counted, not kept. */
const KEPT = 1000;
const KEPT_PER_LIST = 5;
const ELEMENT = /\[\d+\]$/;

export class Problems {
  private readonly text: JsonText;
  private readonly file: string;
  private readonly compat: boolean;
  private readonly kept: Problem[] = [];
  private readonly count = { error: 0, warning: 0 };
  private readonly inList = new Map<string, number>();

  constructor(text: JsonText, file: string, rules: Rules) {
    this.text = text;
    this.file = file;
    this.compat = rules.compat;
  }

  /** Those found so far, in the order of the text; at most a thousand. */
  get list(): readonly Problem[] {
    return this.kept.toSorted((a, b) => a.place.offset! - b.place.offset!);
  }

  get errors(): number {
    return this.count.error;
  }

  get warnings(): number {
    return this.count.warning;
  }

  /** The document cannot be converted. `at` is a position in the text. */
  error(code: string, key: string, at: number, message: string): void {
    this.add('error', code, key, at, message);
  }

  /** Something a person should know. */
  warning(code: string, key: string, at: number, message: string): void {
    this.add('warning', code, key, at, message);
  }

  /** What the reference accepts and silently changes: an error, or with `compat` a warning. */
  loss(code: string, key: string, at: number, message: string): void {
    this.add(this.compat ? 'warning' : 'error', code, key, at, message);
  }

  private add(severity: Problem['severity'], code: string, key: string, at: number, message: string): void {
    this.count[severity]++;
    if (this.kept.length >= KEPT) return;
    const list = key.replace(ELEMENT, '');
    if (list !== key) {
      const before = this.inList.get(list) ?? 0;
      this.inList.set(list, before + 1);
      if (before > KEPT_PER_LIST) return;
      if (before === KEPT_PER_LIST) {
        this.keep(severity, code, list, at, 'further elements have problems of this kind');
        return;
      }
    }
    this.keep(severity, code, key, at, message);
  }

  private keep(severity: Problem['severity'], code: string, key: string, at: number, message: string): void {
    const place = { file: this.file, ...this.text.position(at), offset: at, ...(key === '' ? {} : { key }) };
    this.kept.push({ severity, code, message, place });
  }
}

/** What all parts of a conversion work on. */
export interface Subject {
  readonly text: JsonText;
  readonly rules: Rules;
  readonly problems: Problems;
}
