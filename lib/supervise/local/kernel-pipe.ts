import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeFolder } from '../../cli/runtime-folder.ts';

/** Both ends of a pipe of the kernel, to be given to two processes and closed here. */
export interface KernelPipe {
  readonly read: number;
  readonly write: number;
}

/**
 * A real pipe between two children: what Node offers goes through this process or is a socket. A named pipe is opened at both ends and
 * unlinked at once.
 */
export function kernelPipe(): KernelPipe {
  const folder = mkdtempSync(join(runtimeFolder(), 'pipe-'));
  const path = join(folder, 'p');
  try {
    execFileSync('mkfifo', ['-m', '600', path]);
    // Without O_NONBLOCK the first opening would wait for the second; the reader must not inherit it, so it is opened once more.
    const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const write = openSync(path, constants.O_WRONLY);
    const read = openSync(path, constants.O_RDONLY);
    closeSync(first);
    return { read, write };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
