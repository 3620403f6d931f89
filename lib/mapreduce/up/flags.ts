import * as Flags from '@oclif/core/flags';

export const upFlags = {
  once: Flags.boolean({
    allowNo: true,
    summary: 'end with the scan; by default if the file has a map and its sources come to an end',
  }),
  map: Flags.string({ summary: 'post this map instead of the one of the file', helpValue: 'MAP' }),
  result: Flags.string({
    summary: 'write what the reducer publishes when the scan is over: .json or .h5',
    helpValue: 'FILE',
  }),
  logs: Flags.string({
    char: 'o',
    summary: 'folder of the logs; without it they are kept only if something went wrong',
    helpValue: 'DIR',
  }),
};
