/** Lock files that say who serves a name. The kernel gives a lock back when its holder dies; the text tells who that was. */

import { createHash } from 'node:crypto';
import { ftruncateSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FileLock } from 'posix-ipc-shim';
import { leaseFolders, runtimeFolder } from '../cli/runtime-folder.ts';
import { type Owner, thisProcess } from './owner.ts';
import type { IpcIdentity } from './types.ts';

const LONGEST_PLAIN_NAME = 200;
const SUFFIX = '.lease';

/** What a lease file says. */
export interface LeaseText {
  version: 1;
  transport: 'sysv' | 'posix';
  owner: Owner;
  identity: IpcIdentity;
  workers: number;
  /** Seconds since 1970. */
  startedAt: number;
  /** Names of POSIX objects. */
  names: string[];
}

/** A lease that this process holds. */
export class Lease {
  /** What its last holder left in it, if that one did not end in order. */
  readonly previous: LeaseText | undefined;
  private readonly lock: FileLock;

  private constructor(lock: FileLock) {
    this.lock = lock;
    this.previous = readLease(lock.path);
  }

  /** Takes a lease, or returns undefined because a living process has it. @throws DaqError `ipc-refused`, IpcError */
  static tryTake(transport: LeaseText['transport'], name: string): Lease | undefined {
    const lock = FileLock.tryAcquire(leasePath(transport, name));
    return lock && new Lease(lock);
  }

  /** Writes who holds it. */
  write(text: Omit<LeaseText, 'version' | 'owner'>): void {
    const whole: LeaseText = { version: 1, owner: thisProcess(), ...text };
    ftruncateSync(this.lock.fd, 0);
    writeSync(this.lock.fd, JSON.stringify(whole), 0);
  }

  /** Gives it back and removes the file. Works twice. */
  close(): void {
    this.lock.close({ unlink: true });
  }
}

/** Path of a lease file in this process' runtime folder. */
export function leasePath(transport: string, name: string): string {
  return join(runtimeFolder(), fileName(transport, name));
}

/** What the lease files of this name say, in every folder that this user's processes may have used. */
export function leasesOf(transport: string, name: string): LeaseText[] {
  return leaseFolders().flatMap((folder) => readLease(join(folder, fileName(transport, name))) ?? []);
}

/** All leases of this user, held or left over, with their files. */
export function allLeases(): { path: string; text: LeaseText }[] {
  return leaseFolders()
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => path.endsWith(SUFFIX))
    .flatMap((path) => {
      const text = readLease(path);
      return text ? [{ path, text }] : [];
    });
}

/** A file that is not there, or was not finished, says nothing. */
function readLease(path: string): LeaseText | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isLeaseText(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLeaseText(value: unknown): value is LeaseText {
  const { version, owner, identity, names } = (value ?? {}) as Partial<LeaseText>;
  return (
    version === 1 &&
    typeof owner?.pid === 'number' &&
    typeof owner.startTicks === 'number' &&
    typeof identity?.detName === 'string' &&
    Array.isArray(names) &&
    names.every((name) => typeof name === 'string')
  );
}

function fileName(transport: string, name: string): string {
  const plain = encodeURIComponent(name);
  const short = plain.length <= LONGEST_PLAIN_NAME ? plain : createHash('sha256').update(name).digest('hex');
  return `${transport}-${short}${SUFFIX}`;
}
