/** Map and parameters beside the recordings of a scan (spec mapreduce.md 10). */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { Encoder } from 'cbor-x';
import type { ParameterDesk } from './parameter-desk.ts';
import type { MapRun } from './run.ts';
import { wholeSequence } from './status.ts';

/**
 * Path prefix below `root` for what came by HTTP; undefined if it would lead elsewhere (spec 14).
 * @param root folder that the operator has named; undefined: nothing is written
 */
export function dumpPath(root: string | undefined, prefix: string): string | undefined {
  if (root === undefined || prefix === '' || isAbsolute(prefix) || prefix.includes('\0')) return undefined;
  if (normalize(prefix).split('/').includes('..') || prefix.split('/').includes('..')) return undefined;
  return join(root, prefix.endsWith('/') ? `${prefix}.` : prefix).replace(/\/\.$/, '/');
}

/** Writes `<prefix>mapping-<uuid>.json` and `<prefix>parameters-<uuid>.json`, or `.cbor` if a value contains a NUL byte. */
export async function writeDumps(
  { parameters }: { readonly parameters: ParameterDesk },
  run: MapRun,
  root: string | undefined,
  say: (message: string) => void,
): Promise<void> {
  const prefix = parameters.get('dump_prefix')?.toString() ?? '';
  if (prefix === '') return;
  const path = dumpPath(root, prefix);
  if (path === undefined) {
    say(
      `dump_prefix: nothing is recorded by the controller; ${root === undefined ? 'start it with --dump-root' : 'the prefix leads out of --dump-root'}`,
    );
    return;
  }
  try {
    await mkdir(dirname(`${path}x`), { recursive: true, mode: 0o700 });
    await writeFile(`${path}mapping-${run.uuid}.json`, wholeSequence(run));
    const hasNul = parameters.all.some(([, data]) => data.includes(0));
    const values = parameters.all.map(([name, data]) => ({ name, data: hasNul ? data : data.toString() }));
    const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
    const bytes = hasNul ? encoder.encode(values) : Buffer.from(JSON.stringify(values));
    await writeFile(`${path}parameters-${run.uuid}.${hasNul ? 'cbor' : 'json'}`, bytes);
  } catch (error) {
    say(`the map cannot be recorded: ${(error as Error).message}`);
  }
}
