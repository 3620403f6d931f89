/** The Python process in which a user's class lives (python/daqpipe/mapreduce/host.py), and what comes from it. */

import { ownPythonPath } from '../../python/own-path.ts';
import { PythonProcess } from '../../python/process.ts';
import type { StreamData } from '../frames/types.ts';
import { type PipeMessage, PipeSplitter } from './splitter.ts';

interface HostOptions {
  /** Interpreter. */
  readonly python: string;
  /** Of daqpipe.mapreduce: what takes the questions. */
  readonly module: 'child' | 'source_child';
  /** Put before what the class prints. */
  readonly prefix: string;
  readonly take: (answer: PipeMessage) => void;
  /** What comes is no answer, or `take` threw. */
  readonly broken: (error: Error) => void;
}

export function startHost({ python, module, prefix, take, broken }: HostOptions): PythonProcess {
  const host = new PythonProcess({
    command: python,
    args: ['-u', '-m', `daqpipe.mapreduce.${module}`],
    env: { PYTHONPATH: ownPythonPath() },
    pipes: true,
    prefix,
  });
  const splitter = new PipeSplitter();
  // A process that dies breaks its pipes; its exit says so better than the pipe does.
  host.toProcess.on('error', () => {});
  host.fromProcess.on('error', () => {});
  host.fromProcess.on('data', (piece: Buffer) => {
    try {
      for (const answer of splitter.push(piece)) take(answer);
    } catch (error) {
      broken(error as Error);
    }
  });
  return host;
}

/** Frames in an answer, by stream. */
export function streamsIn({ head, blobs }: PipeMessage): ReadonlyMap<string, StreamData> {
  let at = 0;
  return new Map(
    (head.streams as [string, string, number][]).map(([name, typ, length]) => {
      const frames = blobs.slice(at, at + length);
      at += length;
      return [name, { typ, frames }];
    }),
  );
}
