/** Flags of dgram-gen. */

import * as Flags from '@oclif/core/flags';

const RUN = 'RUN';
const OUTPUT = 'OUTPUT';

export const runFlags = {
  events: Flags.integer({
    char: 'n',
    min: 0,
    summary: 'events per step; 0 goes on until stopped',
    helpValue: 'N',
    helpGroup: RUN,
  }),
  steps: Flags.integer({ min: 1, summary: 'steps of the scan', helpValue: 'N', helpGroup: RUN }),
  seed: Flags.integer({ min: 0, summary: 'same seed, same bytes', helpValue: 'N', helpGroup: RUN }),
  group: Flags.string({
    multiple: true,
    summary: 'rate of a readout group: a marker such as 71.4kHz, or any frequency',
    helpValue: 'N=RATE',
    helpGroup: RUN,
  }),
  exp: Flags.string({ summary: 'name of the experiment', helpValue: 'NAME', helpGroup: RUN }),
  run: Flags.integer({ min: 0, summary: 'run number', helpValue: 'N', helpGroup: RUN }),
  size: Flags.integer({
    min: 0,
    summary: 'instead of a description: events of exactly so many bytes',
    helpValue: 'BYTES',
    helpGroup: RUN,
  }),
};

export const outputFlags = {
  output: Flags.string({
    char: 'o',
    multiple: true,
    summary: 'file, folder/, pipe, fd:N, zmq+... or -',
    description:
      'A folder gets one file per stream, EXPT-rRRRR-sSSS-cCCC.xtc2. Otherwise there is one -o for each stream. Without -o: standard output.',
    helpValue: 'OUT',
    helpGroup: OUTPUT,
  }),
  streams: Flags.integer({
    min: 1,
    max: 4096,
    summary: 'deal the segments of the detectors out to N streams',
    description: 'If there are fewer segments than streams, detectors get more segments.',
    helpValue: 'N',
    helpGroup: OUTPUT,
  }),
  'event-built': Flags.boolean({
    summary: 'one stream with a nested Parent for each contributor',
    helpGroup: OUTPUT,
  }),
  smd: Flags.boolean({ summary: 'small-data files as well, in folder/smalldata', helpGroup: OUTPUT }),
  grow: Flags.boolean({
    summary: 'let files grow under their own names, as the DAQ writes them',
    description: 'Without it a file appears at the end, whole.',
    helpGroup: OUTPUT,
  }),
  rate: Flags.string({
    summary: 'so many events per second on the clock of this machine',
    helpValue: 'HZ',
    helpGroup: OUTPUT,
    exclusive: ['realtime'],
  }),
  realtime: Flags.boolean({ summary: 'as fast as the simulated pulses themselves', helpGroup: OUTPUT }),
};

export const listFlags = {
  print: Flags.boolean({ summary: 'print the description with all defaults, and stop' }),
  'list-kinds': Flags.boolean({ summary: 'list kinds of detectors and generators with their keys, and stop' }),
};
