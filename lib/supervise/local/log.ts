/** The log of an entry while it is written: bytes as they come, whole lines, and never a reason to fall over. */

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { LogDigest } from '../log-digest.ts';
import { headerLines, type LogHeader, logName } from '../log-files.ts';

/** A line that never ends must not fill the memory. */
const LONGEST_LINE = 64 * 1024;
/** Of a line, what is looked at. */
const LONGEST_TEXT = 1024;
const NEWLINE = 10;

export class JobLog {
  readonly path: string;
  readonly digest = new LogDigest();
  readonly #fd: number;
  #closed = false;
  #unwritten = 0;

  /**
   * @param folder root of the logs
   * @throws the file system's error if the log cannot be made
   */
  constructor(folder: string, started: Date, header: LogHeader) {
    this.path = join(folder, logName(started, header.host, header.id));
    mkdirSync(dirname(this.path), { recursive: true });
    this.#fd = openSync(this.path, 'a', 0o640);
    this.#write(Buffer.from(`${headerLines(header).join('\n')}\n`));
  }

  /** Bytes that the file system did not take. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** A line of the supervisor itself. */
  note(text: string): void {
    const line = `# daq-run: ${text}`;
    this.digest.take(line);
    this.#write(Buffer.from(`${line}\n`));
  }

  /** Writes what comes, whole lines at a time. @param mark before every line */
  follow(stream: Readable, mark: string, onLine: (line: string) => void): void {
    let rest: Buffer = Buffer.alloc(0);
    const before = Buffer.from(mark);
    const put = (lines: readonly Buffer[]) => {
      for (const line of lines) {
        const text = line.toString('utf8', 0, LONGEST_TEXT);
        this.digest.take(mark + text);
        onLine(text);
      }
      this.#write(Buffer.concat(lines.flatMap((line) => [before, line, Buffer.of(NEWLINE)])));
    };
    stream.on('data', (bytes: Buffer) => {
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const lines = linesOf(all);
      rest = all.subarray(lines.reduce((sum, line) => sum + line.length + 1, 0));
      if (rest.length > LONGEST_LINE) {
        lines.push(rest);
        rest = Buffer.alloc(0);
      }
      put(lines);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      if (rest.length > 0) put([rest]);
      rest = Buffer.alloc(0);
    });
  }

  end(status: number): void {
    this.note(`ended with status ${status}`);
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #write(bytes: Buffer): void {
    let at = 0;
    try {
      while (!this.#closed && at < bytes.length) at += writeSync(this.#fd, bytes, at);
    } catch {
      // A full disk must not take the processes down; how much is missing is told.
    }
    this.#unwritten += bytes.length - at;
  }
}

/** Whole lines, without their ends. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
    lines.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return lines;
}
