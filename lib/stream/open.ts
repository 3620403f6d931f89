/**
 * Streams by URL (docs/streams.md). One registry by scheme: `-` and files are built in, sockets are registered here, and a feature
 * registers its own scheme from the commands that use it.
 */

import { existsSync } from 'node:fs';
import { Output } from '../cli/output.ts';
import { UsageError } from '../errors.ts';
import type { StreamOptions } from './options.ts';
import { type DgramSink, OutputSink, openFileSink } from './sink.ts';
import { type ByteSource, openBytes, openDescriptor } from './source.ts';

/** How URLs of one scheme are opened. A scheme that cannot be read, or written, leaves that function out. */
export interface StreamScheme {
  /** The notation, for messages: `zmq+tcp://HOST:PORT`. */
  form: string;
  source?: (url: string, options: StreamOptions) => Promise<ByteSource>;
  sink?: (url: string, options: StreamOptions) => Promise<DgramSink>;
}

const schemes = new Map<string, StreamScheme>();

/** Makes a scheme known to `openStream` and `openSink`. @param name what stands before the colon, without it */
export function registerScheme(name: string, scheme: StreamScheme): void {
  schemes.set(name, scheme);
}

for (const [name, form] of [
  ['zmq+ipc', 'zmq+ipc://PATH'],
  ['zmq+tcp', 'zmq+tcp://HOST:PORT'],
] as const) {
  registerScheme(name, {
    form,
    // Imported when used: the library costs start-up time that filters do not have.
    source: async (url, options) => (await import('./zmq/source.ts')).openZmqSource(url, options),
    sink: async (url, options) => (await import('./zmq/sink.ts')).openZmqSink(url, options),
  });
}

registerScheme('zmq', {
  form: 'zmq:ENDPOINT',
  source: (url, options) => openStream(zmqUrl(url), options),
  sink: (url, options) => openSink(zmqUrl(url), options),
});

for (const [name, form] of [
  ['unix', 'unix:PATH'],
  ['unix-listen', 'unix-listen:PATH'],
  ['tcp', 'tcp:HOST:PORT'],
  ['tcp-listen', 'tcp-listen:[HOST:]PORT'],
] as const) {
  registerScheme(name, {
    form,
    source: async (url, options) => (await import('./socket/source.ts')).openSocketSource(url, options),
    sink: async (url, options) => (await import('./socket/sink.ts')).openSocketSink(url, options),
  });
}

registerScheme('fd', {
  form: 'fd:N',
  source: async (url) => openDescriptor(url, descriptorOf(url)),
  sink: async (url) => new OutputSink(url, new Output(descriptorOf(url), url)),
});

registerScheme('runs', {
  form: 'runs:PATTERN',
  sink: async (url, { lifecycle, say }) => {
    const sink = new (await import('./runs/sink.ts')).RunsSink(url, say);
    lifecycle?.onEmergency(() => sink.abandon());
    return sink;
  },
});

/** `zmq:tcp://...` is `zmq+tcp://...`. */
function zmqUrl(url: string): string {
  const endpoint = url.slice('zmq:'.length);
  if (!/^(?:tcp|ipc):\/\//.test(endpoint))
    throw new UsageError(`write zmq:tcp://HOST:PORT or zmq:ipc://PATH, not ${url}`);
  return `zmq+${endpoint}`;
}

function descriptorOf(url: string): number {
  const number = /^fd:(\d{1,4})$/.exec(url)?.[1];
  if (number === undefined) throw new UsageError(`write fd:N with the number of an open descriptor, not ${url}`);
  return Number(number);
}

const SCHEME = /^([a-z][a-z0-9-]*(?:\+[a-z0-9]+)*):/;

/** True for what is opened by its scheme; false for `-` and files. */
export function isStreamUrl(text: string): boolean {
  return schemeOf(text) !== undefined;
}

function schemeOf(text: string): string | undefined {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined || schemes.has(scheme)) return scheme;
  // Log files have colons in their names; what exists is a file.
  return text.startsWith('//', scheme.length + 1) || !existsSync(text) ? scheme : undefined;
}

/**
 * Opens a source of bytes: `-`, a file, or a URL.
 * @throws UsageError if the scheme is not known, InputError if it cannot be read
 */
export async function openStream(url: string, options: StreamOptions = {}): Promise<ByteSource> {
  const scheme = schemeOf(url);
  if (scheme === undefined) return openBytes(url, options.lifecycle?.stop);
  const { source } = known(scheme, url);
  if (!source) throw new UsageError(`${scheme}: streams cannot be read`, { place: { file: url } });
  return source(url, options);
}

/**
 * Opens a sink of dgrams: `-`, a file, or a URL.
 * @throws UsageError if the scheme is not known, DaqError `output-failed` if it cannot be written
 */
export async function openSink(url: string, options: StreamOptions = {}): Promise<DgramSink> {
  if (url === '-') return new OutputSink('-', options.stdout ?? new Output());
  const scheme = schemeOf(url);
  if (scheme !== undefined) {
    const { sink } = known(scheme, url);
    if (!sink) throw new UsageError(`${scheme}: streams cannot be written`, { place: { file: url } });
    return sink(url, options);
  }
  const file = await openFileSink(url);
  options.lifecycle?.onEmergency(() => file.abandon());
  return file;
}

function known(scheme: string, url: string): StreamScheme {
  const found = schemes.get(scheme);
  if (found) return found;
  const forms = ['FILE', '-', ...[...schemes.values()].map(({ form }) => form)].join(', ');
  throw new UsageError(`there is no kind of stream "${scheme}:"; known are ${forms} (a file: ./${url})`);
}
