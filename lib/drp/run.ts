/** drp-python from input to output: opens the streams, starts the pool, feeds it, ends in order. */

import type { Lifecycle } from '../cli/lifecycle.ts';
import type { Output } from '../cli/output.ts';
import { UsageError } from '../errors.ts';
import { describeInterpreter, findInterpreter } from '../python/interpreter.ts';
import { PythonProcess } from '../python/process.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import { openSink, openStream } from '../stream/open.ts';
import type { DgramSink } from '../stream/sink.ts';
import type { Dgram } from '../xtc/dgram.ts';
import type { Finding } from '../xtc/finding.ts';
import { SERVICE, serviceName } from '../xtc/service.ts';
import { CalibCounters } from './constants/calib-counters.ts';
import type { ConstantsFeed } from './constants/feed.ts';
import type { Counters } from './counters.ts';
import { Emitter } from './emitter.ts';
import { makeLinks } from './links/make.ts';
import { Pool } from './pool.ts';
import type { DrpOptions } from './types.ts';
import { Worker, type WorkerParts } from './worker.ts';

export interface DrpStreams {
  input: string;
  output: string;
  /** Sink of trigger contributions, if there shall be one. */
  trigger: string | undefined;
  /** File whose first dgram configures the workers when the input has no Configure. */
  config: string | undefined;
  python: string | undefined;
}

export interface DrpContext {
  options: DrpOptions;
  streams: DrpStreams;
  counters: Counters;
  lifecycle: Lifecycle;
  stdout: Output;
  say: (message: string) => void;
  /** Told of the pool when it runs, for metrics. */
  onPool?: (pool: Pool) => void;
  /** Told of every dgram before and after the script. */
  observe?: (input: Buffer, output: Buffer | undefined) => void;
  /** Stop after this many events. */
  events?: number;
  /** Told now and then how many bytes of the input are done. */
  progress?: { start(total: number | undefined): void; update(done: number): void; end(): void };
}

/** After a stop, a worker has this long for what it is doing. */
const HURRY_MS = 3000;

/** Runs until the input ends. @throws DataError, UsageError, InputError; counters are final in every case */
export async function runDrp(context: DrpContext): Promise<readonly Finding[]> {
  const { options, streams, counters, lifecycle, say } = context;
  const interpreter = await findInterpreter(streams.python);
  say(describeInterpreter(interpreter));
  const sinks = await openSinks(context);
  const constants = await constantsFeed(context);
  const links = makeLinks(options, say, constants && (() => constants.told));
  const forget = lifecycle.onEmergency(() => links.unlink());
  const emitter = new Emitter(options, counters, sinks.out, sinks.trigger, say);
  emitter.observe = context.observe;
  const pool = new Pool({
    options,
    emitter,
    counters,
    say,
    drain: sinks.drain,
    attached: () => links.attached(),
    workers: (events) =>
      links.links.map((link, index) => new Worker({ index, link, spawn: spawnOf(interpreter.command), events })),
  });
  context.onPool?.(pool);
  const hurry = () => pool.hurry(HURRY_MS);
  lifecycle.stop.addEventListener('abort', hurry, { once: true });
  try {
    await constants?.subscribe();
    await pool.start();
    const findings = await feed(pool, context, constants);
    await pool.idle();
    await pool.stop();
    if (options.verbose > 0) for (const line of pool.summary()) say(line);
    await sinks.close();
    return findings;
  } catch (error) {
    pool.kill();
    await sinks.close().catch((closing: unknown) => {
      if (closing !== error) say(`the output could not be completed: ${(closing as Error).message}`);
    });
    throw error;
  } finally {
    lifecycle.stop.removeEventListener('abort', hurry);
    links.close();
    forget();
    await constants?.close();
  }
}

/** Workers of the existing protocol subscribe themselves. */
async function constantsFeed({ options, counters, lifecycle, say }: DrpContext): Promise<ConstantsFeed | undefined> {
  const { calib: endpoint, calibMissing: missing, beginRunTimeout: timeout } = options;
  if (endpoint === undefined || options.transport === 'posix') return undefined;
  counters.calib = new CalibCounters();
  // Imported when used: the library of sockets costs start-up time.
  const { ConstantsFeed } = await import('./constants/feed.ts');
  return new ConstantsFeed({ endpoint, missing, timeout, counters: counters.calib, stop: lifecycle.stop, say });
}

function spawnOf(command: string): WorkerParts['spawn'] {
  return ({ args, env, pipes }, index) => new PythonProcess({ command, args, env, pipes, prefix: `w${index}: ` });
}

interface Sinks {
  out: DgramSink;
  trigger: DgramSink | undefined;
  drain: () => Promise<void>;
  close: () => Promise<void>;
}

async function openSinks({ streams, lifecycle, stdout, say }: DrpContext): Promise<Sinks> {
  const options = { lifecycle, stdout, say };
  const out = await openSink(streams.output, options);
  const trigger = streams.trigger === undefined ? undefined : await openSink(streams.trigger, options);
  return {
    out,
    trigger,
    // Trigger contributions first: the decision may come back before the data are written.
    drain: async () => {
      await trigger?.drain();
      await out.drain();
    },
    close: async () => {
      await trigger?.close();
      await out.close();
    },
  };
}

async function feed(
  pool: Pool,
  context: DrpContext,
  constants: ConstantsFeed | undefined,
): Promise<readonly Finding[]> {
  const { streams, lifecycle, counters, progress } = context;
  const source = await openStream(streams.input, { lifecycle });
  progress?.start(source.size);
  const reader = new DgramReader(source, { stop: lifecycle.stop });
  let configured = false;
  let left = context.events ?? Number.POSITIVE_INFINITY;
  let last = { sec: 0, nsec: 0 };
  try {
    if (streams.config !== undefined) {
      await configureFrom(streams.config, pool, lifecycle);
      configured = true;
    }
    do {
      while (left > 0 && reader.next()) {
        const { dgram } = reader;
        const { service, sec, nsec } = dgram;
        if (sec < last.sec || (sec === last.sec && nsec < last.nsec)) counters.timeBack++;
        last = { sec, nsec };
        if (isDealt(service)) {
          if (!configured) throw notConfigured(dgram);
          while (!pool.tryEvent(dgram)) await pool.room();
          left--;
        } else {
          configured ||= service === SERVICE.Configure;
          if (!configured) throw notConfigured(dgram);
          // A stop while a run waits for its constants: it has not begun.
          if (constants && !(await constants.prepare(dgram))) return reader.findings;
          await pool.transition(dgram);
        }
      }
      // Whoever waits for more input must not keep what is there.
      pool.flush();
      progress?.update(reader.position);
    } while (left > 0 && (await reader.fill()));
    return reader.findings;
  } finally {
    progress?.end();
    reader.close();
  }
}

/** L1Accepts are dealt out; everything else goes to all. */
function isDealt(service: number): boolean {
  return service === SERVICE.L1Accept || service === SERVICE.Unused_11;
}

function notConfigured(dgram: Dgram): UsageError {
  return new UsageError(
    `the input begins with ${serviceName(dgram.service)}, not with Configure: give the first chunk with --config FILE`,
  );
}

/** The Configure of another file goes to the workers and to the output first. */
async function configureFrom(file: string, pool: Pool, lifecycle: Lifecycle): Promise<void> {
  const reader = new DgramReader(await openStream(file, { lifecycle }));
  try {
    do {
      if (!reader.next()) continue;
      if (reader.dgram.service !== SERVICE.Configure) break;
      await pool.transition(reader.dgram);
      return;
    } while (await reader.fill());
    throw new UsageError(`--config ${file} does not begin with a Configure`);
  } finally {
    reader.close();
  }
}
