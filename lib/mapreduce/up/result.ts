/** `--result FILE`: what the reducer publishes when the scan is over. */

import { renameSync, writeFileSync } from 'node:fs';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { RemoteTree } from '../http/tree-client.ts';
import { treeAsJson } from '../reduce/tree-json.ts';
import { resultForm } from './flags.ts';

/** The file is there under its name when it is whole. @throws DaqError `output-failed`, `connection-failed` */
export async function writeResult(url: string, file: string, say: (message: string) => void): Promise<void> {
  const tree = new RemoteTree(url);
  if (resultForm(file) === 'h5') {
    const { saveTree } = await import('../reduce/tree-file.ts');
    for (const path of await saveTree(tree, file)) say(`${path} has no form in ${file}`);
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
