/** Where a code file lies, and whether it is the one that was meant (spec graph.md 3.2). */

import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { CodeSpec, Problem, ProblemCode } from '../types.ts';

export interface CodeFile {
  /** Without links. */
  readonly path: string;
  readonly sha256: string;
  readonly language: 'module' | 'script';
}

/** A problem with the code of a node. */
export class CodeProblem extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }

  of(node: string): Problem {
    return { error: this.code, node, message: this.message };
  }
}

/**
 * Finds the file inside `codeDir`: neither its path nor a link leads out of it.
 * @throws CodeProblem `bad-code`, or `code-mismatch` if its content is not what the graph names
 */
export function findCode({ file, sha256 }: CodeSpec, codeDir: string): CodeFile {
  const language = file.endsWith('.mjs') ? 'module' : file.endsWith('.py') ? 'script' : undefined;
  if (!language) throw new CodeProblem('bad-code', `${file} ends neither in .mjs nor in .py`);
  if (isAbsolute(file) || file.split('/').includes('..'))
    throw new CodeProblem('bad-code', `${file} is not a path inside the code folder`);
  let path: string;
  let bytes: Buffer;
  try {
    const folder = realpathSync(resolve(codeDir));
    path = realpathSync(join(folder, file));
    if (!path.startsWith(folder + sep)) throw new CodeProblem('bad-code', `${file} is a link out of the code folder`);
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof CodeProblem) throw error;
    throw new CodeProblem('bad-code', `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, error);
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== undefined && sha256 !== found)
    throw new CodeProblem('code-mismatch', `${file} here has the hash ${found}, the graph names ${sha256}`);
  return { path, sha256: found, language };
}
