/**
 * Marks of contrast messages, from a Python helper: the status stands in a pickle, which Node does not read (spec mapreduce.md 6.3).
 * Messages go to the helper and come back in order, each with one byte before it.
 */

import { join } from 'node:path';
import { packageRoot } from '../../cli/package-root.ts';
import { DaqError } from '../../errors.ts';
import { findInterpreter } from '../../python/interpreter.ts';
import { describeExit, PythonProcess } from '../../python/process.ts';
import type { MessageSource, RawMessage } from './messages.ts';

/** Messages under way to the helper. */
const MOST_UNDERWAY = 64;

/** @throws InputError if there is no Python */
export async function markedMessages(source: MessageSource, python?: string): Promise<MessageSource> {
  const { command } = await findInterpreter(python);
  const helper = new PythonProcess({
    command,
    args: ['-m', 'daqpipe.contrast_marks'],
    env: { PYTHONPATH: join(packageRoot(), 'python') },
    pipes: true,
  });
  let closed = false;
  const underway: RawMessage[] = [];
  const marks: number[] = [];
  let over: Error | undefined;
  let ended = false;
  let wake = () => {};
  let taken = () => {};
  helper.fromProcess.on('data', (bytes: Buffer) => {
    marks.push(...bytes);
    wake();
  });
  helper.toProcess.on('error', () => {});
  helper.exited.then((exit) => {
    if (!closed)
      over = new DaqError('helper-gone', `the Python helper ended: ${describeExit(exit)}\n${exit.lastWords}`);
    wake();
    taken();
  });
  const forward = async () => {
    for await (const message of source) {
      if (closed || over) return;
      const [part = Buffer.alloc(0)] = message;
      underway.push(message);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(part.length);
      helper.toProcess.write(length);
      helper.toProcess.write(part);
      if (underway.length >= MOST_UNDERWAY)
        await new Promise<void>((resolve) => {
          taken = resolve;
        });
    }
    ended = true;
    wake();
  };
  return {
    async *[Symbol.asyncIterator]() {
      forward().catch((error: Error) => {
        over = error;
        wake();
      });
      for (;;) {
        while (marks.length > 0 && underway.length > 0) {
          const message = underway.shift()!;
          yield [Buffer.of(marks.shift()!), ...message];
          taken();
        }
        if (closed) return;
        if (over) throw over;
        if (ended && underway.length === 0) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      source.close();
      helper.toProcess.end();
      void helper.stop();
      wake();
      taken();
    },
  };
}
