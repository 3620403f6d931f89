/** `daq-view`: an input on one side, viewers on the other. */

import { once } from 'node:events';
import type { Balance } from '../../cli/balance.ts';
import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Meter } from '../../cli/metrics.ts';
import { printable } from '../../cli/screen/text.ts';
import { DaqError } from '../../errors.ts';
import { openStream } from '../../stream/open.ts';
import type { ByteSource } from '../../stream/source.ts';
import type { Epoch } from '../../xtc/time.ts';
import { Audience } from './audience.ts';
import { Board } from './board.ts';
import { DgramFeed } from './dgram-feed.ts';
import type { Feed } from './feed.ts';
import { isLoopback } from './gate.ts';
import type { OfferedHere } from './offer.ts';
import { RecordFeed } from './record-feed.ts';
import type { PlotRequest } from './request.ts';
import { serveView } from './server.ts';

export interface ViewOptions {
  readonly input: string;
  /** The input holds records of a graph, not dgrams. */
  readonly records: boolean;
  readonly plots: readonly PlotRequest[];
  readonly host: string;
  readonly port: number;
  /** Pictures per second. */
  readonly rate: number;
  /** Of trends: seconds, or heartbeats. */
  readonly span: number;
  readonly epoch: Epoch;
  /** End with the input. */
  readonly once: boolean;
}

export interface ViewContext {
  readonly lifecycle: Lifecycle;
  readonly say: (words: string) => void;
  /** The input and its viewers are there. */
  readonly onStart: (feed: Feed, audience: Audience) => Promise<void>;
}

/**
 * Runs until a signal; or, with `once`, to the end of the input.
 * @returns what a person should know about the input; empty if all was well
 * @throws InputError, UsageError
 */
export async function runView(
  options: ViewOptions,
  { lifecycle, say, onStart }: ViewContext,
): Promise<readonly string[]> {
  const source = await openStream(options.input, { lifecycle, say });
  const board = new Board(options.span);
  let audience: Audience | undefined;
  const onOffer = (fields: readonly OfferedHere[]) => {
    audience?.offered(fields);
    if (options.plots.length === 0) sayOffer(fields, audience?.usualKeys ?? [], say);
  };
  const feed = openFeed(source, options, board, onOffer, lifecycle.stop);
  audience = new Audience({ board, feed, now: Date.now, plots: options.plots });
  await onStart(feed, audience);
  const server = await serveView(options.host, options.port, audience);
  if (!isLoopback(options.host))
    say(`warning: whoever reaches ${server.origin} sees the data: there is no password and no encryption`);
  say(`look at ${server.origin}/`);
  const ticks = setInterval(() => audience.tick(), 1000 / options.rate);
  try {
    const words = await readToEnd(feed, source);
    audience.ended(words.join('; '));
    if (!options.once && !lifecycle.stop.aborted) await once(lifecycle.stop, 'abort');
    return words;
  } finally {
    clearInterval(ticks);
    audience.close();
    feed.close();
    await server.close();
  }
}

function openFeed(
  source: ByteSource,
  { records, epoch, rate }: ViewOptions,
  board: Board,
  onOffer: (fields: readonly OfferedHere[]) => void,
  stop: AbortSignal,
): Feed {
  const now = Date.now;
  if (!records) return new DgramFeed(source, { board, epoch, period: 1000 / rate, now, onOffer, stop });
  stop.addEventListener('abort', () => source.close(), { once: true });
  return new RecordFeed(source, { board, now, onOffer });
}

/** An input that breaks is shown as ended to who looks; it does not take the page away. */
async function readToEnd(feed: Feed, source: ByteSource): Promise<string[]> {
  const words: string[] = [];
  try {
    await feed.run();
  } catch (error) {
    if (!(error instanceof DaqError)) throw error;
    words.push(error.message);
  }
  if (source.lost !== undefined) words.push(source.lost);
  return [...words, ...feed.words()];
}

const SAID = 40;

function sayOffer(fields: readonly OfferedHere[], usual: readonly string[], say: (words: string) => void): void {
  say(`the input offers ${fields.length} fields:`);
  for (const { name, type } of fields.slice(0, SAID))
    say(`  ${usual.includes(name) ? '*' : ' '} ${printable(name)} ${type}`);
  if (fields.length > SAID) say(`  and ${fields.length - SAID} more`);
}

/** Everything that is read is looked at; what viewers miss is in the frames. */
export function viewBalance(feed: Feed | undefined, audience: Audience | undefined): Balance {
  const read = feed?.read ?? 0;
  const bad = feed?.bad ?? 0;
  const { offered = 0, sent = 0, replaced = 0, left = 0, waiting = 0 } = audience?.counts() ?? {};
  return {
    in: read,
    out: read - bad,
    losses: { bad },
    info: {
      events: feed?.events ?? 0,
      'frames offered': offered,
      'frames sent': sent,
      'frames replaced': replaced,
      'frames left': left,
      'frames waiting': waiting,
    },
  };
}

export function viewMeters(feed: () => Feed | undefined, audience: () => Audience | undefined): Meter[] {
  return [
    { name: 'viewers', help: 'Pages that look', kind: 'gauge', value: () => audience()?.viewers.size ?? 0 },
    {
      name: 'data_age_seconds',
      help: 'Since the latest data came',
      kind: 'gauge',
      value: () => (Date.now() - (feed()?.arrived ?? Date.now())) / 1000,
    },
  ];
}
