import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FrameNumbers } from '../../lib/mapreduce/ingest/gaps.ts';
import { needsShared, SHARED } from '../golden.ts';

interface Series {
  readonly name: string;
  readonly first: number;
  readonly frames: readonly number[];
  readonly events: Readonly<Record<string, number>>;
  readonly missing: readonly number[];
  readonly dropped: readonly number[];
}

t.test(
  'frames find their events by number (spec mapreduce.md 3.6)',
  needsShared('data', 'mapreduce', 'stins'),
  async (t) => {
    const text = readFileSync(join(SHARED, 'data/mapreduce/stins/gaps.jsonl'), 'utf8');
    for (const line of text.trim().split('\n')) {
      const { name, first, frames, events, missing, dropped } = JSON.parse(line) as Series;
      const numbers = new FrameNumbers(first);
      const got = { events: {} as Record<string, number>, missing: [] as number[], dropped: [] as number[] };
      for (const frame of frames) {
        const fate = numbers.place(frame);
        if (fate.kind === 'dropped') got.dropped.push(frame);
        else {
          // Event 0 is the start event.
          for (let index = fate.missingFrom; index < fate.index; index++) got.missing.push(index + 1);
          got.events[fate.index + 1] = frame;
        }
      }
      t.same(got, { events, missing, dropped }, name);
    }
  },
);
