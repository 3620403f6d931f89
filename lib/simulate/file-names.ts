/** Names of data files (spec procmgr.md, section 5.1). */

interface RunName {
  experiment: string;
  run: number;
}

const digits = (value: number, width: number) => String(value).padStart(width, '0');

/** `EXPT-rRRRR-sSSS-cCCC.xtc2`. */
export function chunkFileName({ experiment, run }: RunName, stream: number, chunk: number): string {
  return `${experiment}-r${digits(run, 4)}-s${digits(stream, 3)}-c${digits(chunk, 3)}.xtc2`;
}

/** The one small-data file of a stream, below `smalldata/`. */
export function smallDataFileName(name: RunName, stream: number): string {
  return chunkFileName(name, stream, 0).replace(/\.xtc2$/, '.smd.xtc2');
}
