import { openStream } from '../../stream/open.ts';
import type { StreamOptions } from '../../stream/options.ts';
import { wholeText } from '../../stream/read-all.ts';
import type { SourceSpec } from '../types.ts';
import { DgramEvents } from './dgrams.ts';
import { SimulatedEvents } from './simulated.ts';
import type { EventSource } from './types.ts';

export interface EventOptions extends StreamOptions {
  readonly seed: number;
  readonly paced: boolean;
}

/**
 * Opens a source of events by URL (spec graph.md 3.3): dgrams from everywhere, `random:FILE`, `static:FILE`.
 * @throws InputError, UsageError
 */
export async function openEvents(
  url: string,
  sources: readonly SourceSpec[],
  options: EventOptions,
): Promise<EventSource> {
  const { seed, paced, lifecycle } = options;
  const simulated = /^(random|static):(.*)$/.exec(url);
  if (!simulated) return new DgramEvents(await openStream(url, options), sources, lifecycle?.stop);
  // AMI writes random://worker.json.
  const file = simulated[2]!.replace(/^\/\/(?!\/)/, '');
  const constant = simulated[1] === 'static';
  return new SimulatedEvents(wholeText(file), file, sources, { seed, constant, paced, stop: lifecycle?.stop });
}
