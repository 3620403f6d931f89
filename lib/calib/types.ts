/** What all sides of the calibration constants share: documents, constants, and the set of a run (spec calib-pub.md). */

import type { Dtype } from '../npy.ts';

/** A number of a document keeps what JSON text told: `1` and `1.0` differ, and integers beyond 2^53 stay exact. */
export type DocNumber = { kind: 'int'; value: bigint } | { kind: 'float'; value: number };
export type DocValue = null | boolean | string | DocNumber | readonly DocValue[] | DocRecord;
export interface DocRecord {
  readonly [key: string]: DocValue;
}

interface ConstantBase {
  /** Contents, little endian, C order. Shared by everybody who sends it; never written again. */
  readonly bytes: Buffer;
  /** The document as the source gave it. */
  readonly doc: DocRecord;
  /** Of `bytes`, hexadecimal. */
  readonly sha256: string;
}

export type Constant =
  | (ConstantBase & { readonly kind: 'ndarray'; readonly dtype: Dtype; readonly shape: readonly number[] })
  | (ConstantBase & { readonly kind: 'str' })
  /** Opaque to us: a pickle of the service, passed on only with --pass-any. */
  | (ConstantBase & { readonly kind: 'any' });

export interface DetectorConstants {
  /** Unique id: type and serial numbers of all segments (spec 7). */
  readonly id: string;
  readonly constants: ReadonlyMap<string, Constant>;
}

/** What is published at one BeginRun. */
export interface ConstantSet {
  readonly exp: string | undefined;
  readonly run: number;
  /** True when these are the last valid constants of an earlier run, because the source failed. */
  readonly stale: boolean;
  readonly detectors: ReadonlyMap<string, DetectorConstants>;
  /** Hash over names, kinds, shapes and contents: equal for equal constants, whoever fetched them. */
  readonly hash: string;
}

/** A detector whose constants are wanted. */
export interface DetectorWanted {
  /** Name in the experiment: `epix_0` without its segment: `epix`. */
  readonly name: string;
  /** Detector type, the first word of the unique id. */
  readonly type: string;
  /** Serial numbers of the segments, in the order of the segments. */
  readonly serials: readonly string[];
}

/** Tells a number of a document from an object that has the same keys. */
export function isDocNumber(value: DocValue): value is DocNumber {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { kind, value: number } = value as { kind?: unknown; value?: unknown };
  return (kind === 'int' && typeof number === 'bigint') || (kind === 'float' && typeof number === 'number');
}
