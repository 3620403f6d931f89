/** Runs `dgram-cat` over its inputs: one after the other, merged in time order, or followed while they grow. */

import type { Lifecycle } from '../cli/lifecycle.ts';
import type { Output } from '../cli/output.ts';
import { UsageError } from '../errors.ts';
import { announcedChunk, continuesChunk } from '../stream/chunks.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import { EventAssembler } from '../stream/event-built.ts';
import { FollowSource } from '../stream/follow.ts';
import { MergeReader } from '../stream/merge.ts';
import { isStreamUrl, openSink, openStream } from '../stream/open.ts';
import type { DgramTaker } from '../stream/sink.ts';
import type { ByteSource } from '../stream/source.ts';
import { SERVICE } from '../xtc/service.ts';
import { Walker } from '../xtc/walk.ts';
import { lineTitles } from './line.ts';
import type { ShowOptions } from './options.ts';
import { describedBy, Pass } from './pass.ts';

export interface ShowResult {
  passes: readonly Pass[];
  /** A sentence for every input that ended before its stream did. */
  gaveUp: readonly string[];
}

/** Shared by everything below. */
export interface ShowContext {
  options: ShowOptions;
  out: Output;
  lifecycle: Lifecycle;
  say: (message: string) => void;
  /** The passes so far, for who wants to look while they run. */
  passes?: Pass[];
  /** Where xtc2 and smd go, if not to `out`. */
  sink?: DgramTaker;
}

/** @throws InputError, UsageError, OutputClosed */
export async function showInputs(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, lifecycle, say } = context;
  if (options.titles) out.line(lineTitles());
  const show = options.merge ? showMerged : showInTurn;
  if (options.output === undefined) return show(names, context);
  const sink = await openSink(options.output, { lifecycle, say, stdout: out });
  try {
    const result = await show(names, { ...context, sink });
    await sink.close();
    return result;
  } catch (error) {
    sink.abandon();
    throw error;
  }
}

async function startPass(name: string, context: ShowContext, previous?: Pass): Promise<Pass> {
  const { options, out, sink } = context;
  if (previous && continuesChunk(previous.name, name)) return new Pass(name, options, out, previous.walker, true, sink);
  const { config, corrupted } = options;
  const walker = config === undefined ? new Walker({ corrupted }) : await describedBy(config, corrupted);
  return new Pass(name, options, out, walker, config !== undefined, sink);
}

async function showInTurn(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, lifecycle } = context;
  const passes = context.passes ?? [];
  const gaveUp: string[] = [];
  const queue = [...names];
  let { count: left, skip = 0 } = options.selection;
  for (let name = queue.shift(); name !== undefined && !lifecycle.stop.aborted; name = queue.shift()) {
    const selection = { ...options.selection, skip, ...(left === undefined ? {} : { count: left }) };
    const limited = { ...context, options: { ...options, selection } };
    const pass = await startPass(name, limited, passes.at(-1));
    passes.push(pass);
    if (names.length > 1 && isText(options)) out.line(`${passes.length > 1 ? '\n' : ''}==> ${name} <==`);
    const ended = await showOne(pass, context);
    if (ended.next !== undefined) queue.unshift(ended.next);
    if (ended.lost !== undefined) gaveUp.push(`${name}: ${ended.lost}`);
    showResult(pass, context, names.length > 1);
    await out.drain();
    if (left !== undefined) left -= pass.shown;
    skip -= pass.selection.skipped;
    if (left === 0) break;
  }
  return { passes, gaveUp };
}

/** A URL or `-`, which end by themselves, or a file, which may be followed. */
function openInput(name: string, { options, lifecycle, say }: ShowContext): Promise<ByteSource> | FollowSource {
  if (options.follow && name !== '-' && !isStreamUrl(name)) return new FollowSource(name, { timeout: options.timeout });
  return openStream(name, { lifecycle, say });
}

/** Reads one input to its end; `next` is the chunk that it announced, `lost` why it ended before its stream did. */
async function showOne(pass: Pass, context: ShowContext): Promise<{ next?: string; lost?: string }> {
  const { options, out, sink = out, lifecycle } = context;
  const source = await openInput(pass.name, context);
  const followed = source instanceof FollowSource;
  const reader = new DgramReader(source, {
    stop: lifecycle.stop,
    resync: options.resync,
    headersOnly: pass.headersOnly && options.mode !== 'xtc2' && options.mode !== 'smd',
  });
  let next: string | undefined;
  let over = false;
  try {
    do {
      while (!over && reader.next()) {
        pass.take(reader.dgram);
        if (followed) {
          next ??= announcedChunk(reader.dgram, pass.walker, pass.name);
          over = reader.dgram.service === SERVICE.EndRun || (next !== undefined && reader.pending === 0);
        }
        over ||= pass.selection.done;
        if (out.full || sink.full) await drain(context);
      }
      // A person may be looking, and views end with the next fill.
      await drain(context);
    } while (!over && (await reader.fill()));
  } finally {
    reader.close();
  }
  const { lost } = source;
  // What follows the last whole dgram of a growing file is not wrong, it is not finished.
  if (!followed || lost === undefined) pass.close(reader.findings);
  if (next !== undefined) return { next };
  return lost === undefined ? {} : { lost };
}

async function drain({ out, sink }: ShowContext): Promise<void> {
  await out.drain();
  await sink?.drain();
}

async function showMerged(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, sink = out, lifecycle } = context;
  if (options.mode === 'smd')
    throw new UsageError('--merge does not go with --format smd: an smd file indexes one file');
  const passes = context.passes ?? [];
  const sources: ByteSource[] = [];
  const readers: DgramReader[] = [];
  for (const name of names) {
    passes.push(await startPass(name, context));
    sources.push(await openInput(name, context));
    readers.push(new DgramReader(sources.at(-1)!, { stop: lifecycle.stop, resync: options.resync }));
  }
  const merge = new MergeReader(readers);
  const events = options.mode === 'xtc2' ? new EventAssembler() : undefined;
  let left = options.selection.count ?? Number.POSITIVE_INFINITY;
  do {
    while (left > 0 && merge.next()) {
      const pass = passes[merge.stream]!;
      if (events) {
        if (pass.accepts(merge.dgram)) {
          if (!events.fits(merge.dgram)) left -= putEvent(events, sink);
          if (left > 0) events.add(merge.dgram);
        }
      } else {
        const before = pass.shown;
        pass.take(merge.dgram);
        left -= pass.shown - before;
      }
      if (out.full || sink.full) await drain(context);
    }
    await drain(context);
  } while (left > 0 && (await merge.fill()));
  if (events && left > 0) putEvent(events, sink);
  readers.forEach((reader, i) => {
    passes[i]!.close(reader.findings);
    reader.close();
    showResult(passes[i]!, context, names.length > 1);
  });
  await drain(context);
  const gaveUp = sources.flatMap(({ name, lost }) => (lost === undefined ? [] : [`${name}: ${lost}`]));
  return { passes, gaveUp };
}

function putEvent(events: EventAssembler, out: DgramTaker): number {
  const event = events.take();
  if (event) out.bytes(event);
  return event ? 1 : 0;
}

/** What aggregating views have to say at the end of an input. */
function showResult(pass: Pass, { options, out }: ShowContext, several: boolean): void {
  const result = pass.view.result?.();
  if (!result) return;
  if (options.json) {
    out.line(JSON.stringify({ file: pass.name, ...result.document }, null, several ? 0 : 2));
    return;
  }
  for (const line of result.lines) out.line(line);
}

function isText({ mode, json }: ShowOptions): boolean {
  return !json && !['jsonl', 'xtc2', 'smd'].includes(mode);
}
