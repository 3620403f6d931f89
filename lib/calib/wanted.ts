/** Which detectors' constants are wanted, and their unique ids (spec calib-pub.md, sections 1 and 7). */

import { DataError, UsageError } from '../errors.ts';
import type { DetectorWanted } from './types.ts';

/** Ids of this length and longer are looked up in the service's list of names. */
export const LONG_ID = 20;
/** An experiment of test data that always uses this detector. */
const TEST_EXPERIMENT = 'xpptut15';
const TEST_DETECTOR = 'cspad_detnum1234';

/** One segment, as a Configure or the collection names it. */
export interface Segment {
  /** `epix`. */
  readonly name: string;
  readonly segment: number;
  readonly type: string;
  readonly serial: string;
}

/** Type and serial numbers of all segments, joined by underscores. */
export function uniqueId({ type, serials }: DetectorWanted, exp: string | undefined): string {
  return exp === TEST_EXPERIMENT ? TEST_DETECTOR : [type, ...serials].join('_');
}

/**
 * Detectors of segments, in the order in which detectors appear; serial numbers in the order of the segments.
 * @param scope `drp`: the segments at hand are all that is wanted; `detector`: a gap is an error
 * @throws DataError `calib-segments` if a segment stands twice with different serial numbers, types differ, or one is missing
 */
export function detectorsOf(segments: readonly Segment[], scope: 'drp' | 'detector'): DetectorWanted[] {
  const byName = new Map<string, Map<number, Segment>>();
  for (const segment of segments) {
    const known = byName.get(segment.name) ?? new Map<number, Segment>();
    byName.set(segment.name, known);
    const before = known.get(segment.segment);
    if (before !== undefined && (before.serial !== segment.serial || before.type !== segment.type)) {
      throw segmentsError(segment.name, `segment ${segment.segment} is there twice, and they differ`);
    }
    known.set(segment.segment, segment);
  }
  return [...byName].map(([name, known]) => detectorOf(name, [...known.values()], scope));
}

function detectorOf(name: string, segments: Segment[], scope: 'drp' | 'detector'): DetectorWanted {
  const sorted = segments.sort((a, b) => a.segment - b.segment);
  const { type } = sorted[0]!;
  const other = sorted.find((segment) => segment.type !== type);
  if (other !== undefined) throw segmentsError(name, `its segments are of types ${type} and ${other.type}`);
  if (scope === 'detector') {
    const missing = sorted.findIndex(({ segment }, index) => segment !== index);
    if (missing >= 0) {
      throw segmentsError(name, `segment ${missing} is missing; the constants of all segments need all serial numbers`);
    }
  }
  return { name, type, serials: sorted.map(({ serial }) => serial) };
}

function segmentsError(name: string, what: string): DataError {
  return new DataError('calib-segments', `${name}: ${what}`);
}

/**
 * `epix=epix10ka:5,7`: name, type, serial numbers in the order of the segments. Without a type the name is the type.
 * @throws UsageError
 */
export function parseDetector(text: string): DetectorWanted {
  const match = /^([^=:,\s]+)=(?:([^=:,\s]+):)?([^=:\s]+)$/.exec(text);
  const serials = match?.[3]?.split(',') ?? [''];
  if (!match || serials.includes('')) {
    throw new UsageError(`--det ${text}: write NAME=TYPE:SERIAL0,SERIAL1 with the serial numbers of all segments`);
  }
  return { name: match[1]!, type: match[2] ?? match[1]!, serials };
}
