/**
 * Questions to one process and its answers, waited for in place and always with a limit: two files in memory that nobody else can open,
 * and a counter each to say that something is in them. Page 0 of a file is its head, the rest one frame.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, readSync, unlinkSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventFd } from 'posix-ipc-shim';

const PAGE = 4096;
const HEAD = { bytes: 0, row: 8, size: 16 } as const;
const MAX_ANSWER = 2 ** 31 - 1;

export class Channel {
  readonly #question: number;
  readonly #answer: number;
  readonly #asked = EventFd.create();
  readonly #answered = EventFd.create();

  constructor() {
    this.#question = memoryFile();
    this.#answer = memoryFile();
  }

  /** For the process: question, answer, and their counters. */
  get descriptors(): readonly number[] {
    return [this.#question, this.#answer, this.#asked.fd, this.#answered.fd];
  }

  /** @throws NodeJS.ErrnoException ENOSPC when memory is short */
  ask(frame: Buffer): void {
    const head = Buffer.alloc(PAGE);
    head.writeBigUInt64LE(BigInt(frame.length), HEAD.bytes);
    let at = writevSync(this.#question, [head, frame], 0);
    while (at < PAGE + frame.length) at += writevSync(this.#question, [frame.subarray(at - PAGE)], at);
    this.#asked.signal();
  }

  /** Waits; false if there is no answer yet. */
  wait(milliseconds: number): boolean {
    return this.#answered.take(milliseconds) > 0;
  }

  /** The answer, in memory of its own. */
  read(): Buffer {
    const length = this.#head(HEAD.bytes);
    if (length > MAX_ANSWER) throw new Error(`an answer of ${length} bytes`);
    const frame = Buffer.allocUnsafeSlow(length);
    let at = 0;
    while (at < length) {
      const got = readSync(this.#answer, frame, at, length - at, PAGE + at);
      if (got === 0) throw new Error('an answer that is cut off');
      at += got;
    }
    return frame;
  }

  /** Rows of the question at which the process has begun. */
  get rowsBegun(): number {
    return this.#head(HEAD.row);
  }

  #head(at: number): number {
    const head = Buffer.alloc(HEAD.size);
    readSync(this.#answer, head, 0, HEAD.size, 0);
    return Number(head.readBigUInt64LE(at));
  }

  close(): void {
    closeSync(this.#question);
    closeSync(this.#answer);
    this.#asked.close();
    this.#answered.close();
  }
}

/** A file without a name. */
function memoryFile(): number {
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const path = join(folder, `daqpipe-graph-${process.pid}-${randomBytes(6).toString('hex')}`);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  return descriptor;
}
