/**
 * A file that grows while it is read (spec xtc2.md section 14, procmgr.md sections 5.3 and 5.4). The size is polled, because change
 * notices do not work on the network file systems that data lives on. Bytes are handed out as they come; 0 means that nothing
 * came for the time-out, or that somebody closed the source.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../errors.ts';
import { type ByteSource, explain, MAX_READ } from './source.ts';

export const IN_PROGRESS = '.inprogress';

export interface FollowOptions {
  /** Milliseconds without growth after which the source ends. Default 60 000. */
  timeout?: number;
  /** Milliseconds between two looks. Default 200. */
  interval?: number;
}

/** Looks after the final name has appeared: what was still being written then is read. */
const LOOKS_AFTER_RENAME = 3;

export class FollowSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  private readonly timeout: number;
  private readonly interval: number;
  private fd = -1;
  private position = 0;
  private closed = false;
  private timedOut = false;
  private looksLeft = LOOKS_AFTER_RENAME;
  /** Name under which the file was found. */
  private openedAs = '';

  constructor(name: string, options: FollowOptions = {}) {
    this.name = name;
    this.timeout = options.timeout ?? 60_000;
    this.interval = options.interval ?? 200;
  }

  /** True if the source ended because nothing came any more. */
  get gaveUp(): boolean {
    return this.timedOut;
  }

  get lost(): string | undefined {
    return this.timedOut ? `nothing came for ${this.timeout / 1000} s and there was no EndRun` : undefined;
  }

  async read(into: Buffer): Promise<number> {
    let waited = 0;
    while (!this.closed) {
      const bytes = this.readNow(into);
      if (bytes > 0) {
        this.looksLeft = LOOKS_AFTER_RENAME;
        return bytes;
      }
      if (this.renamed() && --this.looksLeft < 0) return 0;
      if (waited >= this.timeout) {
        this.timedOut = true;
        return 0;
      }
      await sleep(this.interval);
      waited += this.interval;
    }
    return 0;
  }

  async skip(bytes: number): Promise<number> {
    let waited = 0;
    let size = this.sizeNow();
    while (!this.closed && size < this.position + bytes) {
      if (this.renamed() && --this.looksLeft < 0) break;
      if (waited >= this.timeout) {
        this.timedOut = true;
        break;
      }
      await sleep(this.interval);
      const grown = this.sizeNow();
      waited = grown > size ? 0 : waited + this.interval;
      size = grown;
    }
    const step = Math.max(0, Math.min(bytes, size - this.position));
    this.position += step;
    return step;
  }

  private sizeNow(): number {
    return this.fd < 0 ? 0 : fstatSync(this.fd).size;
  }

  close(): void {
    if (!this.closed && this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
    this.closed = true;
  }

  private readNow(into: Buffer): number {
    if (this.fd < 0) this.fd = this.tryOpen();
    if (this.fd < 0) return 0;
    try {
      const bytes = readSync(this.fd, into, 0, Math.min(into.length, MAX_READ), this.position);
      this.position += bytes;
      return bytes;
    } catch (error) {
      throw new InputError(explain(error), { place: { file: this.name, offset: this.position }, cause: error });
    }
  }

  /** The name itself, or the name that transfer tools use while they write; -1 while there is neither. */
  private tryOpen(): number {
    for (const name of this.name.endsWith(IN_PROGRESS)
      ? [this.name, this.finalName()]
      : [this.name, this.name + IN_PROGRESS]) {
      try {
        const fd = openSync(name, 'r');
        this.openedAs = name;
        return fd;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          throw new InputError(explain(error), { place: { file: name }, cause: error });
        }
      }
    }
    return -1;
  }

  private finalName(): string {
    return this.name.endsWith(IN_PROGRESS) ? this.name.slice(0, -IN_PROGRESS.length) : this.name;
  }

  /** True once a file that was in progress has its final name: nothing more will be written after that. */
  private renamed(): boolean {
    return this.openedAs.endsWith(IN_PROGRESS) && existsSync(this.finalName()) && !existsSync(this.openedAs);
  }
}

/** False for pipes and devices: they say themselves when they end, and have no size that could be watched. */
export function canGrow(name: string): boolean {
  if (name === '-') return false;
  const stat = statSync(name, { throwIfNoEntry: false });
  return stat === undefined || stat.isFile() || stat.isDirectory();
}
