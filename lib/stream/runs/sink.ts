/**
 * `runs:PATTERN`: one file for each run, as the existing system records (spec procmgr.md 5.1, 5.3). A file is written as NAME.inprogress and gets
 * its name at the end of the run, so whoever is killed leaves what has been recorded, and live readers find it.
 */

import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { Output } from '../../cli/output.ts';
import { DaqError } from '../../errors.ts';
import type { RunInfo } from '../../xtc/run-info.ts';
import type { DgramSink } from '../sink.ts';
import { explain } from '../source.ts';
import { RunFileName } from './name.ts';
import { RunSplitter } from './splitter.ts';

const UNDER_WAY = '.inprogress';
const LAST_CHUNK = 999;

interface RunFile {
  readonly name: string;
  readonly out: Output;
  ended: boolean;
}

export class RunsSink implements DgramSink {
  /** Positions begin anew with each run. */
  readonly perRun = true;
  private readonly pattern: RunFileName;
  private readonly say: (message: string) => void;
  private readonly splitter: RunSplitter;
  /** The files under way; all but the last have ended. */
  private readonly files: RunFile[] = [];
  private over = false;

  /**
   * @param url `runs:out/{exp}-r{run}-s001-c{chunk}.xtc2`
   * @throws UsageError if the pattern has no run
   */
  constructor(url: string, say: (message: string) => void = () => {}) {
    this.pattern = new RunFileName(url.slice('runs:'.length));
    this.say = say;
    this.splitter = new RunSplitter({
      begin: (info, head) => {
        const file = this.open(info);
        this.files.push(file);
        for (const bytes of head) file.out.bytes(bytes);
      },
      bytes: (view) => this.files.at(-1)!.out.bytes(view),
      end: () => {
        this.files.at(-1)!.ended = true;
      },
    });
  }

  get name(): string {
    return this.pattern.pattern;
  }

  get full(): boolean {
    return this.files.length > 1 || (this.files[0]?.out.full ?? false);
  }

  /** @throws DaqError `output-failed` if the file of a run cannot be made, or is there already */
  bytes(dgrams: Buffer): void {
    this.splitter.take(dgrams);
  }

  async drain(): Promise<void> {
    for (const file of [...this.files]) {
      await file.out.drain();
      if (!file.ended) continue;
      this.files.shift();
      closeSync(file.out.fd);
      renameSync(file.name + UNDER_WAY, file.name);
      this.say(`recorded ${file.name}`);
    }
  }

  /** A run that is under way ends with the stream. */
  async close(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.splitter.close();
    await this.drain();
  }

  /** What has been recorded stays, as `.inprogress`. */
  abandon(): void {
    if (this.over) return;
    this.over = true;
    for (const { out } of this.files.splice(0)) closeSync(out.fd);
  }

  /** A run that was recorded in part before, by a process that is gone, goes on in its next chunk. Nothing is ever written over. */
  private open(info: RunInfo): RunFile {
    for (let chunk = 0; chunk <= LAST_CHUNK; chunk++) {
      const name = this.pattern.of(info, chunk);
      try {
        if (existsSync(name)) throw Object.assign(new Error('the file exists'), { code: 'EEXIST' });
        mkdirSync(dirname(name), { recursive: true });
        return { name, out: new Output(openSync(name + UNDER_WAY, 'wx'), name), ended: false };
      } catch (error) {
        const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
        if (isThere && this.pattern.hasChunks) continue;
        const why = isThere
          ? 'this run has been recorded already; {chunk} in the name makes another file'
          : explain(error);
        throw new DaqError('output-failed', `cannot write: ${why}`, { place: { file: name }, cause: error });
      }
    }
    throw new DaqError('output-failed', `cannot write: run ${info.run ?? 0} has ${LAST_CHUNK + 1} files already`);
  }
}
