/** Sources, as their pure halves see them (spec mapreduce.md 7): messages in, frames out. */

import type { StreamData } from '../frames/types.ts';

export type Mark = 'start' | 'data' | 'end';

/** A frame as its source gave it. */
export interface SourceFrame extends StreamData {
  readonly mark: Mark;
  /** As the source counts data frames; undefined where it does not. */
  readonly number?: number | undefined;
}

/** What one message means by itself, whatever came before. */
export type Reading =
  | { readonly kind: 'frames'; readonly frames: readonly SourceFrame[] }
  /** Belongs to a frame that is not complete yet. */
  | { readonly kind: 'part' }
  /** Nothing for anybody: a heartbeat, a message of an unknown type. */
  | { readonly kind: 'skipped' }
  /** Not what this kind of source sends. */
  | { readonly kind: 'bad' };

/** The format of one kind of source. */
export interface Protocol {
  read(message: readonly Buffer[]): Reading;
  /** Forgets parts of a frame that will not be completed. */
  forget(): void;
}

export const PART: Reading = { kind: 'part' };
export const SKIPPED: Reading = { kind: 'skipped' };
export const BAD: Reading = { kind: 'bad' };

export function frames(...all: SourceFrame[]): Reading {
  return { kind: 'frames', frames: all };
}
