/** What a reducer has published as a file: JSON or HDF5, as its name says. */

import { renameSync, writeFileSync } from 'node:fs';
import { DaqError, UsageError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { PublishedTree } from '../payload/types.ts';
import { treeAsJson } from './tree-json.ts';

/** @param flag that names the file. @throws UsageError */
export function resultForm(file: string, flag: string): 'json' | 'h5' {
  const form = /\.(json|h5|hdf5)$/.exec(file)?.[1];
  if (form === undefined) throw new UsageError(`${flag} ${file}: the name ends in .json, .h5 or .hdf5`);
  return form === 'json' ? 'json' : 'h5';
}

/**
 * The file is there under its name when it is whole; what has no form in it is said.
 * @throws DaqError `output-failed`
 */
export async function writeResultFile(
  tree: PublishedTree,
  file: string,
  form: 'json' | 'h5',
  say: (message: string) => void,
): Promise<void> {
  if (form === 'h5') {
    const { saveTree } = await import('./tree-file.ts');
    for (const path of await saveTree(tree, file)) say(`${file}: ${path} has no form there and is left out`);
    return;
  }
  const text = `${JSON.stringify(await treeAsJson(tree), null, 1)}\n`;
  try {
    writeFileSync(`${file}.part`, text);
    renameSync(`${file}.part`, file);
  } catch (error) {
    throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file }, cause: error });
  }
}
