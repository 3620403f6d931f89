/** The options of everything that fetches constants, and from them to a fetcher. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { parseBytes } from '../cli/size.ts';
import { UsageError } from '../errors.ts';
import { DiskCache } from './cache/disk.ts';
import { ConstantFetcher, type OnFail } from './fetch.ts';
import { FetchCounters } from './fetch-counters.ts';
import { saveBundle } from './source/bundle.ts';
import { openSource } from './source/open.ts';
import type { ConstantSet, DetectorWanted } from './types.ts';
import { parseDetector } from './wanted.ts';

const ON_FAIL: readonly OnFail[] = ['error', 'last', 'empty'];
const helpGroup = 'CONSTANTS';

export const fetchFlags = {
  source: Flags.string({
    aliases: ['url'],
    summary: 'where constants come from: the address of a service, a folder, or a bundle',
    description: 'The default is LCLS_CALIB_HTTP of the environment, else the service of the laboratory.',
    helpValue: 'URL|DIR|FILE',
    helpGroup,
  }),
  'http-timeout': Flags.integer({
    summary: 'seconds in which nothing comes, then a request has failed',
    helpValue: 'S',
    default: 10,
    min: 1,
    helpGroup,
  }),
  'http-retries': Flags.integer({
    summary: 'how often a failed request is repeated',
    helpValue: 'N',
    default: 2,
    min: 0,
    max: 10,
    helpGroup,
  }),
  'max-constant': Flags.string({ summary: 'largest constant', helpValue: 'BYTES', default: '2G', helpGroup }),
  'cache-size': Flags.string({
    summary: 'contents kept in memory',
    helpValue: 'BYTES',
    default: '512M',
    helpGroup,
  }),
  cache: Flags.string({
    summary: 'private folder that keeps contents over restarts',
    helpValue: 'DIR',
    helpGroup,
  }),
  save: Flags.string({
    summary: 'keep the constants of every run as a bundle DIR/EXPERIMENT-rRUN.tar',
    helpValue: 'DIR',
    helpGroup,
  }),
  'on-fail': Flags.string({
    summary: 'what a run gets when the source fails: an error, the last constants, or none',
    options: [...ON_FAIL],
    default: 'error',
    helpGroup,
  }),
  'stale-ok': Flags.boolean({ summary: 'the same as --on-fail last', helpGroup }),
  'pass-any': Flags.boolean({
    summary: 'pass pickles of the service on, unread',
    description: 'Who reads them runs whatever code they hold.',
    helpGroup,
  }),
  dbsuffix: Flags.string({ summary: "of the detector's own database", helpValue: 'TEXT', helpGroup }),
};

export type FetchFlags = InferredFlags<typeof fetchFlags>;

const LARGEST = 8 * 1024 ** 3;

/**
 * @param note gets sentences for a person
 * @throws UsageError, InputError
 */
export function fetcherFrom(flags: FetchFlags, note: (message: string) => void): ConstantFetcher {
  const counters = new FetchCounters();
  const { save } = flags;
  const source = openSource(flags.source, {
    timeout: flags['http-timeout'] * 1000,
    retries: flags['http-retries'],
    maxConstant: parseBytes(flags['max-constant'], '--max-constant', { least: 1, most: LARGEST }),
    counters,
    note,
  });
  if (flags['stale-ok'] && flags['on-fail'] === 'empty') {
    throw new UsageError('--stale-ok and --on-fail empty contradict each other');
  }
  return new ConstantFetcher({
    source,
    counters,
    note,
    onFail: flags['stale-ok'] ? 'last' : (flags['on-fail'] as OnFail),
    cacheBytes: parseBytes(flags['cache-size'], '--cache-size', { least: 0, most: LARGEST }),
    passAny: flags['pass-any'],
    ...(save === undefined ? {} : { keep: (set: ConstantSet) => saveBundle(save, set) }),
    ...(flags.cache === undefined ? {} : { disk: new DiskCache(flags.cache) }),
    ...(flags.dbsuffix === undefined ? {} : { suffix: flags.dbsuffix }),
  });
}

/** `--det NAME=TYPE:SERIAL0,SERIAL1`, any number of times. @throws UsageError, also if a name stands twice */
export function parseDetectors(texts: readonly string[]): DetectorWanted[] {
  const wanted = texts.map(parseDetector);
  const twice = wanted.find(({ name }, index) => wanted.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) {
    throw new UsageError(`--det ${twice.name} is there twice: give all segments of a detector in one`);
  }
  return wanted;
}
