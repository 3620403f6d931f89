/** The JSON object at the end of every command of the trigger chain (spec teb.md, section 10). */

import { writeFileSync } from 'node:fs';
import { DaqError } from '../errors.ts';

/** One line on stderr, or in a file instead. @throws DaqError `output-failed` */
export function writeSummary(summary: Readonly<Record<string, unknown>>, file?: string): void {
  const line = `${JSON.stringify(summary)}\n`;
  if (file === undefined) {
    process.stderr.write(line);
    return;
  }
  try {
    writeFileSync(file, line);
  } catch (error) {
    throw new DaqError('output-failed', `the summary cannot be written: ${(error as Error).message}`, {
      place: { file },
    });
  }
}
