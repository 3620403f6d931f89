/** Sinks of dgrams: what `Output` is for stdout, for files and sockets as well. */

import { closeSync, open, openSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { Output } from '../cli/output.ts';
import { DaqError } from '../errors.ts';
import { ReplaceFile } from './replace-file.ts';
import { explain } from './source.ts';

/** The part of a sink that a writing loop needs; `Output` has it too. */
export type DgramTaker = Pick<Output, 'bytes' | 'full' | 'drain'>;

export interface DgramSink extends DgramTaker {
  /** As the user wrote it. */
  readonly name: string;
  /** Takes one whole dgram; the view must stay valid until `drain` has ended. */
  bytes(dgram: Buffer): void;
  /** True when it is time to `drain`. */
  readonly full: boolean;
  /** True for a new file with each BeginRun, which has the Configure and then the BeginRun at its beginning. */
  readonly perRun?: boolean;
  /** Of sinks that wait for their reader: true when it is there, false if none will come. */
  readonly reader?: Promise<boolean>;
  /**
   * Passes on everything taken so far, and waits while the reader is slow.
   * @throws OutputClosed when the reader of a pipe has gone, DaqError `reader-gone` (sockets) or `output-failed`
   */
  drain(): Promise<void>;
  /** Ends the stream in order: the rest is passed on, the file put in place, the reader told. Works any number of times. */
  close(): Promise<void>;
  /** Ends without an end: what is under way is dropped, and a file leaves no trace. Works any number of times. */
  abandon(): void;
}

/** Dgrams through an `Output`: stdout, files, pipes, devices. */
export class OutputSink implements DgramSink {
  readonly name: string;
  private readonly out: Output;
  private readonly file: Pick<ReplaceFile, 'commit' | 'abandon'> | undefined;
  private over = false;

  /** @param file what must be put in place at the end */
  constructor(name: string, out: Output, file?: Pick<ReplaceFile, 'commit' | 'abandon'>) {
    this.name = name;
    this.out = out;
    this.file = file;
  }

  get full(): boolean {
    return this.out.full;
  }

  bytes(dgram: Buffer): void {
    this.out.bytes(dgram);
  }

  drain(): Promise<void> {
    return this.out.drain();
  }

  async close(): Promise<void> {
    if (this.over) return;
    await this.out.drain();
    this.over = true;
    this.file?.commit();
  }

  abandon(): void {
    if (this.over) return;
    this.over = true;
    this.file?.abandon();
  }
}

const openFile = promisify(open);

/**
 * A file that appears when the sink is closed, or a named pipe or device that is written as it is.
 * @throws DaqError `output-failed`
 */
export async function openFileSink(name: string): Promise<DgramSink> {
  const before = statSync(name, { throwIfNoEntry: false });
  if (before && !before.isFile() && !before.isDirectory()) {
    // From the thread pool: opening a named pipe waits for its reader, and signals must be served meanwhile.
    const fd = await openFile(name, 'w').catch((error: unknown) => {
      throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file: name }, cause: error });
    });
    const close = () => closeSync(fd);
    return new OutputSink(name, new Output(fd, name), { commit: close, abandon: close });
  }
  const file = new ReplaceFile(name);
  return new OutputSink(name, new Output(file.fd, name), file);
}

/** True for the name of a file, old or new: nothing with a scheme, no pipe, no device. */
export function isFileName(name: string): boolean {
  return (
    name !== '-' && !/^[a-z][a-z0-9+-]*:/.test(name) && (statSync(name, { throwIfNoEntry: false })?.isFile() ?? true)
  );
}

/**
 * A file that grows under its own name, as the DAQ writes them: whoever is killed leaves what was written.
 * @throws DaqError `output-failed`
 */
export function openGrowingFile(name: string): DgramSink {
  try {
    const fd = openSync(name, 'w');
    const close = () => closeSync(fd);
    return new OutputSink(name, new Output(fd, name), { commit: close, abandon: close });
  } catch (error) {
    throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file: name }, cause: error });
  }
}
