import { DaqError } from '../../lib/errors.ts';
import { readPartition } from '../../lib/timing/input/partition-file.ts';
import { validate } from '../../lib/timing/validate.ts';
import { randomPartition } from './random-partition.ts';
import { expectedVerdict } from './reference.ts';

export interface Outcome {
  readonly verdict: string;
  readonly comparisons: number;
  /** First differing key, or null. */
  readonly difference: string | null;
}

const noFiles = (file: string): Promise<string> => Promise.reject(new Error(`unexpected read of ${file}`));

/** Judges random partition number `seed` by brute force and by the library. */
export async function compareOne(seed: number): Promise<Outcome> {
  const raw = randomPartition(seed);
  const expected = expectedVerdict(raw);
  const partition = await readPartition({ text: JSON.stringify(raw), file: `seed ${seed}`, readText: noFiles });
  try {
    const found = validate(partition);
    const difference = expected === 'ERROR' ? 'expected an error' : firstDifference(found, expected, '');
    return { verdict: found.verdict, comparisons: found.crossCheck.comparisons, difference };
  } catch (error) {
    if (!(error instanceof DaqError) || error.code !== 'timing-program') throw error;
    return { verdict: 'ERROR', comparisons: 0, difference: expected === 'ERROR' ? null : `refused: ${error.message}` };
  }
}

/** Key path and values of the first place where `found` lacks what is expected. */
export function firstDifference(found: unknown, expected: unknown, path: string): string | null {
  if (typeof expected !== 'object' || expected === null)
    return Object.is(found, expected)
      ? null
      : `${path}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`;
  if (typeof found !== 'object' || found === null)
    return `${path}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`;
  const [a, b] = [found as Record<string, unknown>, expected as Record<string, unknown>];
  if (Array.isArray(expected) && (found as unknown[]).length !== expected.length) return `${path}: another length`;
  for (const key of Object.keys(b)) {
    const difference = firstDifference(a[key], b[key], `${path}.${key}`);
    if (difference !== null) return difference;
  }
  // Numbered members (groups) must be the same set.
  const extra = Object.keys(a).find((key) => /^\d+$/.test(key) && !(key in b));
  return extra === undefined ? null : `${path}.${extra} is not expected`;
}
