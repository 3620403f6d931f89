/** Opens the streams of teb-decide. */

import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Output } from '../../cli/output.ts';
import { UsageError } from '../../errors.ts';
import { openSink, openStream } from '../../stream/open.ts';
import type { StreamOptions } from '../../stream/options.ts';
import type { DgramSink } from '../../stream/sink.ts';
import type { ByteSource } from '../../stream/source.ts';
import { ContributionInput } from './contribution-input.ts';
import type { TebOptions } from './types.ts';

export interface OpenParts {
  lifecycle: Lifecycle;
  stdout: Output;
  say: (text: string) => void;
  /** A message or line was passed over. */
  bad: (why: string) => void;
}

export interface TebStreams {
  inputs: readonly ContributionInput[];
  /** In the order of the outputs asked for. */
  sinks: readonly DgramSink[];
  /** Stream of free buffers. */
  monitor: ByteSource | undefined;
}

const MAX_PAYLOAD = 1 << 24;

/**
 * All at once, because named pipes and sockets wait for each other's programs in any order. If one cannot be had, the others are given up.
 * @throws UsageError, InputError, DaqError if something cannot be had
 */
export async function openStreams(
  { inputs: addresses, outputs, monIn, inFormat }: TebOptions,
  { lifecycle, stdout, say, bad }: OpenParts,
): Promise<TebStreams> {
  refuseTwice([...addresses.map(({ url }) => url), monIn]);
  refuseTwice(outputs.map(({ url }) => url));
  const streams: StreamOptions = { lifecycle, say, stdout, greeting: () => false };
  const inputs = addresses.map((address) => {
    const open = () => openStream(address.url, streams);
    return new ContributionInput(address, { format: inFormat, maxPayload: MAX_PAYLOAD, open, bad });
  });
  const sinks = outputs.map(({ url }) => openSink(url, streams));
  const monitor = monIn === undefined ? undefined : openStream(monIn, streams);
  try {
    const [opened, followed] = await Promise.all([Promise.all(sinks), monitor, ...inputs.map((input) => input.open())]);
    return { inputs, sinks: opened, monitor: followed };
  } catch (error) {
    lifecycle.requestStop();
    for (const input of inputs) input.close();
    for (const sink of sinks) sink.then((late) => late.abandon()).catch(() => undefined);
    monitor?.then((late) => late.close()).catch(() => undefined);
    throw error;
  }
}

/** A stream has one reader and one writer here. */
function refuseTwice(urls: readonly (string | undefined)[]): void {
  const given = urls.filter((url) => url !== undefined);
  const twice = given.find((url, i) => given.indexOf(url) !== i);
  if (twice !== undefined) throw new UsageError(`${twice} is given twice`);
}
