/** The options of eb-join as flags, and from flags to values. */

import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { UsageError } from '../../errors.ts';
import { REFERENCE_DGRAM_LIMIT } from '../../xtc/layout.ts';
import type { NoCommon, OnMissing } from '../join/joiner.ts';
import { LIMIT } from '../wire/layout.ts';
import { EVENT_FORMATS, type EventFormat } from './pebble.ts';

const STREAMS = 'STREAMS';
const JOINING = 'JOINING';
const OUTPUT = 'OUTPUT';
const REPORT = 'REPORT';

export const NO_COMMONS: readonly NoCommon[] = ['bypass', 'discard', 'error'];
export const ON_MISSINGS: readonly OnMissing[] = ['record', 'discard', 'stop'];

const DEFAULT_TIMEOUT_MS = 20_000;

const streamFlags = {
  config: Flags.string({
    summary: 'sources, readout groups, monitors: JSON, as for teb-decide',
    helpValue: 'FILE',
    required: true,
    helpGroup: STREAMS,
  }),
  receiver: Flags.integer({
    summary: 'number of this detector process in the configuration',
    helpValue: 'R',
    min: 0,
    max: LIMIT.sources - 1,
    required: true,
    helpGroup: STREAMS,
  }),
  events: Flags.string({
    summary: 'the events of this detector: XTC2, or records with pulse ids',
    helpValue: 'URL',
    default: '-',
    helpGroup: STREAMS,
  }),
  'events-format': Flags.string({
    summary: 'what the events are; the first one tells unless this does',
    options: EVENT_FORMATS,
    helpGroup: STREAMS,
  }),
  results: Flags.string({
    summary: 'decisions; once per decider, in the order of their numbers',
    helpValue: 'URL',
    multiple: true,
    multipleNonGreedy: true,
    required: true,
    helpGroup: STREAMS,
  }),
};

const joiningFlags = {
  'no-common': Flags.string({
    summary: 'what becomes of an L1Accept without the common group',
    description:
      'bypass: recorded without a decision, never monitored. discard: counted. error: counted, exit status 1.',
    options: NO_COMMONS,
    default: 'bypass',
    helpGroup: JOINING,
  }),
  'on-missing': Flags.string({
    summary: 'what becomes of an event whose decision does not come',
    description: 'record: with MissingData damage. stop: the run ends with status 1.',
    options: ON_MISSINGS,
    default: 'record',
    helpGroup: JOINING,
  }),
  'timeout-ms': Flags.integer({
    summary: 'wait so long for the decision of the oldest event; 0 for ever',
    default: DEFAULT_TIMEOUT_MS,
    min: 0,
    helpValue: 'MS',
    helpGroup: JOINING,
  }),
  buffers: Flags.integer({
    summary: 'undecided events at which reading stops; default as configured',
    min: 1,
    helpValue: 'N',
    helpGroup: JOINING,
  }),
};

const outputFlags = {
  record: Flags.string({ summary: 'recorded events: XTC2', helpValue: 'URL', helpGroup: OUTPUT }),
  smd: Flags.string({ summary: 'small data of what is recorded', helpValue: 'FILE', helpGroup: OUTPUT }),
  mon: Flags.string({ summary: 'events for monitors, to meb-route', helpValue: 'URL', helpGroup: OUTPUT }),
  format: Flags.string({
    summary: 'jsonl: a line on standard output for every event, recorded or not',
    options: ['bin', 'jsonl'],
    default: 'bin',
    helpGroup: OUTPUT,
  }),
  triginfo: Flags.boolean({
    summary: 'add the decision to every L1Accept (for the timing detector)',
    helpGroup: OUTPUT,
  }),
  'triginfo-ext': Flags.boolean({
    summary: 'as --triginfo, and the monitor, missing sources and flags of 64-byte results',
    helpGroup: OUTPUT,
  }),
  'drop-empty': Flags.boolean({ summary: 'do not record L1Accepts without payload', helpGroup: OUTPUT }),
  'max-event': Flags.integer({
    summary: 'largest event; triginfo that makes one larger is left out, with Truncated damage',
    default: REFERENCE_DGRAM_LIMIT,
    min: 1024,
    helpValue: 'BYTES',
    helpGroup: OUTPUT,
  }),
};

const reportFlags = {
  summary: Flags.string({
    summary: 'file for the summary instead of standard error',
    helpValue: 'FILE',
    helpGroup: REPORT,
  }),
};

export const joinFlags = { ...streamFlags, ...joiningFlags, ...outputFlags, ...reportFlags };
export type JoinFlags = InferredFlags<typeof joinFlags>;

/** What eb-join is asked to do. */
export interface JoinOptions {
  receiver: number;
  events: string;
  eventFormat: EventFormat | undefined;
  results: readonly string[];
  noCommon: NoCommon;
  onMissing: OnMissing;
  /** 0: never. */
  timeoutMs: number;
  /** Undefined: as configured. */
  buffers: number | undefined;
  record: string | undefined;
  smd: string | undefined;
  mon: string | undefined;
  lines: boolean;
  triginfo: 'no' | 'plain' | 'extended';
  dropEmpty: boolean;
  maxEvent: number;
}

/** @throws UsageError for options that contradict each other */
export function joinOptions(flags: JoinFlags): JoinOptions {
  if (flags.smd !== undefined && flags.record === undefined) {
    throw new UsageError('--smd needs --record: small data say where events are in it');
  }
  const lines = flags.format === 'jsonl';
  const onStdout = [flags.record, flags.mon, flags.smd, lines ? '-' : undefined].filter((name) => name === '-').length;
  if (onStdout > 1) throw new UsageError('two of the outputs go to standard output');
  const onStdin = [flags.events, ...flags.results].filter((name) => name === '-').length;
  if (onStdin > 1) throw new UsageError('events and results cannot both come from standard input');
  return {
    receiver: flags.receiver,
    events: flags.events,
    eventFormat: flags['events-format'] as EventFormat | undefined,
    results: flags.results,
    noCommon: flags['no-common'] as NoCommon,
    onMissing: flags['on-missing'] as OnMissing,
    timeoutMs: flags['timeout-ms'],
    buffers: flags.buffers,
    record: flags.record,
    smd: flags.smd,
    mon: flags.mon,
    lines,
    triginfo: flags['triginfo-ext'] ? 'extended' : flags.triginfo ? 'plain' : 'no',
    dropEmpty: flags['drop-empty'],
    maxEvent: flags['max-event'],
  };
}
