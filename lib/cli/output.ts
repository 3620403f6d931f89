/**
 * Standard output (or any descriptor) in large blocks. Text is collected; buffers are taken as views and neighbouring views
 * of one block are written as one piece. Nothing is written before `drain`, so a view handed to `bytes` must stay valid until then.
 * Pipes are written from the thread pool, so signals are served while a slow reader makes us wait.
 */

import { fstatSync, writev, writevSync } from 'node:fs';
import { DaqError } from '../errors.ts';

/** The reader of our output has gone away: an ordinary end for a filter. */
export class OutputClosed extends DaqError {
  override readonly name = 'OutputClosed';
  constructor() {
    super('output-closed', 'the reader of the output has closed it');
  }
}

const TEXT_BLOCK = 64 * 1024;
const PRESSURE = 1024 * 1024;
const MAX_PIECES = 512;
const RETRY_MS = 2;

export class Output {
  readonly fd: number;
  private readonly name: string;
  private readonly quick: boolean;
  private text = '';
  private pieces: Buffer[] = [];
  private waiting = 0;
  private total = 0;

  constructor(fd = 1, name = 'stdout') {
    this.fd = fd;
    this.name = name;
    this.quick = isQuick(fd);
  }

  /** Bytes that have left us. */
  get written(): number {
    return this.total;
  }

  /** True when it is time to `drain`. */
  get full(): boolean {
    return this.waiting + this.text.length > PRESSURE || this.pieces.length > MAX_PIECES;
  }

  /** Collects text as it is. */
  put(text: string): void {
    this.text += text;
    if (this.text.length >= TEXT_BLOCK) this.flushText();
  }

  /** Collects one line. */
  line(text: string): void {
    this.put(`${text}\n`);
  }

  /** Collects a view; it is not copied and must stay valid until `drain` has ended. */
  bytes(view: Buffer): void {
    if (this.text.length > 0) this.flushText();
    const last = this.pieces.at(-1);
    this.waiting += view.length;
    if (last && last.buffer === view.buffer && last.byteOffset + last.length === view.byteOffset) {
      this.pieces[this.pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + view.length);
    } else {
      this.pieces.push(view);
    }
  }

  /**
   * Writes everything collected so far.
   * @throws OutputClosed when the reader has gone, DaqError `output-failed` for anything else (a full disk)
   */
  async drain(): Promise<void> {
    this.flushText();
    while (this.pieces.length > 0) {
      const batch = this.pieces.slice(0, MAX_PIECES);
      this.consume(await this.write(batch));
    }
  }

  private flushText(): void {
    if (this.text.length === 0) return;
    const block = Buffer.from(this.text);
    this.text = '';
    this.waiting += block.length;
    this.pieces.push(block);
  }

  private consume(bytes: number): void {
    this.total += bytes;
    this.waiting -= bytes;
    let left = bytes;
    let whole = 0;
    while (whole < this.pieces.length && this.pieces[whole]!.length <= left) left -= this.pieces[whole++]!.length;
    this.pieces.splice(0, whole);
    if (left > 0) this.pieces[0] = this.pieces[0]!.subarray(left);
  }

  private async write(batch: Buffer[]): Promise<number> {
    try {
      return this.quick ? writevSync(this.fd, batch) : await writevOnce(this.fd, batch);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        return 0;
      }
      this.pieces = [];
      this.waiting = 0;
      if (code === 'EPIPE') throw new OutputClosed();
      throw new DaqError('output-failed', `cannot write: ${message}`, { place: { file: this.name }, cause: error });
    }
  }
}

function writevOnce(fd: number, batch: Buffer[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, batch, null, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

/** The device number of /dev/null on Linux. */
const NULL_DEVICE = (1 << 8) | 3;

/** Files and /dev/null take what they are given at once. */
function isQuick(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || (stat.isCharacterDevice() && stat.rdev === NULL_DEVICE);
  } catch {
    // A closed descriptor shows at the first write, with its reason.
    return false;
  }
}
