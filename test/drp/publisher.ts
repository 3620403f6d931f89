/** A publisher of calib/1 messages as docs/calib.md describes them, of the fewest lines that say so; drp-python and Python are tested with it. */

import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { XPublisher } from 'zeromq';

export interface Described {
  dtype?: string;
  shape?: number[];
  bytes: Buffer;
}

export interface PublishedSet {
  exp?: string | null;
  run: number;
  seq: number;
  origin?: string;
  stale?: boolean;
  detectors: Record<string, Record<string, Described>>;
}

const sha256 = (...parts: (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

/** 32-bit floats as a constant. */
export function floats(values: number[], shape = [values.length]): Described {
  return { dtype: '<f4', shape, bytes: Buffer.from(Float32Array.from(values).buffer) };
}

/** Header and blobs. @param change made to the header, for wrong ones */
export function framesOf(set: PublishedSet, change: (header: Record<string, unknown>) => void = () => {}): Buffer[] {
  const blobs: Buffer[] = [];
  const detectors = Object.fromEntries(
    Object.entries(set.detectors).map(([name, constants]) => [
      name,
      {
        id: `${name}_0102`,
        constants: Object.fromEntries(
          Object.entries(constants).map(([ctype, { dtype, shape, bytes }]) => [
            ctype,
            {
              kind: dtype === undefined ? 'str' : 'ndarray',
              dtype,
              shape,
              blob: blobs.push(bytes) - 1,
              bytes: bytes.length,
              sha256: sha256(bytes),
              doc: { run: set.run, huge: 1, exact: 'as it came' },
            },
          ]),
        ),
      },
    ]),
  );
  const header: Record<string, unknown> = {
    v: 1,
    origin: set.origin ?? '0123456789abcdef',
    seq: set.seq,
    partition: 0,
    exp: set.exp === undefined ? 'tst1' : set.exp,
    run: set.run,
    complete: true,
    stale: set.stale ?? false,
    hash: sha256(JSON.stringify(Object.keys(set.detectors)), ...blobs),
    detectors,
  };
  change(header);
  return [Buffer.from('calib/1'), Buffer.from(JSON.stringify(header)), ...blobs];
}

/** The same with the blobs in a POSIX segment of that name, which the caller removes. */
export function withSegment(set: PublishedSet, name: string): { frames: Buffer[]; remove: () => void } {
  const [topic, text, ...blobs] = framesOf(set);
  const header = JSON.parse(text!.toString());
  const offsets: number[] = [];
  let end = 0;
  for (const { length } of blobs) {
    offsets.push(end);
    end = Math.ceil((end + length) / 64) * 64;
  }
  const memory = Buffer.alloc(end);
  blobs.forEach((blob, i) => void blob.copy(memory, offsets[i]!));
  writeFileSync(`/dev/shm${name}`, memory, { mode: 0o600, flag: 'wx' });
  header.shm = { name, bytes: end };
  for (const detector of Object.values(header.detectors) as { constants: Record<string, Record<string, unknown>> }[]) {
    for (const constant of Object.values(detector.constants)) {
      constant.offset = offsets[constant.blob as number];
      delete constant.blob;
    }
  }
  return {
    frames: [topic!, Buffer.from(JSON.stringify(header))],
    remove: () => rmSync(`/dev/shm${name}`, { force: true }),
  };
}

/** Sends what was published last to everybody who comes, and every new message to all. */
export class Publisher {
  private readonly socket = new XPublisher({ linger: 0, verbosity: 'allSubs' });
  private readonly endpoint: string;
  private last: Buffer[] | undefined;
  /** Subscriptions so far. */
  joined = 0;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  async open(): Promise<this> {
    await this.socket.bind(this.endpoint);
    void this.serve();
    return this;
  }

  /** With port 0: the address that was taken. */
  get address(): string {
    return this.socket.lastEndpoint ?? this.endpoint;
  }

  async publish(frames: Buffer[]): Promise<void> {
    this.last = frames;
    await this.socket.send(frames);
  }

  close(): void {
    if (!this.socket.closed) this.socket.close();
  }

  private async serve(): Promise<void> {
    try {
      for await (const [message] of this.socket) {
        if (message![0] !== 1) continue;
        this.joined++;
        if (this.last) await this.socket.send(this.last);
      }
    } catch (error) {
      if (!this.socket.closed) throw error;
    }
  }
}
