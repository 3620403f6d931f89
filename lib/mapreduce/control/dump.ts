/** Map and parameters beside the recordings of a scan (spec mapreduce.md 10). */

import { writeFile } from 'node:fs/promises';
import { writeParameters } from '../record/parameters.ts';
import { recordingPath } from '../record/places.ts';
import type { ParameterDesk } from './parameter-desk.ts';
import type { MapRun } from './run.ts';
import { wholeSequence } from './whole-sequence.ts';

/** Writes `<prefix>mapping-<uuid>.json` and `<prefix>parameters-<uuid>.json`, or `.cbor` if a value is no text or contains a NUL byte. */
export async function writeDumps(
  { parameters }: { readonly parameters: ParameterDesk },
  run: MapRun,
  root: string | undefined,
  say: (message: string) => void,
): Promise<void> {
  const prefix = parameters.get('dump_prefix')?.toString() ?? '';
  if (prefix === '') return;
  if (root === undefined) {
    say('dump_prefix: nothing is recorded by the controller; start it with --dump-root');
    return;
  }
  try {
    await writeFile(recordingPath(root, prefix, `mapping-${run.uuid}.json`), wholeSequence(run));
    const { ending, bytes } = writeParameters(parameters.all.map(([name, data]) => ({ name, data })));
    await writeFile(recordingPath(root, prefix, `parameters-${run.uuid}.${ending}`), bytes);
  } catch (error) {
    say(`the map cannot be recorded: ${(error as Error).message}`);
  }
}
