/** What a global collector writes down whenever a heartbeat has closed (`--state FILE`, spec graph.md 2.8). */

import { existsSync, readFileSync } from 'node:fs';
import { DataError, InputError } from '../../errors.ts';
import { replaceFile } from '../../stream/replace-file.ts';
import { explain } from '../../stream/source.ts';
import type { SavedSide } from '../run/global-side.ts';
import { decodeFrame, encodeFrame } from '../wire/frame.ts';

const FORMAT = 'graph-state/1';

export interface SavedState {
  /** Everything up to this heartbeat is closed, and in the states. */
  readonly closed: number;
  readonly issued: number;
  readonly before: number;
  readonly side: SavedSide;
  /** Counted so far: events of markers, events in records, records, failures. */
  readonly counts: RecordCounts;
}

export interface RecordCounts {
  dealt: number;
  included: number;
  late: number;
  records: number;
  failures: number;
}

/** Replaces the file in one step: whoever is killed meanwhile leaves the old one. @throws DaqError `output-failed` */
export function writeState(name: string, state: SavedState): void {
  replaceFile(name, [encodeFrame({ format: FORMAT, ...state })]);
}

/**
 * @returns undefined if there is no such file yet
 * @throws InputError if it cannot be read, DataError `graph-state` if it holds something else
 */
export function readState(name: string): SavedState | undefined {
  if (!existsSync(name)) return undefined;
  const place = { file: name };
  let bytes: Buffer;
  try {
    bytes = readFileSync(name);
  } catch (error) {
    throw new InputError(explain(error), { place, cause: error });
  }
  const wrong = (cause?: unknown) => new DataError('graph-state', 'this is no state of a graph', { place, cause });
  let state: (SavedState & { format?: unknown }) | undefined;
  try {
    state = decodeFrame(bytes) as SavedState & { format?: unknown };
  } catch (error) {
    throw wrong(error);
  }
  if (state?.format !== FORMAT) throw wrong();
  return state;
}
