/** What travels from a source to a worker (spec mapreduce.md 6.1, 7). */

import type { SharedParts } from '../shared/reader.ts';

/** One frame of a stream: the parts of a message, and what they are. */
export interface StreamData {
  /** Tells the reader of the parts which parser they need: `STINS`, `PCAP`. */
  readonly typ: string;
  readonly frames: readonly Buffer[];
  /** On a worker: parts that lie in shared memory; their `frames` are empty. */
  readonly shared?: SharedParts;
}

/** Stands for a frame that was lost before the ingester had it. */
export const MISSING: StreamData = { typ: 'MISSING', frames: [] };

/** Bytes of all parts. */
export function bytesOf({ frames }: StreamData): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.length;
  return bytes;
}
