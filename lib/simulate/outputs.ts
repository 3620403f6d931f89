/** Where the streams of a partition go: stdout, a folder with LCLS file names, files, pipes, descriptors, sockets. */

import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Lifecycle } from '../cli/lifecycle.ts';
import { Output } from '../cli/output.ts';
import { DaqError, UsageError } from '../errors.ts';
import { openSink } from '../stream/open.ts';
import { type DgramSink, isFileName, OutputSink, openGrowingFile } from '../stream/sink.ts';
import { explain } from '../stream/source.ts';
import { chunkFileName, smallDataFileName } from './file-names.ts';
import type { Simulation } from './simulation.ts';

export interface OutputOptions {
  /** As written after -o: one per stream, or a folder. */
  targets: readonly string[];
  /** Small-data files as well. */
  smallData: boolean;
  /** Files grow under their own names, as the DAQ writes them, instead of appearing at the end. */
  grow: boolean;
  stdout: Output;
  lifecycle: Lifecycle;
  say: (message: string) => void;
}

/** The places of one lane. */
export interface LaneTarget {
  /** Opens the file of a chunk; targets that are no folder have chunk 0 only. */
  open(chunk: number): Promise<DgramSink>;
  /** Opens the small-data file. */
  openSmallData: (() => Promise<DgramSink>) | undefined;
}

/**
 * What each lane writes to.
 * @throws UsageError if the number of outputs does not fit the number of streams
 */
export function targetsOf(simulation: Simulation, options: OutputOptions): LaneTarget[] {
  const { lanes, run } = simulation;
  const { smallData } = options;
  const targets = options.targets.map(expandHome);
  const [first] = targets;
  if (targets.length === 1 && first !== undefined && isFolder(first)) {
    return lanes.map(({ node }) => folderTarget(first, simulation, node, options));
  }
  if (smallData) throw new UsageError('--smd needs a folder: -o FOLDER/');
  if (run.chunkSteps > 0) throw new UsageError('chunkSteps makes several files per stream: give a folder, -o FOLDER/');
  if (targets.length !== lanes.length) {
    const streams = lanes.map(({ node }) => node).join(', ');
    throw new UsageError(
      `the run has ${lanes.length} streams (${streams}), but there ${targets.length === 1 ? 'is 1 output' : `are ${targets.length} outputs`}: give a folder (-o FOLDER/), one -o for each stream, or --event-built`,
    );
  }
  const twice = targets.find((target, i) => targets.indexOf(target) !== i);
  if (twice !== undefined) throw new UsageError(`-o ${twice} is given twice`);
  return targets.map((target) => ({ open: () => openTarget(target, options), openSmallData: undefined }));
}

/** Process managers do not expand `~/` everywhere. */
function expandHome(target: string): string {
  const { HOME } = process.env;
  return HOME !== undefined && target.startsWith('~/') ? join(HOME, target.slice(2)) : target;
}

function isFolder(target: string): boolean {
  return (
    target.endsWith('/') || (target !== '-' && (statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false))
  );
}

function folderTarget(folder: string, { run }: Simulation, node: number, options: OutputOptions): LaneTarget {
  makeFolder(folder);
  const small = join(folder, 'smalldata');
  if (options.smallData) makeFolder(small);
  return {
    open: (chunk) => openTarget(join(folder, chunkFileName(run, node, chunk)), options),
    openSmallData: options.smallData ? () => openTarget(join(small, smallDataFileName(run, node)), options) : undefined,
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new DaqError('output-failed', `cannot make the folder: ${explain(error)}`, {
      place: { file: folder },
      cause: error,
    });
  }
}

async function openTarget(target: string, options: OutputOptions): Promise<DgramSink> {
  const { stdout, lifecycle, say, grow } = options;
  if (target === '-' && process.stdout.isTTY) {
    throw new UsageError('dgrams are not for terminals: pipe them into dgram-cat, or name a file with -o');
  }
  const descriptor = /^fd:(\d{1,5})$/.exec(target)?.[1];
  if (descriptor !== undefined) return new OutputSink(target, new Output(Number(descriptor), target));
  if (grow && isFileName(target)) return openGrowingFile(target);
  return openSink(target, { lifecycle, say, stdout });
}
