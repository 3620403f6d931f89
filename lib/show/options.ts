/** What `dgram-cat` can be asked for, as values and as flags. */

import * as Flags from '@oclif/core/flags';
import { EPOCHS, type Epoch } from '../xtc/time.ts';
import { ARRAY_MODES, type ArrayMode } from '../xtc/value.ts';
import type { LiveModel } from './live-model.ts';
import type { SelectionText } from './select.ts';

/** What becomes of each wanted dgram. */
export type Mode = 'line' | 'contents' | 'hex' | 'jsonl' | 'xtc2' | 'smd' | 'stats' | 'names' | 'check' | 'live';

export interface ShowOptions {
  mode: Mode;
  selection: SelectionText;
  epoch: Epoch;
  arrays: ArrayMode;
  /** Elements of arrays shown. */
  head: number;
  /** Show Names blocks. */
  names: boolean;
  /** Decode payloads. */
  data: boolean;
  /** Decode what Corrupted damage hides. */
  corrupted: boolean;
  resync: boolean;
  /** File whose first dgram describes the data. */
  config: string | undefined;
  follow: boolean;
  /** Milliseconds without growth after which following ends. */
  timeout: number;
  merge: boolean;
  /** Results as one JSON document (stats, names, check). */
  json: boolean;
  /** Where xtc2 and smd go, if not to stdout. */
  output: string | undefined;
  /** State of the live screen, where mode is live. */
  live?: LiveModel;
  /** Titles over the lines. */
  titles: boolean;
}

const text = (summary: string, helpValue: string, helpGroup: string, char?: 'n') =>
  Flags.string({ summary, helpValue, helpGroup, ...(char ? { char } : {}) });

export const viewFlags = {
  data: Flags.boolean({
    char: 'd',
    allowNo: true,
    summary: 'show contents by detector, segment and algorithm',
    description: 'With --no-data only headers are shown and payloads are not even read.',
    helpGroup: 'VIEW',
  }),
  hex: Flags.boolean({ char: 'x', summary: 'annotated hex of headers and fields', helpGroup: 'VIEW' }),
  format: Flags.string({
    summary: 'output format',
    options: ['text', 'jsonl', 'xtc2', 'smd'],
    default: 'text',
    description: 'xtc2 writes the wanted dgrams unchanged, smd the small-data file of the input.',
    helpGroup: 'VIEW',
  }),
  output: Flags.string({
    char: 'o',
    summary: 'where xtc2 and smd go: a file, zmq+ipc://PATH or zmq+tcp://HOST:PORT',
    description: 'A file appears under its name when it is complete.',
    helpValue: 'URL',
    helpGroup: 'VIEW',
  }),
  stats: Flags.boolean({ summary: 'counts, rates, sizes, damage, steps and gaps', helpGroup: 'VIEW' }),
  names: Flags.boolean({
    allowNo: true,
    summary: 'the detector table',
    description: 'With --no-names contents and jsonl leave out the descriptions.',
    helpGroup: 'VIEW',
  }),
  check: Flags.boolean({ summary: 'check the structure; exit 1 if anything is wrong', helpGroup: 'VIEW' }),
  live: Flags.boolean({ summary: 'full-screen view of rates, damage and last values', helpGroup: 'VIEW' }),
  arrays: Flags.string({
    summary: 'how jsonl shows arrays',
    options: [...ARRAY_MODES],
    default: 'head',
    helpGroup: 'VIEW',
  }),
  head: Flags.integer({ summary: 'elements of arrays shown', helpValue: 'N', default: 6, min: 0, helpGroup: 'VIEW' }),
  epoch: Flags.string({
    summary: 'what seconds count from: 1990 (epics) or 1970 (unix)',
    options: [...EPOCHS],
    default: 'epics',
    helpGroup: 'VIEW',
  }),
};

export const selectionFlags = {
  count: Flags.integer({ char: 'n', summary: 'stop after N dgrams', helpValue: 'N', min: 0, helpGroup: 'SELECT' }),
  skip: Flags.integer({ summary: 'pass over the first N wanted dgrams', helpValue: 'N', min: 0, helpGroup: 'SELECT' }),
  service: text('transitions by name, for example L1Accept,SlowUpdate', 'NAME[,NAME...]', 'SELECT'),
  detector: text('detectors: hsd, hsd_1 or epix*', 'NAME[,NAME...]', 'SELECT'),
  alg: text('algorithms: raw or fex*', 'NAME[,NAME...]', 'SELECT'),
  field: text('fields by name or pattern', 'NAME[,NAME...]', 'SELECT'),
  time: text('from A to B: SEC[.NSEC] or UTC dates', 'A..B', 'SELECT'),
  groups: text('any of these readout groups: a mask or g0,g3', 'MASK', 'SELECT'),
  damage: text('root damage: names, or any when no name follows', '[NAME,...]', 'SELECT'),
  event: text('one time: SEC.FRACTION, SEC-NSEC or the 64-bit timestamp', 'TIMESTAMP', 'SELECT'),
  where: text('an expression over header and fields', 'EXPR', 'SELECT'),
  transitions: Flags.boolean({
    summary: 'keep all that is not an event, whatever else is selected',
    helpGroup: 'SELECT',
  }),
};

export const inputFlags = {
  follow: Flags.boolean({ char: 'f', summary: 'follow growing files until EndRun', helpGroup: 'INPUT' }),
  timeout: Flags.integer({
    summary: 'seconds without growth after which following ends',
    helpValue: 'S',
    default: 60,
    min: 0,
    helpGroup: 'INPUT',
  }),
  merge: Flags.boolean({ summary: 'several files in time order instead of one after the other', helpGroup: 'INPUT' }),
  config: text('first dgram of FILE describes the data (chunk files)', 'FILE', 'INPUT'),
  corrupted: Flags.boolean({ summary: 'decode payloads that Corrupted damage hides', helpGroup: 'INPUT' }),
  resync: Flags.boolean({ summary: 'after garbage go on at the next plausible dgram', helpGroup: 'INPUT' }),
};

/** `--damage` may stand without a value; the parser knows no optional values. */
export function withDamageValue(argv: readonly string[], isDamage: (word: string) => boolean): string[] {
  return argv.flatMap((word, i) => {
    const next = argv[i + 1];
    return word === '--damage' && (next === undefined || !isDamage(next)) ? ['--damage=any'] : [word];
  });
}
