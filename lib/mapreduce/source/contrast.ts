/**
 * contrast: pickled dicts, whose status only Python reads (spec mapreduce.md 6.3, 7). What the Python helper said of a message stands
 * before it as one byte.
 */

import { BAD, frames, type Mark, type Protocol, SKIPPED } from './types.ts';

const TYP = 'contrast';

/** Answers of the helper, python/daqpipe/contrast_marks.py. */
const MARKS: Readonly<Record<string, Mark>> = { s: 'start', r: 'data', f: 'end' };
const HEARTBEAT = 'h';

export const contrast = (): Protocol => ({
  read(message) {
    const answer = message[0]?.toString('latin1') ?? '';
    if (answer === HEARTBEAT) return SKIPPED;
    const mark = MARKS[answer];
    return mark === undefined ? BAD : frames({ typ: TYP, frames: message.slice(1), mark });
  },
  forget() {},
});
