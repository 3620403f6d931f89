import * as Flags from '@oclif/core/flags';
import { UsageError } from '../errors.ts';

export const superviseFlags = {
  python: Flags.string({
    summary: 'read the file with this interpreter; the code in it runs',
    helpValue: 'PROGRAM',
    helpGroup: 'FILE',
  }),
  define: Flags.string({
    char: 'D',
    summary: 'macro for the file (procmgr_macro)',
    helpValue: 'NAME=VALUE',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'FILE',
  }),
  logs: Flags.string({
    char: 'o',
    summary: 'folder of the logs; the default is logs beside the file',
    helpValue: 'DIR',
    helpGroup: 'RUN',
  }),
  foreground: Flags.boolean({
    summary: 'stay, show every change, and stop everything at SIGINT',
    helpGroup: 'RUN',
  }),
  'ready-within': Flags.integer({
    summary: 'who is not ready after so long has failed, unless the file says otherwise; 0: no limit',
    helpValue: 'S',
    default: 60,
    min: 0,
    helpGroup: 'RUN',
  }),
  follow: Flags.boolean({ summary: 'logs: go on as they grow', helpGroup: 'RUN' }),
  slurm: Flags.boolean({ summary: 'as jobs of Slurm instead of here', helpGroup: 'SLURM' }),
  'as-step': Flags.boolean({ summary: 'one job, and a step for each process', helpGroup: 'SLURM' }),
  queue: Flags.string({ summary: "Slurm's partition", helpValue: 'NAME', default: 'drpq', helpGroup: 'SLURM' }),
  'dry-run': Flags.boolean({ summary: 'start: print the jobs and scripts only', helpGroup: 'SLURM' }),
};

/** @throws UsageError */
export function macrosOf(definitions: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    (definitions ?? []).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`-D ${text}: write NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
