/** The options of rog-validate. */

import * as Flags from '@oclif/core/flags';
import { MASK_FORMATS } from './recorded/mask-format.ts';

const PATTERN = 'PATTERN';
const SOURCES = 'SOURCES';
const RULE = 'RULE';
const RECORDED = 'RECORDED PULSES';
const OUTPUT = 'OUTPUT';

export const timingFlags = {
  partition: Flags.string({ summary: 'partition file, JSON or YAML', helpValue: 'FILE', helpGroup: PATTERN }),
  ts: Flags.string({
    summary: 'timing object: JSON, REST reply, printed Python, or .xtc2 with a Configure',
    helpValue: 'FILE',
    helpGroup: PATTERN,
  }),
  'ts-base': Flags.string({
    summary: 'object that a CALIB object of --ts lies over',
    helpValue: 'FILE',
    helpGroup: PATTERN,
  }),
  xpm: Flags.string({
    summary: 'autosave object of an XPM: selects and loaded sequences',
    helpValue: 'FILE',
    helpGroup: PATTERN,
  }),
  activedet: Flags.string({
    summary: 'active-detector file: groups in use and detector names',
    helpValue: 'FILE',
    helpGroup: PATTERN,
  }),
  groups: Flags.string({ summary: 'groups in use', helpValue: '0,1,5', helpGroup: PATTERN }),
  common: Flags.integer({
    char: 'p',
    min: 0,
    max: 7,
    summary: 'common group = platform number',
    helpValue: 'N',
    helpGroup: PATTERN,
  }),
  machine: Flags.string({
    summary: 'sc, ued, or a file with a marker table',
    helpValue: 'sc|ued|FILE',
    helpGroup: PATTERN,
  }),
  seq: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    summary: 'sequence of engine E: .py script or JSON',
    helpValue: 'E:FILE[@1Hz|@any|@TICK]',
    helpGroup: SOURCES,
  }),
  python: Flags.boolean({ summary: 'run scripts with python3 instead of the built-in reader', helpGroup: SOURCES }),
  ctrl: Flags.string({ summary: 'pattern table of event codes 0..255', helpValue: 'FILE', helpGroup: SOURCES }),
  beam: Flags.string({
    summary: 'destination table, or what the beam does',
    helpValue: 'FILE[:KEY]|none|DEST|unknown',
    helpGroup: SOURCES,
  }),
  'auto-common': Flags.boolean({ summary: 'the common group is the OR of the accepted others', helpGroup: RULE }),
  inhibits: Flags.boolean({
    allowNo: true,
    default: true,
    summary: 'use the programmable inhibits of the inputs',
    helpGroup: RULE,
  }),
  'ignore-dest': Flags.boolean({ summary: 'take every group as open to all destinations', helpGroup: RULE }),
  transient: Flags.string({
    options: ['auto', 'check', 'report'],
    summary: 'whether the start-up counts',
    helpGroup: RULE,
  }),
  'max-periods': Flags.integer({
    min: 1,
    summary: 'machine periods to look at before giving up',
    helpValue: 'N',
    helpGroup: RULE,
  }),
  stdin: Flags.string({
    options: [...MASK_FORMATS],
    summary: 'check group masks from standard input, one per pulse',
    helpGroup: RECORDED,
  }),
  xtc: Flags.string({
    multiple: true,
    summary: 'check the readout groups of recorded events',
    helpValue: 'FILE...',
    helpGroup: RECORDED,
  }),
  format: Flags.string({
    options: ['table', 'json', 'tsv'],
    default: 'table',
    summary: 'form of the result',
    helpGroup: OUTPUT,
  }),
  tsv: Flags.boolean({ summary: 'the same as --format tsv', helpGroup: OUTPUT }),
  quiet: Flags.boolean({ char: 'q', summary: 'only the last line', helpGroup: OUTPUT }),
  plot: Flags.boolean({ summary: 'draw the groups around the first violation', helpGroup: OUTPUT }),
  'plot-ms': Flags.integer({
    min: 1,
    max: 1000,
    default: 2,
    summary: 'milliseconds that --plot shows',
    helpValue: 'MS',
    helpGroup: OUTPUT,
  }),
};
