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
  return new MarkedMessages(source, helper);
}

class MarkedMessages implements MessageSource {
  readonly #source: MessageSource;
  readonly #helper: PythonProcess;
  /** At the helper; a mark comes for each. */
  readonly #underway: RawMessage[] = [];
  readonly #marks: number[] = [];
  /** The source has nothing more. */
  #ended = false;
  #failure: Error | undefined;
  #closed = false;
  #wakeReader = () => {};
  #wakeForwarding = () => {};

  constructor(source: MessageSource, helper: PythonProcess) {
    this.#source = source;
    this.#helper = helper;
    helper.fromProcess.on('data', (bytes: Buffer) => {
      this.#marks.push(...bytes);
      this.#wakeReader();
    });
    // That it is gone is told by `exited`.
    helper.toProcess.on('error', () => {});
    void helper.exited.then((exit) => {
      if (!this.#closed)
        this.#failure = new DaqError(
          'helper-gone',
          `the Python helper ended: ${describeExit(exit)}\n${exit.lastWords}`,
        );
      this.#wakeBoth();
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawMessage> {
    this.#forward().catch((error: Error) => {
      this.#failure = error;
      this.#wakeReader();
    });
    for (;;) {
      while (this.#marks.length > 0 && this.#underway.length > 0) {
        const message = this.#underway.shift()!;
        yield [Buffer.of(this.#marks.shift()!), ...message];
        this.#wakeForwarding();
      }
      if (this.#closed) return;
      if (this.#failure) throw this.#failure;
      if (this.#ended && this.#underway.length === 0) return;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  async #forward(): Promise<void> {
    const { toProcess } = this.#helper;
    for await (const message of this.#source) {
      if (this.#closed || this.#failure) return;
      const [part = Buffer.alloc(0)] = message;
      this.#underway.push(message);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(part.length);
      toProcess.write(length);
      toProcess.write(part);
      if (this.#underway.length >= MOST_UNDERWAY)
        await new Promise<void>((resolve) => {
          this.#wakeForwarding = resolve;
        });
    }
    this.#ended = true;
    this.#wakeReader();
  }

  #wakeBoth(): void {
    this.#wakeReader();
    this.#wakeForwarding();
  }

  /** Works twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source.close();
    this.#helper.toProcess.end();
    void this.#helper.stop();
    this.#wakeBoth();
  }
}
