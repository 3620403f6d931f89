import { readFile } from 'node:fs/promises';
import { InputError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';

/** Process managers do not expand `~/` in every position of a command line, so we do. */
export function withHome(file: string): string {
  const home = process.env.HOME;
  return file.startsWith('~/') && home !== undefined ? `${home}${file.slice(1)}` : file;
}

/** The text of a file, or of standard input for `-`. Throws InputError when it cannot be read. */
export async function readTextFile(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(withHome(file), 'utf8');
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(part as Buffer);
    return Buffer.concat(parts).toString('utf8');
  } catch (error) {
    throw new InputError(explain(error), { place: { file }, cause: error });
  }
}
