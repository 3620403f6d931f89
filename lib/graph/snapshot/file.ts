/** Snapshots in files: the name says the format, and a reader finds a whole file always. */

import { extname } from 'node:path';
import { UsageError } from '../../errors.ts';
import { ReplaceFile, replaceFile } from '../../stream/replace-file.ts';
import { snapshotJson } from '../output/print.ts';
import { npyPieces, npzPieces } from './npz.ts';
import type { Snapshot } from './snapshot.ts';

type Encoder = (snapshot: Snapshot) => Buffer[];

const ENCODERS: Readonly<Record<string, () => Encoder | Promise<Encoder>>> = {
  '.npz': () => npzPieces,
  '.npy': () => npyPieces,
  '.json': () => (snapshot) => [Buffer.from(`${snapshotJson(snapshot)}\n`)],
  '.h5': openEncoder,
  '.hdf5': openEncoder,
};

async function openEncoder(): Promise<Encoder> {
  const { openHdf5 } = await import('./hdf5.ts');
  return openHdf5();
}

export interface SnapshotOptions {
  /** File. */
  readonly name: string;
  /** Every so many heartbeats, and at the end. */
  readonly every: number;
  readonly say: (message: string) => void;
}

/** One file that always holds the latest snapshot. */
export class SnapshotFile {
  readonly #options: SnapshotOptions;
  readonly #encode: Encoder;
  #since = 0;
  #waiting: Snapshot | undefined;
  #said = '';
  written = 0;
  /** Snapshots that could not be written. The run goes on; its records are printed all the same. */
  failed = 0;

  private constructor(options: SnapshotOptions, encode: Encoder) {
    this.#options = options;
    this.#encode = encode;
  }

  /** @throws UsageError if the ending of the name is none that is known, DaqError `output-failed` if the file cannot be written */
  static async open(options: SnapshotOptions): Promise<SnapshotFile> {
    const ending = extname(options.name).toLowerCase();
    if (!Object.hasOwn(ENCODERS, ending))
      throw new UsageError(
        `--snapshot: a name ends with ${Object.keys(ENCODERS).join(', ')}, and not "${options.name}"`,
      );
    // Better known now than after the first heartbeat.
    new ReplaceFile(options.name).abandon();
    return new SnapshotFile(options, await ENCODERS[ending]!());
  }

  add(snapshot: Snapshot): void {
    this.#waiting = snapshot;
    if (++this.#since >= this.#options.every) this.#write();
  }

  end(): void {
    this.#write();
  }

  #write(): void {
    if (!this.#waiting) return;
    const snapshot = this.#waiting;
    this.#waiting = undefined;
    this.#since = 0;
    try {
      replaceFile(this.#options.name, this.#encode(snapshot));
      this.written++;
      this.#said = '';
    } catch (error) {
      this.failed++;
      const { message } = error as Error;
      if (message !== this.#said) this.#options.say(`snapshot of heartbeat ${snapshot.record.heartbeat}: ${message}`);
      this.#said = message;
    }
  }
}
