/** Where constants come from: the web service, a folder, a bundle file. All of them answer the same three questions. */

import type { DocRecord } from '../types.ts';

/** A detector as sources know it. */
export interface DetectorKey {
  /** Name in the experiment: `epix`. */
  readonly name: string;
  /** `epix10ka`. */
  readonly type: string;
  /** Unique id, short where the service has a short one. */
  readonly id: string;
}

/** Which of the two databases of spec calib-pub.md, section 7: the experiment's, or that of the detector itself. */
export type Database =
  | { readonly of: 'experiment'; readonly exp: string | undefined }
  | { readonly of: 'detector'; readonly suffix?: string };

export interface ConstantSource {
  /** Address or path, for messages; equal for sources that have the same contents under the same ids. */
  readonly name: string;

  /**
   * All documents of a detector whose first run is not behind `lastRun`.
   * @returns an empty list where there is nothing
   * @throws DataError `calib-source` if the source does not answer or answers nonsense
   */
  documents(database: Database, detector: DetectorKey, lastRun: number): Promise<readonly DocRecord[]>;

  /**
   * The contents that a document names with its field `id_data`. They never change.
   * @throws DataError `calib-source`, `npy-file`
   */
  contents(database: Database, detector: DetectorKey, idData: string): Promise<Buffer>;

  /** The name under which the constants of a detector with a long unique id are kept; undefined if nobody knows it. */
  shortId(type: string, longId: string): Promise<string | undefined>;

  /** Gives up what is under way. Works any number of times. */
  close(): void;
}
