/**
 * Journal of accepted results (`--replay-results FILE`): messages as workers send them, one CBOR array each, so that a reducer which was killed can
 * be given them again. It holds the results of one map; the first result of another one empties it.
 */

import { closeSync, ftruncateSync, openSync, writevSync } from 'node:fs';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { byteStringPieces } from '../record/event-item.ts';
import { openCapture } from '../record/reader.ts';
import { BadRecord } from '../redis/fields.ts';
import { type ResultMessage, readResultMessage } from './result-message.ts';

const MOST_PIECES = 512;

export class Journal {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #say: (message: string) => void;
  /** Map of what is in the file; undefined: not known yet, or nothing. */
  #map: string | undefined;

  /** @throws DaqError `output-failed` */
  constructor(file: string, say: (message: string) => void) {
    this.#file = file;
    this.#say = say;
    try {
      this.#descriptor = openSync(file, 'a+', 0o640);
    } catch (error) {
      throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file }, cause: error });
    }
  }

  /** Results of a map that are in the file. A last one that was cut off by a crash is taken away. */
  async *resultsOf(map: string): AsyncGenerator<ResultMessage> {
    const items = await openCapture(this.#file);
    for await (const parts of items) {
      let results: readonly ResultMessage[];
      try {
        results = readResultMessage(parts);
      } catch (error) {
        if (!(error instanceof BadRecord)) throw error;
        this.#say(`${this.#file}: ${error.message}; the entry is passed over`);
        continue;
      }
      for (const result of results) {
        this.#map = result.map ?? undefined;
        if (result.map === map) yield result;
      }
    }
    if (!items.damage) return;
    this.#say(`${this.#file}: ${items.damage.message}; it is taken away`);
    ftruncateSync(this.#descriptor, items.damage.offset);
  }

  /** Whether there is any result of a map in the file. */
  async has(map: string): Promise<boolean> {
    for await (const _ of this.resultsOf(map)) return true;
    return false;
  }

  /** @throws DaqError `output-failed` */
  append(map: string, results: readonly ResultMessage[]): void {
    try {
      if (this.#map !== undefined && this.#map !== map) ftruncateSync(this.#descriptor);
      this.#map = map;
      this.#write(results.flatMap((result) => byteStringPieces([headerOf(map, result), result.body])));
    } catch (error) {
      throw new DaqError('output-failed', `the journal cannot be written: ${explain(error)}`, {
        place: { file: this.#file },
        cause: error,
      });
    }
  }

  #write(pieces: readonly Buffer[]): void {
    for (let at = 0; at < pieces.length; at += MOST_PIECES) {
      let rest = Buffer.alloc(0);
      const part = pieces.slice(at, at + MOST_PIECES);
      const bytes = part.reduce((sum, { length }) => sum + length, 0);
      const written = writevSync(this.#descriptor, part);
      if (written < bytes) rest = Buffer.concat(part).subarray(written);
      while (rest.length > 0) rest = rest.subarray(writevSync(this.#descriptor, [rest]));
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function headerOf(map: string, { event_number, worker, parameters_hash, encoding, origin }: ResultMessage): Buffer {
  return Buffer.from(JSON.stringify({ event_number, worker, parameters_hash, map, origin, encoding }));
}
