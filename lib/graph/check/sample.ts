import { copyOf } from '../ops/sum.ts';
import { type EventOptions, openEvents } from '../source/open.ts';
import type { EventTaker } from '../source/types.ts';
import type { SourceSpec } from '../types.ts';
import type { Value } from '../value.ts';
import type { SampleEvent } from './law.ts';

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
      if (events.length < most) events.push(values.map(copyOf));
      else source.close();
      return undefined;
    },
    transition: () => undefined,
    turn: () => undefined,
  };
  try {
    await source.run(taker);
  } finally {
    source.close();
  }
  return events;
}
