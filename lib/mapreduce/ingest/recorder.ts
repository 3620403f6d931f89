/** Where an ingester records: one exact file, or by the parameter `dump_prefix` one file per map (spec mapreduce.md 10, 14). */

import { recordingName, recordingPath } from '../record/places.ts';
import { ItemWriter } from '../record/writer.ts';
import type { EventStreams } from './event-frames.ts';

export interface RecorderOptions {
  readonly ingester: string;
  /** Exact file; wins. */
  readonly file: string | undefined;
  /** Folder below which a prefix from the network may name files. */
  readonly root: string | undefined;
  readonly say: (text: string) => void;
}

export class Recorder {
  readonly counts = { events: 0, files: 0, refused: 0 };
  readonly #options: RecorderOptions;
  #writer: ItemWriter | undefined;
  #path: string | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** A map begins, or the prefix has changed. What cannot be had is said, and nothing is recorded. */
  async use(map: string, prefix: string | undefined): Promise<void> {
    const path = this.#pathFor(map, prefix);
    if (path === this.#path) return;
    await this.close();
    this.#path = path;
    if (path === undefined) return;
    try {
      this.#writer = await ItemWriter.open(path);
      this.counts.files++;
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  #pathFor(map: string, prefix: string | undefined): string | undefined {
    const { file, root, ingester } = this.#options;
    if (file !== undefined) return file;
    if (prefix === undefined || prefix === '') return undefined;
    if (root === undefined) {
      this.#refuse(`nothing is recorded to "${prefix}": no --dump-root is given`);
      return undefined;
    }
    try {
      return recordingPath(root, prefix, recordingName(ingester, map));
    } catch (error) {
      this.#refuse((error as Error).message);
      return undefined;
    }
  }

  #refuse(why: string): void {
    this.counts.refused++;
    this.#options.say(why);
  }

  record({ event, streams }: EventStreams): void {
    if (this.#writer === undefined || streams.size === 0) return;
    this.counts.events++;
    this.#writer.event({ event_number: event, streams, created_at: new Date().toISOString() });
  }

  /** Waits while the disk has much to do. @throws DaqError `output-failed` */
  async room(): Promise<void> {
    if (this.#writer?.full) await this.#writer.drain();
  }

  /** @throws DaqError `output-failed` */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#path = undefined;
    await writer?.close();
  }
}
