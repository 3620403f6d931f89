/** Sources of which each message is one frame, and a field of its JSON says which: stins, eiger-legacy, albaem (spec mapreduce.md 7). */

import { headerOf, numberOf } from './json.ts';
import { BAD, frames, type Mark, type Protocol, SKIPPED } from './types.ts';

interface Marked {
  readonly typ: string;
  /** Name of the field that marks. */
  readonly field: string;
  readonly marks: Readonly<Record<string, Mark>>;
  /** Name of the field that numbers data frames. */
  readonly number: string;
  /** Number of parts of a complete message, where the format says so. */
  readonly parts?: Readonly<Partial<Record<Mark, number>>>;
}

function markedProtocol({ typ, field, marks, number, parts = {} }: Marked): Protocol {
  return {
    read(message) {
      const header = headerOf(message[0]);
      if (header === undefined) return BAD;
      const word = header[field];
      if (typeof word !== 'string') return BAD;
      const mark = Object.hasOwn(marks, word) ? marks[word] : undefined;
      if (mark === undefined) return SKIPPED;
      if (message.length < (parts[mark] ?? 1)) return BAD;
      return frames({ typ, frames: message, mark, number: mark === 'data' ? numberOf(header[number]) : undefined });
    },
    forget() {},
  };
}

export const stins = () =>
  markedProtocol({
    typ: 'STINS',
    field: 'htype',
    marks: { header: 'start', image: 'data', series_end: 'end' },
    number: 'frame',
    parts: { data: 2 },
  });

/** A header without details (fewer than 9 parts) is taken too: detectors can be told to leave them out. */
export const eigerLegacy = () =>
  markedProtocol({
    typ: 'EIGER_LEGACY',
    field: 'htype',
    marks: { 'dheader-1.0': 'start', 'dimage-1.0': 'data', 'dseries_end-1.0': 'end' },
    number: 'frame',
    parts: { data: 4 },
  });

export const albaem = () =>
  markedProtocol({
    typ: 'albaem',
    field: 'message_type',
    marks: { 'series-start': 'start', data: 'data', 'series-end': 'end' },
    number: 'frame_number',
  });
