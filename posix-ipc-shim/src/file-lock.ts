/** An advisory lock that the kernel gives back when its holder dies. */
import { closeSync, fchmodSync, constants as fs, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dispose } from './dispose.ts';
import { check, checkFs } from './errors.ts';
import { native } from './native.ts';

const EWOULDBLOCK = 11;

function isStill(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there?.ino === ours.ino && there.dev === ours.dev;
}

/** Held from `tryAcquire` to `close()` or the end of the process. The content of the file is the holder's business (`fd`). */
export class FileLock {
  readonly path: string;
  #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Locks the file, which is made if needed (mode 0600); undefined when somebody holds it. @throws IpcError EACCES, ENOENT (folder), ... */
  static tryAcquire(path: string, mode = 0o600): FileLock | undefined {
    for (;;) {
      const fd = checkFs('open', path, () => openSync(path, fs.O_RDWR | fs.O_CREAT | fs.O_NOFOLLOW, mode));
      let keep = false;
      try {
        const result = native().lockFile(fd);
        if (result === -EWOULDBLOCK) return undefined;
        check(result, 'flock', path);
        // The former holder may have unlinked the file between our open and our lock: then the lock is on nothing.
        keep = isStill(path, fd);
        if (!keep) continue;
        checkFs('fchmod', path, () => fchmodSync(fd, mode));
        return new FileLock(path, fd);
      } finally {
        if (!keep) closeSync(fd);
      }
    }
  }

  /** For reading and writing the file; -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Gives the lock back, and removes the file first if asked. A second call does nothing. */
  close(options: { unlink?: boolean } = {}): void {
    if (this.#fd < 0) return;
    try {
      if (options.unlink === true && isStill(this.path, this.#fd))
        checkFs('unlink', this.path, () => unlinkSync(this.path));
    } finally {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }

  [dispose](): void {
    this.close();
  }
}
