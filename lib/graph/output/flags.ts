/** Options of what shows records: graph-run and the global graph-collect. */

import * as Flags from '@oclif/core/flags';

export const resultFlags = {
  format: Flags.string({
    char: 'f',
    summary: 'text for people, jsonl for programs, plot for pictures in text',
    options: ['text', 'jsonl', 'plot'],
    default: 'text',
    helpGroup: 'OUTPUT',
  }),
  names: Flags.string({
    summary: 'only these outputs: hist.counts, hist, *.mean',
    description: 'Names with commas between them; * is anything, and a node stands for all its ports.',
    helpValue: 'NAMES',
    multiple: true,
    helpGroup: 'OUTPUT',
  }),
  every: Flags.integer({
    summary: 'print one record for N heartbeats: counts added, outputs as they stand then',
    helpValue: 'N',
    default: 1,
    min: 1,
    helpGroup: 'OUTPUT',
  }),
  last: Flags.boolean({ summary: 'print the last record only, with all outputs as they stand', helpGroup: 'OUTPUT' }),
  plot: Flags.boolean({
    summary: 'live plots on the terminal; elsewhere one picture at the end',
    helpGroup: 'OUTPUT',
  }),
  snapshot: Flags.string({
    summary: 'keep the latest results in FILE, which is always whole',
    description: 'FILE.npz and FILE.npy are for numpy, FILE.h5 is HDF5, FILE.json the record.',
    helpValue: 'FILE',
    helpGroup: 'OUTPUT',
  }),
  'snapshot-every': Flags.integer({
    summary: 'write it every N heartbeats, and at the end',
    helpValue: 'N',
    default: 1,
    min: 1,
    helpGroup: 'OUTPUT',
  }),
};

export interface ResultValues {
  readonly format: string;
  readonly names?: readonly string[] | undefined;
  readonly every: number;
  readonly last: boolean;
  readonly plot: boolean;
  readonly snapshot?: string | undefined;
  readonly 'snapshot-every': number;
}
