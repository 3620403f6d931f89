/**
 * Gives a payload in this process the large frames that lie in shared memory, each mapped by itself, while it works on the event. Afterwards
 * the mappings are closed: what it has kept has length 0. A frame that was let go meanwhile fails the event, whatever came of it.
 */

import { IpcError, type PosixSharedMemory } from 'posix-ipc-shim';
import type { StreamData } from '../frames/types.ts';
import type { EventInput, EventOutcome, WorkerPayload } from '../payload/types.ts';
import type { SharedParts } from './reader.ts';

/** What `payload` does, with frames in shared memory. */
export function lendFrames(payload: WorkerPayload, counts: { lent: number; torn: number }): WorkerPayload['process'] {
  return (event) => {
    for (const { shared } of event.streams.values()) if (shared) return lend(payload, event, counts);
    return payload.process(event);
  };
}

async function lend(
  payload: WorkerPayload,
  event: EventInput,
  counts: { lent: number; torn: number },
): Promise<EventOutcome> {
  const mappings: PosixSharedMemory[] = [];
  try {
    const streams = new Map([...event.streams].map(([name, data]) => [name, mapped(data, mappings)]));
    counts.lent += mappings.length;
    const outcome = await payload.process({ ...event, streams });
    const torn =
      tornStream(event.streams) ?? (mappings.some(({ truncated }) => truncated) ? 'of this event' : undefined);
    if (torn === undefined) return outcome;
    counts.torn++;
    return { failure: tornFailure(torn), seconds: outcome.seconds };
  } catch (error) {
    if (!(error instanceof IpcError)) throw error;
    return { failure: { text: error.message, place: '', traceback: '' }, seconds: 0 };
  } finally {
    for (const mapping of mappings) mapping.close();
  }
}

function mapped(data: StreamData, mappings: PosixSharedMemory[]): StreamData {
  if (!data.shared) return data;
  const frames = [...data.frames];
  for (const place of data.shared.places) {
    const mapping = data.shared.reader.map(place);
    mappings.push(mapping);
    frames[place.part] = mapping.bytes;
  }
  return { typ: data.typ, frames };
}

function tornStream(streams: ReadonlyMap<string, StreamData>): string | undefined {
  for (const [name, { shared }] of streams) if (shared && !isWhole(shared)) return name;
  return undefined;
}

function isWhole({ reader, places }: SharedParts): boolean {
  return places.every((place) => reader.holds(place));
}

function tornFailure(stream: string) {
  const text = `the frames of ${stream} were let go while they were read`;
  return { text, place: text, traceback: '' };
}
