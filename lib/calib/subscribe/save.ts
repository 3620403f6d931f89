/** Constants into a folder, in the layout that `drp-python --constants` reads: DETECTOR/CTYPE.npy or .txt, and CTYPE.doc.json beside it. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DaqError, DataError } from '../../errors.ts';
import { npyHeader } from '../../npy.ts';
import { exactText } from '../document.ts';
import type { ReceivedConstant, ReceivedSet } from './received.ts';

/** Names come over a socket: whatever could leave the folder, or hide in it, is refused. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Writes a set to a folder that appears whole or not at all. It must not be there yet, or be empty.
 * @throws DataError `bad-constants` for names that are no file names, DaqError `output-failed`
 */
export function saveSet(set: ReceivedSet, folder: string): void {
  const target = resolve(folder);
  for (const name of [...set.detectors, ...set.constants.map(({ ctype }) => ctype)]) {
    if (!SAFE_NAME.test(name)) throw new DataError('bad-constants', `${JSON.stringify(name)} is no name for a file`);
  }
  let beside: string | undefined;
  try {
    mkdirSync(dirname(target), { recursive: true });
    const name = `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`;
    mkdirSync(join(dirname(target), name));
    beside = join(dirname(target), name);
    for (const detector of set.detectors) mkdirSync(join(beside, detector));
    for (const constant of set.constants) saveConstant(constant, join(beside, constant.detector));
    renameSync(beside, target);
  } catch (error) {
    if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOTEMPTY' || code === 'EEXIST' ? 'the folder is there and is not empty' : message;
    throw new DaqError('output-failed', `cannot save: ${why}`, { place: { file: folder }, cause: error });
  }
}

function saveConstant({ ctype, kind, dtype, shape, doc, data }: ReceivedConstant, folder: string): void {
  const path = join(folder, ctype);
  if (kind === 'ndarray') writeFileSync(`${path}.npy`, Buffer.concat([npyHeader(dtype!, shape!), data]));
  else writeFileSync(`${path}.${kind === 'str' ? 'txt' : 'bin'}`, data);
  writeFileSync(`${path}.doc.json`, `${exactText(doc)}\n`);
}
