/** Runs `dgram-cat` over its inputs: one after the other, merged in time order, or followed while they grow. */

import type { Lifecycle } from '../cli/lifecycle.ts';
import type { Output } from '../cli/output.ts';
import type { ProgressLine } from '../cli/progress.ts';
import { UsageError } from '../errors.ts';
import { announcedChunk, continuesChunk } from '../stream/chunks.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import { EventAssembler } from '../stream/event-built.ts';
import { canGrow, FollowSource } from '../stream/follow.ts';
import { MergeReader } from '../stream/merge.ts';
import { isStreamUrl, openSink, openStream } from '../stream/open.ts';
import type { DgramTaker } from '../stream/sink.ts';
import type { ByteSource } from '../stream/source.ts';
import { isIncomplete } from '../xtc/finding.ts';
import { SERVICE } from '../xtc/service.ts';
import { Walker } from '../xtc/walk.ts';
import { lineTitles } from './line.ts';
import type { ShowOptions } from './options.ts';
import { describedBy, Pass } from './pass.ts';
import { Quota } from './select.ts';

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
  /** How far a long input has come. */
  progress?: ProgressLine;
}

/** `--skip` and `-n` count across all inputs. */
type Running = ShowContext & { quota: Quota };

/** @throws InputError, UsageError, OutputClosed */
export async function showInputs(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, lifecycle, say } = context;
  if (options.titles) out.line(lineTitles());
  const show = options.merge ? showMerged : showInTurn;
  const quota = new Quota(options.selection);
  if (options.output === undefined) return show(names, { ...context, quota });
  const sink = await openSink(options.output, { lifecycle, say, stdout: out });
  try {
    const result = await show(names, { ...context, quota, sink });
    await sink.close();
    return result;
  } catch (error) {
    sink.abandon();
    throw error;
  }
}

/** @param previous the pass before, which this input may continue; `announced` if that one said so itself */
async function startPass(name: string, context: Running, previous?: Pass, announced = false): Promise<Pass> {
  const { options, out, sink, quota } = context;
  if (previous && (announced || continuesChunk(previous.name, name))) {
    return new Pass(name, options, out, previous.walker, true, sink, quota);
  }
  const { config, corrupted } = options;
  const walker = config === undefined ? new Walker({ corrupted }) : await describedBy(config, corrupted);
  return new Pass(name, options, out, walker, config !== undefined, sink, quota);
}

async function showInTurn(names: readonly string[], context: Running): Promise<ShowResult> {
  const { options, out, lifecycle, quota } = context;
  const passes = context.passes ?? [];
  const gaveUp: string[] = [];
  const queue = names.map((name) => ({ name, announced: false }));
  const known = new Set(names);
  for (let input = queue.shift(); input !== undefined && !lifecycle.stop.aborted; input = queue.shift()) {
    const { name, announced } = input;
    const pass = await startPass(name, context, passes.at(-1), announced);
    passes.push(pass);
    if (names.length > 1 && isText(options)) out.line(`${passes.length > 1 ? '\n' : ''}==> ${name} <==`);
    const { next, lost } = await showOne(pass, context);
    // Damaged files could announce each other in a circle.
    if (next !== undefined && !known.has(next)) {
      known.add(next);
      queue.unshift({ name: next, announced: true });
    }
    if (lost !== undefined) gaveUp.push(`${name}: ${lost}`);
    showResult(pass, context, names.length > 1);
    await out.drain();
    if (quota.done) break;
  }
  return { passes, gaveUp };
}

/** A URL or `-`, which end by themselves, or a file, which may be followed. */
function openInput(name: string, { options, lifecycle, say }: ShowContext): Promise<ByteSource> | FollowSource {
  if (options.follow && !isStreamUrl(name) && canGrow(name))
    return new FollowSource(name, { timeout: options.timeout });
  return openStream(name, { lifecycle, say });
}

/** Reads one input to its end; `next` is the chunk that it announced, `lost` why it ended before its stream did. */
async function showOne(pass: Pass, context: Running): Promise<{ next?: string; lost?: string }> {
  const { options, out, sink = out, lifecycle, quota, progress } = context;
  const source = await openInput(pass.name, context);
  const followed = source instanceof FollowSource;
  const reader = new DgramReader(source, {
    stop: lifecycle.stop,
    resync: options.resync,
    headersOnly: pass.headersOnly && options.mode !== 'xtc2' && options.mode !== 'smd',
  });
  let next: string | undefined;
  let over = false;
  progress?.start(pass.name, source.size);
  try {
    do {
      while (!over && reader.next()) {
        pass.take(reader.dgram);
        if (followed) {
          next ??= announcedChunk(reader.dgram, pass.walker, pass.name);
          over = reader.dgram.service === SERVICE.EndRun || (next !== undefined && reader.pending === 0);
        }
        over ||= quota.done;
        if (out.full || sink.full) await drain(context);
      }
      // A person may be looking, and views end with the next fill.
      await drain(context);
      progress?.update(reader.position);
    } while (!over && (await reader.fill()));
  } finally {
    progress?.clear();
    reader.close();
  }
  const { lost } = source;
  closePass(pass, reader, followed && lost !== undefined);
  if (next !== undefined) return { next };
  return lost === undefined ? {} : { lost };
}

/** What follows the last whole dgram of a growing file is not wrong, it is not finished. */
function closePass(pass: Pass, reader: DgramReader, stillWritten: boolean): void {
  const { findings } = reader;
  pass.close(stillWritten ? findings.filter(({ code }) => !isIncomplete(code) && code !== 'empty-file') : findings);
}

/** Also what must happen while the views of the dgrams still hold. */
async function drain({ options, out, sink }: ShowContext): Promise<void> {
  options.live?.settle();
  await out.drain();
  await sink?.drain();
}

async function showMerged(names: readonly string[], context: Running): Promise<ShowResult> {
  const { options, lifecycle } = context;
  if (options.mode === 'smd')
    throw new UsageError('--merge does not go with --format smd: an smd file indexes one file');
  const events = options.mode === 'xtc2' ? new EventAssembler() : undefined;
  // Where contributions are put together, whole events are counted and not their parts.
  const parts = events ? { ...context, quota: new Quota({}) } : context;
  const passes = context.passes ?? [];
  const sources: (ByteSource | FollowSource)[] = [];
  const readers: DgramReader[] = [];
  try {
    for (const name of names) {
      passes.push(await startPass(name, parts));
      sources.push(await openInput(name, context));
      readers.push(new DgramReader(sources.at(-1)!, { stop: lifecycle.stop, resync: options.resync }));
    }
    await mergeAll(new MergeReader(readers), passes, events, context);
  } finally {
    for (const reader of readers) reader.close();
  }
  const gaveUp: string[] = [];
  for (const [i, source] of sources.entries()) {
    const { lost } = source;
    const stillWritten = source instanceof FollowSource && lost !== undefined;
    if (lost !== undefined) gaveUp.push(`${source.name}: ${lost}`);
    closePass(passes[i]!, readers[i]!, stillWritten);
    showResult(passes[i]!, context, names.length > 1);
  }
  await drain(context);
  return { passes, gaveUp };
}

async function mergeAll(
  merge: MergeReader,
  passes: readonly Pass[],
  events: EventAssembler | undefined,
  context: Running,
): Promise<void> {
  const { out, sink = out, quota } = context;
  let parts: Pass[] = [];
  const put = () => {
    const event = events?.take();
    if (event && quota.take()) sink.bytes(event);
    else for (const pass of parts) pass.giveBack();
    parts = [];
  };
  do {
    while (!quota.done && merge.next()) {
      const pass = passes[merge.stream]!;
      if (!events) pass.take(merge.dgram);
      else if (pass.accepts(merge.dgram)) {
        if (!events.fits(merge.dgram)) put();
        events.add(merge.dgram);
        parts.push(pass);
      }
      if (out.full || sink.full) await drain(context);
    }
    // Before we may have to wait for a reader: the balance shall be right then.
    if (quota.done) put();
    await drain(context);
  } while (!quota.done && (await merge.fill()));
  put();
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
  return !json && !['jsonl', 'xtc2', 'smd', 'live'].includes(mode);
}
