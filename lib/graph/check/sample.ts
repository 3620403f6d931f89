import { copyOf } from '../ops/sum.ts';
import { type EventOptions, openEvents } from '../source/open.ts';
import type { EventTaker } from '../source/types.ts';
import type { SourceSpec } from '../types.ts';
import type { Value } from '../value.ts';
import type { SampleEvent } from './law.ts';

/** Leaves the source in the middle. */
class Enough extends Error {}

/** The first events of an input, as copies. @throws InputError, UsageError */
export async function sampleEvents(
  url: string,
  sources: readonly SourceSpec[],
  most: number,
  options: EventOptions,
): Promise<readonly SampleEvent[]> {
  const source = await openEvents(url, sources, options);
  const events: SampleEvent[] = [];
  const taker: EventTaker = {
    event(values: readonly (Value | undefined)[]) {
      events.push(values.map(copyOf));
      if (events.length === most) throw new Enough();
      return undefined;
    },
    transition: () => undefined,
    turn: () => undefined,
  };
  try {
    await source.run(taker);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  } finally {
    source.close();
  }
  return events;
}
