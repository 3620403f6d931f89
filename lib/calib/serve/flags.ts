/** The options of calib-serve. */

import * as Flags from '@oclif/core/flags';

export const serveFlags = {
  port: Flags.integer({
    summary: 'where to listen; 0 takes a free port',
    helpValue: 'N',
    default: 0,
    min: 0,
    max: 65_535,
  }),
  host: Flags.string({
    summary: 'address to listen on',
    description: 'There is no password: other addresses than the loopback belong on a private network.',
    helpValue: 'HOST',
    default: '127.0.0.1',
  }),
  det: Flags.string({
    summary: 'the folder NAME holds the detector of that type with these serial numbers',
    helpValue: 'NAME=TYPE:SERIAL,...',
    multiple: true,
    multipleNonGreedy: true,
  }),
  log: Flags.string({ summary: 'write a JSON line for every request', helpValue: 'FILE' }),
  fail: Flags.string({
    summary: 'answer the first N requests (or all) with a status',
    helpValue: 'CODE[:N]',
    helpGroup: 'FAULTS',
  }),
  delay: Flags.integer({
    summary: 'wait before every answer',
    helpValue: 'MS',
    default: 0,
    min: 0,
    helpGroup: 'FAULTS',
  }),
  cut: Flags.integer({
    summary: 'close the connection after N bytes of a constant',
    helpValue: 'N',
    min: 0,
    helpGroup: 'FAULTS',
  }),
};
