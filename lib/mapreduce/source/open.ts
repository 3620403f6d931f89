/** Opens the source of a stream: by its kind, or a capture of what such a source sent. */

import { UsageError } from '../../errors.ts';
import { hdf5Messages } from './hdf5.ts';
import { httpMessages } from './http.ts';
import { KeptMessages } from './kept.ts';
import { KINDS, type KindName } from './kinds.ts';
import { markedMessages } from './marks.ts';
import { capturedMessages, dgramMessages, lineMessages, type MessageSource, zmqMessages } from './messages.ts';
import { Pace } from './pace.ts';
import { recordedFrames } from './recorded.ts';
import type { Script } from './script.ts';
import { Series, type SeriesCounts } from './series.ts';
import type { SourceFrame } from './types.ts';
import type { Unpacker } from './unpack.ts';

/** What a sender may not exceed (spec mapreduce.md 14). */
export interface SourceLimits {
  /** Parts of a message. */
  readonly parts: number;
  /** Bytes of a part. */
  readonly part: number;
  /** Bytes of what a scan posts. */
  readonly body: number;
}

const SOURCE_LIMITS: SourceLimits = { parts: 1024, part: 2 ** 31, body: 2 ** 20 };

export interface SourceOptions {
  /** SOURCE_LIMITS unless given. */
  readonly limits?: SourceLimits | undefined;
  readonly kind: KindName;
  readonly stream: string;
  /** `tcp://HOST:PORT`, `http://HOST:PORT`, a file, `-`; `file:PATH` is a capture. */
  readonly upstream: string;
  /** Data frames carry numbers. */
  readonly numbered: boolean;
  /** Messages per second of a file. */
  readonly rate?: number | undefined;
  /** Interpreter of classes, and of the helper of contrast. */
  readonly python?: string | undefined;
  /** In classes `import dranspose` finds daqpipe.mapreduce. */
  readonly alias?: boolean | undefined;
  /** The class, begun for the map. */
  readonly script?: Script | undefined;
  readonly say: (text: string) => void;
  /** From `keepSource`. */
  readonly kept?: KeptMessages | undefined;
  /** Makes compressed blobs plain. */
  readonly unpacker?: Unpacker | undefined;
  /** Sees every message as it came. */
  readonly capture?: ((message: readonly Buffer[]) => void) | undefined;
}

/** Frames of one stream for one map. */
export interface Source extends AsyncIterable<readonly SourceFrame[]> {
  readonly counts: SeriesCounts | undefined;
  /** Told of each event that wants a frame, in order, for sources that make frames for events. */
  wanted?(event: number): void;
  close(): void;
}

export const CAPTURE = 'file:';

/** Whoever opens it gets all of it from the start. */
export function repeatsItself({ kind, upstream }: Pick<SourceOptions, 'kind' | 'upstream'>): boolean {
  const { carrier } = KINDS[kind];
  if (upstream.startsWith(CAPTURE) || carrier === 'recorded' || carrier === 'hdf5') return true;
  return carrier === 'dgrams' && upstream !== '-';
}

/**
 * @param midway the series may have begun while nobody listened
 * @throws UsageError, InputError
 */
export async function openSource(options: SourceOptions, midway: boolean): Promise<Source> {
  const { kind, upstream, stream, rate, unpacker, limits = SOURCE_LIMITS } = options;
  const { protocol } = KINDS[kind];
  if (kind === 'script') return scriptFrames(options);
  if (protocol === undefined) {
    const frames = recordedFrames(upstream, stream, rate);
    return {
      counts: undefined,
      async *[Symbol.asyncIterator]() {
        for await (const frame of frames) yield [frame];
      },
      close: () => frames.close(),
    };
  }
  const messages = options.kept?.reader() ?? (await openMessages(options));
  const series = new Series(protocol());
  series.begin(midway);
  const stop = new AbortController();
  return {
    counts: series.counts,
    async *[Symbol.asyncIterator]() {
      const pace = new Pace(rate, stop.signal);
      for await (const message of messages) {
        if (rate !== undefined) await pace.next();
        if (message.length > limits.parts || message.some((part) => part.length > limits.part)) {
          series.refuse();
          continue;
        }
        options.capture?.(message);
        const frames = series.message(message);
        yield unpacker ? frames.map((frame) => unpacker.unpack(frame)) : frames;
      }
    },
    close: () => {
      stop.abort();
      messages.close();
    },
  };
}

function scriptFrames({ script, stream }: SourceOptions): Source {
  if (!script) throw new UsageError('sources of kind script cannot be opened here');
  return {
    counts: undefined,
    wanted: (event) => script.wanted(event, stream),
    async *[Symbol.asyncIterator]() {
      for await (const frame of script.frames(stream)) yield [frame];
    },
    close: () => script.leave(stream),
  };
}

/**
 * Opens a source for the life of the process, if its kind asks for that.
 * @throws UsageError, InputError
 */
export async function keepSource(options: SourceOptions): Promise<KeptMessages | undefined> {
  const { carrier } = KINDS[options.kind];
  const http = carrier === 'http' && !options.upstream.startsWith(CAPTURE);
  if (!http && !(carrier === 'dgrams' && options.upstream === '-')) return undefined;
  return new KeptMessages(await openMessages(options), http);
}

async function openMessages({
  kind,
  upstream,
  python,
  say,
  limits = SOURCE_LIMITS,
}: SourceOptions): Promise<MessageSource> {
  const { carrier } = KINDS[kind];
  if (upstream.startsWith(CAPTURE)) {
    const captured = capturedMessages(upstream.slice(CAPTURE.length));
    return kind === 'contrast' ? markedMessages(captured, python) : captured;
  }
  switch (carrier) {
    case 'pull':
      return zmqMessages(upstream, carrier);
    case 'sub': {
      const messages = zmqMessages(upstream, carrier);
      return kind === 'contrast' ? markedMessages(messages, python) : messages;
    }
    case 'tcp':
      return lineMessages(upstream, say);
    case 'http':
      return httpMessages(upstream, say, limits.body);
    case 'dgrams':
      return dgramMessages(upstream, say);
    case 'hdf5':
      return hdf5Messages(upstream);
    default:
      throw new UsageError(`sources of kind ${kind} cannot be opened`);
  }
}
