/** Flags of map-ingest as values. */

import * as Flags from '@oclif/core/flags';
import type * as Interfaces from '@oclif/core/interfaces';
import { parseBytes } from '../../cli/size.ts';
import { UsageError } from '../../errors.ts';
import { advertisedHost } from '../address/advertise.ts';
import { advertiseFlag } from '../address/flag.ts';
import { registryFlags } from '../redis/flags.ts';
import { isName } from '../redis/keys.ts';
import { KIND_NAMES, KINDS, type KindName } from '../source/kinds.ts';
import { repeatsItself, type SourceOptions } from '../source/open.ts';
import { Unpacker } from '../source/unpack.ts';
import type { GapPolicy } from './gaps.ts';
import type { LaneOptions } from './lane.ts';
import type { ServiceOptions } from './service.ts';

const LIMITS = 'LIMITS';

export const ingestFlags = {
  kind: Flags.string({
    multiple: true,
    delimiter: ',',
    options: [...KIND_NAMES],
    summary: 'kind of source; once for all streams, or once per stream',
    helpValue: 'KIND',
  }),
  upstream: Flags.string({
    multiple: true,
    env: 'UPSTREAM_URL',
    summary: 'where a source is: an address, a file, -, file:CAPTURE, a class; for all streams, or once per stream',
    helpValue: 'URL',
  }),
  stream: Flags.string({ multiple: true, summary: 'name of a stream; once per source', helpValue: 'NAME' }),
  name: Flags.string({ env: 'INGESTER_NAME', summary: 'name of this ingester', helpValue: 'NAME' }),
  ...registryFlags(),
  bind: Flags.string({
    default: 'tcp://127.0.0.1:*',
    summary: 'where workers come; host * is all interfaces, port * picks a free one',
    helpValue: 'tcp://H:P',
  }),
  advertise: advertiseFlag(),
  url: Flags.string({
    env: 'INGESTER_URL',
    summary: 'all that workers are told instead of the bound address',
    helpValue: 'tcp://H:P',
  }),
  hold: Flags.string({ default: '1G', summary: 'frames kept for events that are not complete', helpValue: 'BYTES' }),
  queue: Flags.string({
    default: '256M',
    summary: 'frames of a stream that wait for their events',
    helpValue: 'BYTES',
  }),
  'shared-memory': Flags.string({
    default: '256M',
    summary: 'memory through which workers of this machine get large frames; 0: none',
    helpValue: 'BYTES',
  }),
  'share-from': Flags.string({ default: '256K', summary: 'what is a large frame', helpValue: 'BYTES' }),
  gaps: Flags.string({
    default: 'mark',
    options: ['mark', 'stop', 'ignore'],
    summary: 'what a gap in the frame numbers does',
  }),
  'first-frame': Flags.integer({
    default: 0,
    min: 0,
    summary: 'number of the first frame of a series',
    helpValue: 'N',
  }),
  'resume-wait': Flags.integer({
    default: 30,
    min: 0,
    summary: 'begun amid a map: a stream that is silent for so long is missing; 0: never',
    helpValue: 'SECONDS',
  }),
  decode: Flags.boolean({ summary: 'decode bslz4 blobs of stins before they are sent' }),
  rate: Flags.string({ summary: 'frames per second of a file', helpValue: 'HZ' }),
  dump: Flags.string({ env: 'DUMP_PATH', summary: 'record to this file', helpValue: 'FILE' }),
  'dump-root': Flags.string({
    summary: 'the parameter dump_prefix may name files below this folder',
    helpValue: 'DIR',
  }),
  capture: Flags.string({
    multiple: true,
    summary: 'write the messages of a stream as they come',
    helpValue: 'STREAM=FILE',
  }),
  'max-parts': Flags.integer({
    default: 1024,
    min: 1,
    summary: 'parts of a message',
    helpValue: 'N',
    helpGroup: LIMITS,
  }),
  'max-part': Flags.string({ default: '2G', summary: 'bytes of a part', helpValue: 'BYTES', helpGroup: LIMITS }),
  'max-sardana': Flags.string({
    default: '1M',
    summary: 'bytes of what a scan posts',
    helpValue: 'BYTES',
    helpGroup: LIMITS,
  }),
  python: Flags.string({ summary: 'interpreter of classes and of the helper of contrast', helpValue: 'PATH' }),
  'alias-dranspose': Flags.boolean({ summary: 'in classes `import dranspose` finds daqpipe.mapreduce' }),
};

export type IngestFlags = Interfaces.InferredFlags<typeof ingestFlags>;

const TB = 1024 ** 4;
/** A mapping of Node may not be larger. */
const MOST_SHARED = 4 * 1024 ** 3 - 65_536;
const DEFAULT_KIND: KindName = 'stins';

/** @throws UsageError that names what does not fit together */
export function serviceOptions(flags: IngestFlags, say: (text: string) => void): ServiceOptions {
  const streams = streamNames(flags);
  const kinds = spread(flags.kind ?? [DEFAULT_KIND], streams.length, '--kind') as KindName[];
  const upstreams = upstreamsOf(flags, kinds);
  const rate = flags.rate === undefined ? undefined : Number(flags.rate);
  if (rate !== undefined && !(rate > 0))
    throw new UsageError(`--rate: "${flags.rate}" is no number of frames per second`);
  const limits = {
    parts: flags['max-parts'],
    part: parseBytes(flags['max-part'], '--max-part', { least: 1, most: TB }),
    body: parseBytes(flags['max-sardana'], '--max-sardana', { least: 1, most: TB }),
  };
  const unpacker = flags.decode ? new Unpacker() : undefined;
  const sources: SourceOptions[] = streams.map((stream, i) => {
    const kind = kinds[i]!;
    return {
      kind,
      stream,
      upstream: upstreams[i]!,
      numbered: KINDS[kind].numbered,
      rate,
      python: flags.python,
      alias: flags['alias-dranspose'],
      say,
      unpacker,
      limits,
    };
  });
  const name = flags.name ?? `${streams.join('_')}-ingester`;
  if (!isName(name)) throw new UsageError(`--name: "${name}" is no name: printable ASCII without : and /`);
  return {
    name,
    sources,
    streams: Object.fromEntries(sources.map((source) => [source.stream, laneOptions(flags, source)])),
    bind: flags.bind,
    advertise: advertisedHost(flags.advertise),
    url: flags.url,
    hold: parseBytes(flags.hold, '--hold', { least: 1, most: TB }),
    capture: captures(flags.capture ?? [], streams),
    dump: flags.dump,
    dumpRoot: flags['dump-root'],
    resumeWait: flags['resume-wait'],
    shared: {
      bytes: parseBytes(flags['shared-memory'], '--shared-memory', { least: 0, most: MOST_SHARED }),
      least: parseBytes(flags['share-from'], '--share-from', { least: 65_536, most: MOST_SHARED }),
    },
    say,
  };
}

function streamNames({ stream = [] }: IngestFlags): string[] {
  const fromEnvironment = (process.env.INGESTER_STREAMS ?? '').replace(/[[\]"\s]/g, '').split(',');
  const streams = stream.length > 0 ? stream : fromEnvironment.filter((name) => name !== '');
  if (streams.length === 0) throw new UsageError('which stream? map-ingest --stream NAME --upstream URL');
  for (const name of streams)
    if (!isName(name)) throw new UsageError(`--stream: "${name}" is no name: printable ASCII without : and /`);
  if (new Set(streams).size < streams.length) throw new UsageError('a stream is named twice');
  return streams;
}

/** A class may serve several streams; any other source serves one. */
function upstreamsOf({ upstream = [] }: IngestFlags, kinds: readonly KindName[]): readonly string[] {
  if (upstream.length === 1 && kinds.every((kind) => kind === 'script')) return kinds.map(() => upstream[0]!);
  if (upstream.length === kinds.length) return upstream;
  throw new UsageError(`${kinds.length} streams and ${upstream.length} sources: give one --upstream per --stream`);
}

/** A value for all, or one for each. */
function spread<T>(values: readonly T[], count: number, option: string): T[] {
  if (values.length === 1) return Array.from({ length: count }, () => values[0]!);
  if (values.length !== count) throw new UsageError(`${option}: give one for all streams, or one per stream`);
  return [...values];
}

function laneOptions(flags: IngestFlags, { kind, upstream }: SourceOptions): LaneOptions {
  return {
    gaps: flags.gaps as GapPolicy,
    firstFrame: flags['first-frame'],
    queue: parseBytes(flags.queue, '--queue', { least: 1, most: TB }),
    lossy: KINDS[kind].carrier === 'sub' && !upstream.startsWith('file:'),
    repeats: repeatsItself({ kind, upstream }),
  };
}

function captures(words: readonly string[], streams: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      const stream = word.slice(0, at);
      if (at < 1 || !streams.includes(stream) || at === word.length - 1)
        throw new UsageError(`--capture: "${word}" is no STREAM=FILE with a stream of this ingester`);
      return [stream, word.slice(at + 1)];
    }),
  );
}
