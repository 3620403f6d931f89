/** What is replayed: recordings of ingesters, and files of other kinds, each as the stream it holds. */

import { existsSync } from 'node:fs';
import { DaqError, InputError, UsageError } from '../../errors.ts';
import type { RecordedEvent } from '../record/event-item.ts';
import { openRecording } from '../record/reader.ts';
import { KIND_NAMES, KINDS, type KindName } from '../source/kinds.ts';
import { CAPTURE, openSource, type Source as StreamSource } from '../source/open.ts';
import type { Source } from './merge.ts';

export interface Input extends Source {
  /** Why it was not read to its end; known at the end. */
  readonly damage: { readonly message: string } | undefined;
}

/** Kinds that a file's name tells. */
const BY_NAME: readonly (readonly [RegExp, KindName])[] = [
  [/\.xtc2?$/, 'xtc'],
  [/\.(h5|hdf5|nxs)(:\/.*)?$/, 'hdf5'],
];

/**
 * `FILE` is a recording; `STREAM=[KIND:]FILE` a file of another kind: XTC2, HDF5, or what a detector sent (`map-ingest --capture`).
 * @throws UsageError, InputError, DataError
 */
export async function openInput(text: string, python: string | undefined): Promise<Input> {
  const [, stream, word, rest] = /^([^=/:]+)=(?:([a-z0-9-]+):)?(.+)$/.exec(text) ?? [];
  const kindOf = (file: string) => BY_NAME.find(([name]) => name.test(file))?.[1];
  if (rest === undefined || stream === undefined || existsSync(text)) {
    if (kindOf(text) !== undefined) throw new UsageError(`${text}: which stream is it? -f STREAM=${text}`);
    return openRecording(text);
  }
  const named = KIND_NAMES.find((name) => name === word);
  const file = word === undefined || named ? rest : `${word}:${rest}`;
  const kind = named ?? kindOf(file);
  if (kind === undefined || KINDS[kind].protocol === undefined)
    throw new UsageError(
      `-f ${text}: of which kind is the file? STREAM=KIND:FILE with one of ${KIND_NAMES.join(', ')}`,
    );
  const isCapture = KINDS[kind].carrier !== 'dgrams' && KINDS[kind].carrier !== 'hdf5';
  const problems: string[] = [];
  const source = await openSource(
    {
      ...{ kind, stream, python, numbered: KINDS[kind].numbered },
      upstream: isCapture ? `${CAPTURE}${file}` : file,
      say: (problem) => problems.push(problem),
    },
    false,
  );
  return new StreamInput(text, stream, source, problems);
}

/** One stream: its start marker is event 0, frame i event i + 1, as in a map with a start event. */
class StreamInput implements Input {
  readonly name: string;
  damage: { readonly message: string } | undefined;
  readonly #stream: string;
  readonly #source: StreamSource;
  readonly #problems: readonly string[];

  /** @param problems what the source has said */
  constructor(name: string, stream: string, source: StreamSource, problems: readonly string[]) {
    this.name = name;
    this.#stream = stream;
    this.#source = source;
    this.#problems = problems;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedEvent> {
    let event = 0;
    try {
      for await (const frames of this.#source) {
        for (const frame of frames) {
          if (frame.mark === 'data' && frame.number !== undefined) event = Math.max(event, frame.number + 1);
          yield { event_number: event++, streams: new Map([[this.#stream, frame]]), created_at: undefined };
        }
      }
    } catch (error) {
      // A file that is not there is no damaged one.
      if (!(error instanceof DaqError) || error instanceof InputError) throw error;
      this.damage = error;
    } finally {
      this.#source.close();
    }
    const { bad = 0, before = 0, after = 0 } = this.#source.counts ?? {};
    const left = Object.entries({
      'cannot be read': bad,
      'come before the start': before,
      'come behind the end': after,
    });
    const counted = left.flatMap(([what, count]) => (count > 0 ? `${count} messages ${what}` : []));
    const message = [...(this.damage ? [this.damage.message] : []), ...this.#problems, ...counted].join('; ');
    if (message !== '') this.damage = { message };
  }
}
