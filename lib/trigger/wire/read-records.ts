/** A whole stream of records, one after the other. */

import { DaqError } from '../../errors.ts';
import type { ByteSource } from '../../stream/source.ts';
import type { EbDgram } from './eb-dgram.ts';
import { RecordSplitter, type SplitterOptions } from './splitter.ts';

const BLOCK = 64 * 1024;
/** Less room than this is not worth a read. */
const LEAST_ROOM = 4096;
const READS_PER_TURN = 32;

export interface RecordReading extends SplitterOptions {
  /** Somebody holds records longer than `onRecord` takes: memory is not used again. */
  held?: boolean;
  onRecord: () => void | Promise<void>;
  /** Everything that has come was given; more is waited for. */
  onPause: () => void | Promise<void>;
}

/** How a stream ended: in order, with its connection broken, or with bytes that are no records. */
export type StreamEnd = { how: 'end' } | { how: 'lost' | 'garbled'; why: string };

/**
 * Reads to the end of a stream.
 * @param record moved from record to record
 * @throws InputError if it cannot be read at all
 */
export async function readRecords(source: ByteSource, record: EbDgram, reading: RecordReading): Promise<StreamEnd> {
  const splitter = new RecordSplitter(reading);
  let block = Buffer.allocUnsafeSlow(BLOCK);
  let used = 0;
  try {
    for (let reads = 1; ; reads++) {
      if (reading.held && block.length - used < LEAST_ROOM) {
        block = Buffer.allocUnsafeSlow(BLOCK);
        used = 0;
      }
      const bytes = await source.read(block.subarray(used));
      if (bytes === 0) break;
      splitter.push(block.subarray(used, used + bytes));
      if (reading.held) used += bytes;
      while (splitter.next(record)) {
        const pause = reading.onRecord();
        if (pause) await pause;
      }
      const rest = reading.onPause();
      if (rest) await rest;
      // Files answer at once: timers, signals and other streams need their turn.
      if (reads % READS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (source.lost !== undefined) return { how: 'lost', why: source.lost };
    splitter.end();
    return { how: 'end' };
  } catch (error) {
    if (error instanceof DaqError && error.code === 'framing') return { how: 'garbled', why: error.message };
    throw error;
  }
}
