/** Faults that the stand-in makes on purpose, so that others can be tried against them. Pure. */

import { UsageError } from '../../errors.ts';

export interface FaultRules {
  /** Answers the first `count` requests with a status. */
  readonly fail?: { readonly status: number; readonly count: number };
  /** Cuts contents after so many bytes. */
  readonly cut?: number;
}

/** What becomes of one request. */
export type Fate =
  | { readonly kind: 'answer'; readonly cut?: number }
  | { readonly kind: 'fail'; readonly status: number };

export class Faults {
  private readonly rules: FaultRules;
  private seen = 0;

  constructor(rules: FaultRules) {
    this.rules = rules;
  }

  /** Of the next request. */
  next(): Fate {
    const { fail, cut } = this.rules;
    if (fail !== undefined && this.seen++ < fail.count) return { kind: 'fail', status: fail.status };
    return { kind: 'answer', ...(cut === undefined ? {} : { cut }) };
  }
}

/** `503` for all requests, `503:2` for the first two. @throws UsageError */
export function parseFail(text: string): { status: number; count: number } {
  const match = /^([45]\d\d)(?::(\d+))?$/.exec(text);
  if (!match) throw new UsageError(`--fail ${text}: write CODE or CODE:N, for example 503:2`);
  return { status: Number(match[1]), count: match[2] === undefined ? Number.POSITIVE_INFINITY : Number(match[2]) };
}
