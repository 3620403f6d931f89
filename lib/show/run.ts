/** Runs `dgram-cat` over its inputs: one after the other, merged in time order, or followed while they grow. */

import type { Lifecycle } from '../cli/lifecycle.ts';
import type { Output } from '../cli/output.ts';
import { UsageError } from '../errors.ts';
import { announcedChunk, continuesChunk } from '../stream/chunks.ts';
import { DgramReader } from '../stream/dgram-reader.ts';
import { EventAssembler } from '../stream/event-built.ts';
import { FollowSource } from '../stream/follow.ts';
import { MergeReader } from '../stream/merge.ts';
import { openBytes } from '../stream/source.ts';
import { SERVICE } from '../xtc/service.ts';
import { Walker } from '../xtc/walk.ts';
import { lineTitles } from './line.ts';
import type { ShowOptions } from './options.ts';
import { describedBy, Pass } from './pass.ts';

export interface ShowResult {
  passes: readonly Pass[];
  /** Inputs that ended because nothing came any more before EndRun. */
  gaveUp: readonly string[];
}

/** Shared by everything below. */
export interface ShowContext {
  options: ShowOptions;
  out: Output;
  lifecycle: Lifecycle;
  say: (message: string) => void;
}

/** @throws InputError, UsageError, OutputClosed */
export async function showInputs(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out } = context;
  if (options.titles) out.line(lineTitles());
  return options.merge ? showMerged(names, context) : showInTurn(names, context);
}

async function startPass(name: string, context: ShowContext, previous?: Pass): Promise<Pass> {
  const { options, out } = context;
  if (previous && continuesChunk(previous.name, name)) return new Pass(name, options, out, previous.walker, true);
  const { config, corrupted } = options;
  const walker = config === undefined ? new Walker({ corrupted }) : await describedBy(config, corrupted);
  return new Pass(name, options, out, walker, config !== undefined);
}

async function showInTurn(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, lifecycle } = context;
  const passes: Pass[] = [];
  const gaveUp: string[] = [];
  const queue = [...names];
  let left = options.selection.count;
  for (let name = queue.shift(); name !== undefined && !lifecycle.stop.aborted; name = queue.shift()) {
    const limited =
      left === undefined
        ? context
        : { ...context, options: { ...options, selection: { ...options.selection, count: left } } };
    const pass = await startPass(name, limited, passes.at(-1));
    passes.push(pass);
    if (names.length > 1 && isText(options)) out.line(`${passes.length > 1 ? '\n' : ''}==> ${name} <==`);
    const ended = await showOne(pass, context);
    if (ended.next !== undefined) queue.unshift(ended.next);
    if (ended.gaveUp) gaveUp.push(name);
    showResult(pass, context, names.length > 1);
    await out.drain();
    if (left !== undefined) left -= pass.shown;
    if (left === 0) break;
  }
  return { passes, gaveUp };
}

/** Reads one input to its end; `next` is the chunk that it announced. */
async function showOne(pass: Pass, context: ShowContext): Promise<{ next?: string; gaveUp: boolean }> {
  const { options, out, lifecycle } = context;
  const source =
    options.follow && pass.name !== '-' ? new FollowSource(pass.name, { timeout: options.timeout }) : undefined;
  const reader = new DgramReader(source ?? (await openBytes(pass.name)), {
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
        if (source) {
          next ??= announcedChunk(reader.dgram, pass.walker, pass.name);
          over = reader.dgram.service === SERVICE.EndRun || (next !== undefined && reader.pending === 0);
        }
        over ||= pass.selection.done;
        if (out.full) await out.drain();
      }
      // A person may be looking, and views end with the next fill.
      await out.drain();
    } while (!over && (await reader.fill()));
  } finally {
    reader.close();
  }
  const gaveUp = source?.gaveUp ?? false;
  if (!gaveUp) pass.close(reader.findings);
  return next === undefined ? { gaveUp } : { next, gaveUp: false };
}

async function showMerged(names: readonly string[], context: ShowContext): Promise<ShowResult> {
  const { options, out, lifecycle } = context;
  if (options.mode === 'smd')
    throw new UsageError('--merge does not go with --format smd: an smd file indexes one file');
  const passes: Pass[] = [];
  const readers: DgramReader[] = [];
  for (const name of names) {
    passes.push(await startPass(name, context));
    const source = options.follow ? new FollowSource(name, { timeout: options.timeout }) : await openBytes(name);
    readers.push(new DgramReader(source, { stop: lifecycle.stop, resync: options.resync }));
  }
  const merge = new MergeReader(readers);
  const events = options.mode === 'xtc2' ? new EventAssembler() : undefined;
  let left = options.selection.count ?? Number.POSITIVE_INFINITY;
  do {
    while (left > 0 && merge.next()) {
      const pass = passes[merge.stream]!;
      if (events) {
        if (pass.selection.accepts(merge.dgram)) {
          if (!events.fits(merge.dgram)) left -= putEvent(events, out);
          if (left > 0) events.add(merge.dgram);
          pass.shown++;
        }
      } else {
        const before = pass.shown;
        pass.take(merge.dgram);
        left -= pass.shown - before;
      }
      if (out.full) await out.drain();
    }
    await out.drain();
  } while (left > 0 && (await merge.fill()));
  if (events && left > 0) putEvent(events, out);
  readers.forEach((reader, i) => {
    passes[i]!.close(reader.findings);
    reader.close();
    showResult(passes[i]!, context, names.length > 1);
  });
  await out.drain();
  return { passes, gaveUp: [] };
}

function putEvent(events: EventAssembler, out: Output): number {
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
