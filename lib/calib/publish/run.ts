/** calib-pub from start to end: binds, publishes run after run, ends in order. */

import type { Lifecycle } from '../../cli/lifecycle.ts';
import type { Output } from '../../cli/output.ts';
import { runtimeFolder } from '../../cli/runtime-folder.ts';
import { DgramReader } from '../../stream/dgram-reader.ts';
import { openSink, openStream } from '../../stream/open.ts';
import type { ConstantFetcher } from '../fetch.ts';
import { obeyLines } from './control.ts';
import { type Endpoint, isOpen, nameOf, type ServedName } from './endpoint.ts';
import {
  checkRuns,
  endpointsOf,
  expected,
  type PublishFlags,
  policyOf,
  scopeOf,
  servedNames,
  wantedDetectors,
} from './flags.ts';
import { followStream } from './follow-stream.ts';
import { Journal } from './journal.ts';
import { Publisher } from './publisher.ts';
import { SharedSegments } from './segments.ts';
import { Session } from './session.ts';

export interface PublishContext {
  flags: PublishFlags;
  partition: number | undefined;
  alias: string | undefined;
  fetcher: ConstantFetcher;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (message: string) => void;
}

/** Everything that is decided before the first run. */
export interface Publishing {
  publisher: Publisher;
  session: Session;
}

/** @throws UsageError, DaqError `already-served`, `ipc-refused`, `output-failed`; nothing is left bound then */
export async function startPublishing(context: PublishContext): Promise<Publishing> {
  const { flags, alias, partition, say, lifecycle } = context;
  checkRuns(flags);
  const served = servedNames(flags.detector, alias);
  const wanted = wantedDetectors(flags, served, say);
  const endpoints = endpointsOf(flags, served, partition ?? 0);
  const base = `calib-p${partition ?? 0}-${served.map(nameOf).join('+') || process.pid}`;
  const publisher = new Publisher({
    policy: policyOf(flags),
    endpoints,
    partition,
    ...(flags.shm ? { segments: new SharedSegments(base, identityOf(served, partition ?? 0)) } : {}),
    ...(needsJournal(endpoints, served)
      ? { journal: new Journal(`${runtimeFolder()}/${encodeURIComponent(base)}.run`) }
      : {}),
    say,
  });
  lifecycle.onEmergency(() => publisher.unlink());
  await publisher.open();
  for (const { text, format } of publisher.places) say(`${format} at ${text}`);
  for (const endpoint of endpoints.filter(isOpen)) warnOpen(endpoint, say);
  const { prefetch, exp } = flags;
  const session = new Session({
    fetcher: context.fetcher,
    publisher,
    wanted,
    served,
    scope: scopeOf(flags),
    prefetch,
    exp,
    say,
  });
  return { publisher, session };
}

/**
 * Publishes until runs end or a stop is asked for.
 * @returns how many lines of `--control` were wrong
 * @throws DaqError if the source fails at a BeginRun, and what streams throw
 */
export async function publishRuns({ publisher, session }: Publishing, context: PublishContext): Promise<number> {
  const { flags, lifecycle, stdout } = context;
  const url = flags['from-stream'];
  if (url !== undefined) {
    await follow(url, session, context);
    return 0;
  }
  if (flags.control) {
    return obeyLines(
      process.stdin,
      {
        begin: (exp, run) => session.publish(exp, run),
        end: () => session.end(),
        prefetch: (exp, run) => session.prefetch(exp, run),
        answer: (answer) => {
          stdout.line(JSON.stringify({ ...answer, subscribers: publisher.publication.subscribed }));
          return stdout.drain();
        },
      },
      lifecycle.stop,
    );
  }
  await session.publish(flags.exp, flags.run ?? 0);
  if (!flags.once) await stopped(lifecycle.stop);
  else if (expected(flags) === 0 || publisher.publication.counts.present > 0) await publisher.served(1, lifecycle.stop);
  return 0;
}

async function follow(url: string, session: Session, { flags, lifecycle, stdout, say }: PublishContext): Promise<void> {
  const options = { lifecycle, stdout, say };
  const sink = flags.output === undefined ? undefined : await openSink(flags.output, options);
  try {
    const source = await openStream(url, { lifecycle, say });
    const reader = new DgramReader(source, {
      stop: lifecycle.stop,
      ...(sink ? {} : { headersOnly: 'events' as const }),
    });
    await followStream(reader, session, sink);
    for (const finding of reader.findings) say(`${url}: ${finding.detail}`);
    await sink?.close();
  } catch (error) {
    sink?.abandon();
    throw error;
  }
}

function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    // A promise alone does not keep a program running.
    const alive = setInterval(() => {}, 1 << 30);
    stop.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}

function identityOf(served: readonly ServedName[], partition: number) {
  const [first] = served;
  return { partition, detName: first?.detector ?? '', segment: first?.segment ?? 0 };
}

/** Readers of our own format tell repetitions themselves. */
function needsJournal(endpoints: readonly Endpoint[], served: readonly ServedName[]): boolean {
  return served.length > 0 && endpoints.some(({ format }) => format !== 'npy-frames');
}

function warnOpen({ text, format }: Endpoint, say: (message: string) => void): void {
  say(
    format === 'npy-frames'
      ? `warning: ${text} can be reached from other machines; nothing is encrypted, and nobody is asked for a password`
      : `warning: ${text} can be reached from other machines; whoever binds such a port first can run code in all workers`,
  );
}
