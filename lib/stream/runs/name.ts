/** Names of recorded files (spec procmgr.md 5.1): `{exp}`, `{run}`, `{chunk}` of a pattern such as `out/{exp}-r{run}-s001-c{chunk}.xtc2`. Pure. */

import { UsageError } from '../../errors.ts';
import type { RunInfo } from '../../xtc/run-info.ts';

const FIELD = /\{(\w*)\}/g;
const FIELDS = ['exp', 'run', 'chunk'] as const;
/** What an experiment may be called: it comes out of the data, and must not lead out of the folder. */
const EXPERIMENT = /^[A-Za-z0-9_-]{1,64}$/;

export class RunFileName {
  readonly pattern: string;

  /** @throws UsageError for fields that are not known, and without `{run}` */
  constructor(pattern: string) {
    this.pattern = pattern;
    const fields = [...pattern.matchAll(FIELD)].map(([, name]) => name!);
    const odd = fields.find((name) => !FIELDS.some((known) => known === name));
    if (odd !== undefined) throw new UsageError(`${pattern}: there is no {${odd}}; known are {exp}, {run}, {chunk}`);
    if (!fields.includes('run')) throw new UsageError(`${pattern}: a file for each run needs {run} in its name`);
  }

  /** Whether a run can have several files. */
  get hasChunks(): boolean {
    return this.pattern.includes('{chunk}');
  }

  /** @param info run 0 and the experiment `noexp` where the stream does not say */
  of({ exp, run }: RunInfo, chunk: number): string {
    const values: Record<string, string> = {
      exp: exp !== undefined && EXPERIMENT.test(exp) ? exp : 'noexp',
      run: String(run ?? 0).padStart(4, '0'),
      chunk: String(chunk).padStart(3, '0'),
    };
    return this.pattern.replace(FIELD, (_, field: string) => values[field]!);
  }
}
