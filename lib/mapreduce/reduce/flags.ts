/** Flags of map-reduce. */

import * as Flags from '@oclif/core/flags';
import { advertiseFlag } from '../address/flag.ts';
import { payloadFlags } from '../payload/flags.ts';
import { registryFlags } from '../redis/flags.ts';

export const reduceFlags = {
  ...registryFlags(),
  bind: Flags.string({
    default: 'tcp://127.0.0.1:10200',
    summary: 'where workers bring results; host * is all interfaces, port * picks a free one',
    helpValue: 'tcp://H:P',
  }),
  advertise: advertiseFlag(),
  url: Flags.string({
    env: 'REDUCER_URL',
    summary: 'all that workers are told instead of the bound address',
    helpValue: 'tcp://H:P',
  }),
  port: Flags.string({
    default: '5001',
    summary: 'HTTP for status and what is published; port 0 picks one',
    helpValue: '[HOST:]PORT',
  }),
  cors: Flags.string({ summary: 'let pages of this origin read what is published', helpValue: 'ORIGIN' }),
  'replay-results': Flags.string({
    summary: 'keep the results of the map in a file, and take them from it after a crash',
    helpValue: 'FILE',
  }),
  ...payloadFlags,
};
