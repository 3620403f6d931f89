/** The options of calib-pub as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { UsageError } from '../../errors.ts';
import { wholeFile } from '../../stream/read-all.ts';
import { segmentsOfConnect } from '../connect.ts';
import { fetchFlags, parseDetectors } from '../fetch-flags.ts';
import type { DetectorWanted } from '../types.ts';
import { detectorsOf } from '../wanted.ts';
import {
  type Endpoint,
  FORMATS,
  type Format,
  localEndpoint,
  parseBind,
  type ServedName,
  upstreamEndpoints,
} from './endpoint.ts';
import { LATE_POLICIES, type LatePolicy, type PublicationPolicy } from './publication.ts';
import { type Scope, segmentsServed } from './session.ts';

const whoGroup = {
  detector: Flags.string({
    char: 'd',
    summary: 'detector, or one segment of it; the default is the alias of -u, if it ends in a segment',
    helpValue: 'NAME[:SEGMENT]',
    multiple: true,
    helpGroup: 'DETECTORS',
  }),
  det: Flags.string({
    summary: 'type and serial numbers of all segments, where no stream says them',
    helpValue: 'NAME=TYPE:SERIAL,...',
    multiple: true,
    helpGroup: 'DETECTORS',
  }),
  'connect-json': Flags.string({
    summary: "the same from the collection's result",
    helpValue: 'FILE',
    helpGroup: 'DETECTORS',
  }),
  scope: Flags.string({
    summary: 'one publisher beside each DRP, or one for whole detectors, in which no segment may be missing',
    options: ['drp', 'detector'],
    default: 'drp',
    helpGroup: 'DETECTORS',
  }),
};

const runGroup = {
  'from-stream': Flags.string({
    summary: 'runs begin and end as in this stream of dgrams, which also names the detectors',
    helpValue: 'URL|-',
    helpGroup: 'RUNS',
  }),
  output: Flags.string({
    char: 'o',
    summary: 'pass the stream on; a BeginRun waits there until its constants are out',
    helpValue: 'URL|-',
    helpGroup: 'RUNS',
  }),
  exp: Flags.string({ summary: 'experiment', helpValue: 'NAME', helpGroup: 'RUNS' }),
  run: Flags.integer({ summary: 'this run, and no other', helpValue: 'N', min: 0, helpGroup: 'RUNS' }),
  once: Flags.boolean({
    summary: 'with --run: end when the expected subscribers, or the first one, are served',
    helpGroup: 'RUNS',
  }),
  control: Flags.boolean({
    summary: 'runs begin and end by lines of JSON on standard input; each is answered on standard output',
    helpGroup: 'RUNS',
  }),
  prefetch: Flags.boolean({ summary: 'fetch at Configure what the next run will need', helpGroup: 'RUNS' }),
};

const whereGroup = {
  bind: Flags.string({
    summary: 'publish there instead of on the local socket of each -d',
    description: 'ipc://PATH or tcp://HOST:PORT, and =FORMAT behind it.',
    helpValue: 'ENDPOINT[=FORMAT]',
    multiple: true,
    helpGroup: 'ENDPOINTS',
  }),
  format: Flags.string({
    summary: 'of endpoints that do not say theirs',
    options: [...FORMATS],
    default: 'npy-frames',
    helpGroup: 'ENDPOINTS',
  }),
  'upstream-names': Flags.boolean({
    summary: 'publish under the names of the existing system too; needs --format pickle or zlib',
    helpGroup: 'ENDPOINTS',
  }),
  xpm: Flags.integer({
    summary: 'for the port of --upstream-names',
    helpValue: 'N',
    default: 0,
    min: 0,
    helpGroup: 'ENDPOINTS',
  }),
  host: Flags.string({
    summary: 'address for the port of --upstream-names',
    helpValue: 'ADDRESS',
    default: '127.0.0.1',
    helpGroup: 'ENDPOINTS',
  }),
  shm: Flags.boolean({
    summary: 'npy-frames: contents go into shared memory once, and only their place into messages',
    helpGroup: 'ENDPOINTS',
  }),
};

const subscriberGroup = {
  expect: Flags.integer({
    summary: 'hold the message of a run until N have subscribed; the default is 1 with -o, else 0',
    helpValue: 'N',
    min: 0,
    helpGroup: 'SUBSCRIBERS',
  }),
  'expect-timeout': Flags.integer({
    summary: 'but not longer than this',
    helpValue: 'S',
    default: 10,
    min: 0,
    helpGroup: 'SUBSCRIBERS',
  }),
  late: Flags.string({
    summary: 'who comes while a run is open gets it: if it cannot have it already, always, never',
    options: [...LATE_POLICIES],
    default: 'once',
    helpGroup: 'SUBSCRIBERS',
  }),
};

export const publishFlags = { ...whoGroup, ...runGroup, ...whereGroup, ...subscriberGroup, ...fetchFlags };
export type PublishFlags = InferredFlags<typeof publishFlags>;

/** `-d epix:0` or `epix_0`, `-d epix`, or `-u epix_0`. @throws UsageError */
export function servedNames(texts: readonly string[] | undefined, alias: string | undefined): ServedName[] {
  if (texts === undefined) {
    const match = /^(.+)_(\d+)$/.exec(alias ?? '');
    return match ? [{ detector: match[1]!, segment: Number(match[2]) }] : [];
  }
  return texts.map((text) => {
    const match = /^([^:/\s]+?)(?:[:_](\d+))?$/.exec(text);
    if (!match) throw new UsageError(`-d ${text}: write NAME:SEGMENT, or NAME for all of its segments`);
    return { detector: match[1]!, segment: match[2] === undefined ? undefined : Number(match[2]) };
  });
}

/** Where to publish; never nowhere. @throws UsageError */
export function endpointsOf(flags: PublishFlags, served: readonly ServedName[], partition: number): Endpoint[] {
  const format = flags.format as Format;
  const upstream = flags['upstream-names']
    ? served.flatMap((name) => upstreamEndpoints(name, partition, flags.xpm, flags.host, format))
    : [];
  const bound =
    flags.bind?.map((text) => parseBind(text, format)) ?? served.map((name) => localEndpoint(partition, name));
  // The port has no detector in its name: several segments share it.
  const all = [...new Map([...upstream, ...bound].map((endpoint) => [endpoint.text, endpoint])).values()];
  if (all.length === 0) throw new UsageError('where to? give -d NAME[:SEGMENT], -u NAME_SEGMENT or --bind ENDPOINT');
  return all;
}

/** Whoever reads the passed-on stream subscribes, and may still be starting when a short one is over. */
export function expected({ expect, output }: PublishFlags): number {
  return expect ?? (output === undefined ? 0 : 1);
}

export function policyOf(flags: PublishFlags): PublicationPolicy {
  return { late: flags.late as LatePolicy, expect: expected(flags), expectTimeout: flags['expect-timeout'] * 1000 };
}

/**
 * Detectors that are known before any stream: of `--det` or `--connect-json`.
 * @throws UsageError if runs come from somewhere that does not name detectors and none are given, InputError, DataError `calib-segments`
 */
export function wantedDetectors(
  flags: PublishFlags,
  served: readonly ServedName[],
  say: (message: string) => void,
): DetectorWanted[] {
  const file = flags['connect-json'];
  if (file !== undefined && flags.det !== undefined) throw new UsageError('give --det or --connect-json, not both');
  if (file !== undefined) {
    const names = [...new Set(served.map(({ detector }) => detector))];
    const segments = segmentsOfConnect(wholeFile(file), names, file);
    return detectorsOf(segmentsServed(segments, served, say), scopeOf(flags));
  }
  const wanted = parseDetectors(flags.det ?? []);
  if (wanted.length === 0 && flags['from-stream'] === undefined) {
    throw new UsageError(
      'which detectors? without --from-stream give --det NAME=TYPE:SERIAL0,SERIAL1, or --connect-json FILE',
    );
  }
  return wanted;
}

export function scopeOf(flags: PublishFlags): Scope {
  return flags.scope as Scope;
}

/** Exactly one of the ways in which runs begin. @throws UsageError */
export function checkRuns(flags: PublishFlags): void {
  const ways = [flags['from-stream'] !== undefined, flags.run !== undefined, flags.control].filter(Boolean).length;
  if (ways !== 1)
    throw new UsageError('when do runs begin? give one of --from-stream URL, --exp NAME --run N, --control');
  if (flags.run !== undefined && flags.exp === undefined) throw new UsageError('--run needs --exp');
  if (flags.once && flags.run === undefined) throw new UsageError('--once needs --exp and --run');
  if (flags.output !== undefined && flags['from-stream'] === undefined) throw new UsageError('-o needs --from-stream');
}
