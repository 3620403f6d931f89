import * as Flags from '@oclif/core/flags';
import { UsageError } from '../../errors.ts';

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

/** @throws UsageError */
export function resultForm(file: string): 'json' | 'h5' {
  const form = /\.(json|h5|hdf5)$/.exec(file)?.[1];
  if (form === undefined) throw new UsageError(`--result ${file}: the name ends in .json, .h5 or .hdf5`);
  return form === 'json' ? 'json' : 'h5';
}
