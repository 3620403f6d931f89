/** The options of meb-route as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { UsageError } from '../../errors.ts';
import { REFERENCE_DGRAM_LIMIT } from '../../xtc/layout.ts';
import { LIMIT } from '../wire/layout.ts';

const STREAMS = 'STREAMS';
const BUILDING = 'BUILDING';
const DEALING = 'DEALING';
const REPORT = 'REPORT';

export const routeFlags = {
  config: Flags.string({
    summary: 'sources, readout groups, monitors: JSON, as for teb-decide',
    helpValue: 'FILE',
    required: true,
    helpGroup: STREAMS,
  }),
  meb: Flags.string({
    summary: 'a monitor with N buffers; once per monitor, instead of those of the configuration',
    helpValue: 'ID:N[:ALIAS]',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: STREAMS,
  }),
  mon: Flags.string({
    summary: 'build: a stream of eb-join --mon; once per receiver',
    helpValue: 'URL',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: BUILDING,
  }),
  client: Flags.string({
    summary: 'build: where built events go; with M= in front, those of monitor M only',
    helpValue: '[M=]URL',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: BUILDING,
  }),
  free: Flags.string({
    summary: 'build: announce free buffers here, to teb-decide --mon-in',
    helpValue: 'URL',
    helpGroup: BUILDING,
  }),
  'timeout-ms': Flags.integer({
    summary: 'build: age at which an incomplete event is closed; 0 for never',
    default: LIMIT.timeoutMs,
    min: 0,
    helpValue: 'MS',
    helpGroup: BUILDING,
  }),
  'max-event': Flags.integer({
    summary: 'build: larger events are dropped, and counted',
    default: REFERENCE_DGRAM_LIMIT,
    min: 1024,
    helpValue: 'BYTES',
    helpGroup: BUILDING,
  }),
  in: Flags.string({
    summary: 'deal: results whose wishes have no buffers yet',
    helpValue: 'URL',
    default: '-',
    helpGroup: DEALING,
  }),
  out: Flags.string({
    summary: 'deal: the same results with buffers',
    helpValue: 'URL',
    default: '-',
    helpGroup: DEALING,
  }),
  'mon-in': Flags.string({ summary: 'deal: stream of free buffers', helpValue: 'URL', helpGroup: DEALING }),
  reserve: Flags.string({
    summary: 'deal: buffers of each monitor kept for events of a group; once per group',
    helpValue: 'ROG:N',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: DEALING,
  }),
  'mon-throttle': Flags.integer({
    summary: 'deal: two monitored events are more than this apart',
    min: 0,
    helpValue: 'TICKS',
    helpGroup: DEALING,
  }),
  'fair-groups': Flags.boolean({
    summary: 'deal: a slow group leaves the reserved buffers of others alone',
    helpGroup: DEALING,
  }),
  summary: Flags.string({
    summary: 'file for the summary instead of standard error',
    helpValue: 'FILE',
    helpGroup: REPORT,
  }),
};
export type RouteFlags = InferredFlags<typeof routeFlags>;

/** Where events of one monitor, or of any, go. */
export interface ClientAddress {
  meb: number | undefined;
  url: string;
}

/** What `meb-route build` is asked to do. */
export interface BuildOptions {
  mons: readonly string[];
  clients: readonly ClientAddress[];
  free: string | undefined;
  timeoutMs: number;
  maxEvent: number;
}

/** @throws UsageError that quotes what cannot be understood */
export function buildOptions(flags: RouteFlags): BuildOptions {
  if (!flags.mon) throw new UsageError('which streams? meb-route build --mon URL');
  return {
    mons: flags.mon,
    clients: (flags.client ?? []).map(clientOf),
    free: flags.free,
    timeoutMs: flags['timeout-ms'],
    maxEvent: flags['max-event'],
  };
}

function clientOf(text: string): ClientAddress {
  const parts = /^(?:([0-9]+)=)?(.+)$/.exec(text);
  const meb = parts?.[1] === undefined ? undefined : Number(parts[1]);
  if (!parts || (meb !== undefined && meb >= LIMIT.mebs)) {
    throw new UsageError(`--client ${text}: write URL, or M=URL with a monitor 0 to ${LIMIT.mebs - 1}`);
  }
  return { meb, url: parts[2]! };
}
