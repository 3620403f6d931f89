/**
 * Events of one worker of ours that travel together (spec mapreduce.md 6.4). A part of a message costs more than 64 bytes do, so there are two
 * for all events: a header, and all their parts one behind the other. Pure.
 *
 *     {"batch": [[event_number, place in shapes, attempt, origin or null], ...], "shapes": [streams as in 6.1, ...],
 *      "sizes": [bytes of each part, ...], "map": uuid}
 */

import type { Message } from './event-frames.ts';
import { streamsText } from './header.ts';

/** @param map uuid */
export function batchParts(messages: readonly Message[], map: string): [header: string, body: Buffer] {
  const rows: string[] = [];
  const shapes = new Map<string, number>();
  const sizes: number[] = [];
  const frames: Buffer[] = [];
  for (const { event, attempt, origin, streams } of messages) {
    const shape = streamsText(streams);
    const place = shapes.get(shape) ?? shapes.size;
    shapes.set(shape, place);
    rows.push(`[${event},${place},${attempt},${origin === null ? 'null' : JSON.stringify(origin)}]`);
    for (const { data } of streams)
      for (const frame of data.frames) {
        frames.push(frame);
        sizes.push(frame.length);
      }
  }
  const header = `{"batch":[${rows.join(',')}],"shapes":[${[...shapes.keys()].join(',')}],"sizes":[${sizes.join(',')}],"map":"${map}"}`;
  return [header, Buffer.concat(frames)];
}
