/** A recording as a source: the frames of one stream, as they were recorded (spec mapreduce.md 7, 10). */

import { DaqError } from '../../errors.ts';
import { openRecording } from '../record/reader.ts';
import { Pace } from './pace.ts';
import type { SourceFrame } from './types.ts';

export interface RecordedSource extends AsyncIterable<SourceFrame> {
  close(): void;
}

/**
 * @param rate frames per second; undefined: as fast as they are taken
 * @throws InputError if the file cannot be read; DaqError `bad-recording`, after its last whole event, if it is damaged
 */
export function recordedFrames(file: string, stream: string, rate: number | undefined): RecordedSource {
  const stop = new AbortController();
  return {
    async *[Symbol.asyncIterator]() {
      const recording = await openRecording(file);
      const pace = new Pace(rate, stop.signal);
      let given = 0;
      for await (const { streams } of recording) {
        const data = streams.get(stream);
        if (data === undefined) continue;
        await pace.next();
        if (stop.signal.aborted) return;
        yield { ...data, mark: given++ === 0 ? 'start' : 'data' };
      }
      if (recording.damage) throw new DaqError('bad-recording', recording.damage.message, { place: { file } });
    },
    close: () => stop.abort(),
  };
}
