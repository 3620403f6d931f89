/** Where runs begin in a stream of dgrams: transitions are read, events are passed over (spec calib-pub.md, section 6). */

import type { DgramReader } from '../../stream/dgram-reader.ts';
import type { DgramSink } from '../../stream/sink.ts';
import type { Dgram } from '../../xtc/dgram.ts';
import { RUN_INFO, readRunInfo } from '../../xtc/run-info.ts';
import { SERVICE } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import type { Segment } from '../wanted.ts';

export interface RunEvents {
  configure(segments: readonly Segment[]): Promise<void>;
  /** `exp` is undefined if the BeginRun does not say. */
  begin(exp: string | undefined, run: number): Promise<void>;
  end(): void;
}

/** Not detectors: what the DAQ says about itself. */
const RESERVED: ReadonlySet<string> = new Set([RUN_INFO, 'chunkinfo', 'smdinfo', 'epics', 'epicsinfo', 'scan']);

/**
 * Reads a stream to its end and tells what begins and ends in it.
 * @param sink takes the whole stream; a BeginRun waits until `events.begin` is done, so whoever reads there finds everything in place
 */
export async function followStream(reader: DgramReader, events: RunEvents, sink?: DgramSink): Promise<void> {
  const walker = new Walker();
  do {
    while (reader.next()) {
      const { dgram } = reader;
      if (isTransition(dgram)) {
        // What stands before must not wait: workers make themselves ready with it.
        await sink?.drain();
        await tell(dgram, walker, events);
      }
      sink?.bytes(dgram.slice());
      if (sink?.full) await sink.drain();
    }
    await sink?.drain();
  } while (await reader.fill());
  events.end();
}

const TOLD: readonly number[] = [SERVICE.Configure, SERVICE.BeginRun, SERVICE.EndRun, SERVICE.Unconfigure];

function isTransition({ service, whole }: Dgram): boolean {
  return whole && TOLD.includes(service);
}

async function tell(dgram: Dgram, walker: Walker, events: RunEvents): Promise<void> {
  switch (dgram.service) {
    case SERVICE.Configure:
      return events.configure(segmentsOf(dgram, walker));
    case SERVICE.BeginRun: {
      const { exp, run } = readRunInfo(dgram, walker);
      return events.begin(exp, run ?? 0);
    }
    default:
      return events.end();
  }
}

/**
 * Every segment of every detector that a Configure describes, once. Of descriptions of one segment that differ the last one counts that has
 * a serial number, as in the existing system, which assigns them in turn.
 */
function segmentsOf(dgram: Dgram, walker: Walker): Segment[] {
  const found = new Map<string, Segment>();
  walker.walk(dgram, {
    names: ({ detName, segment, detType, detId }) => {
      const key = `${detName} ${segment}`;
      if (RESERVED.has(detName) || (detId === '' && found.has(key))) return;
      found.set(key, { name: detName, segment, type: detType, serial: detId });
    },
  });
  return [...found.values()];
}
