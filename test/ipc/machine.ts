/** What the tests of lib/ipc share: private folders, names nobody else has, owners as processes, and a look at what is left. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { listPosixMemory, listSysvMemory, listSysvQueues, PosixQueue } from 'posix-ipc-shim';
import type { Test } from 'tap';
import { baseName, workerNames } from '../../lib/ipc/posix-names.ts';
import type { IpcIdentity, IpcSetOptions } from '../../lib/ipc/types.ts';

const script = fileURLToPath(new URL('owner-process.ts', import.meta.url));
export const project = fileURLToPath(new URL('../..', import.meta.url));

/** A runtime folder of this test file alone, for its children too. */
export function privateRuntimeFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-test-'));
  process.env.XDG_RUNTIME_DIR = folder;
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let count = 0;

/** An identity that no other test, and no other run of this one, has. */
export function freshIdentity(more: Partial<IpcIdentity> = {}): IpcIdentity {
  return { partition: 13, detName: `t${process.pid}x${count++}`, segment: 0, ...more };
}

export interface Answer {
  opened: boolean;
  staleRemoved?: number;
  probe?: number;
  code?: string;
  message?: string;
}

export interface OwnerProcess {
  child: ChildProcess;
  pid: number;
  /** Its first line. */
  answer: Answer;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a process that owns objects, and waits for what it says. */
export async function startOwner(
  t: Test,
  transport: 'sysv' | 'posix',
  options: IpcSetOptions,
  churn = false,
  env: NodeJS.ProcessEnv = process.env,
): Promise<OwnerProcess> {
  const order = JSON.stringify({ transport, options, churn });
  const child = spawn(process.execPath, ['--import=tsx', script, order], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return {
    child,
    pid: child.pid!,
    answer: JSON.parse(line) as Answer,
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await exited;
    },
  };
}

/** Keys of all System V objects whose 12-bit hash is one of the sixteen of this hash. */
export function keysOf(partition: number, hash: number): number[] {
  const near = (key: number) =>
    key >>> 28 === 6 && ((key >>> 24) & 0xf) === partition && ((((key >>> 12) & 0xfff) - hash) & 0xfff) < 16;
  return [...listSysvMemory(), ...listSysvQueues()].map(({ key }) => key).filter(near);
}

/** POSIX names of an identity that exist, for as many workers. */
export function namesLeft(identity: IpcIdentity, workers: number): string[] {
  const segments = new Set(listPosixMemory().map(({ name }) => name));
  return Array.from({ length: workers }, (_, worker) => workerNames(baseName(identity), worker)).flatMap(
    ({ toWorker, fromWorker, input, result }) => [
      ...[toWorker, fromWorker].filter(queueExists),
      ...[input, result].filter((name) => segments.has(name)),
    ],
  );
}

export function queueExists(name: string): boolean {
  try {
    PosixQueue.open(name, { access: 'read' }).close();
    return true;
  } catch {
    return false;
  }
}

/** Runs JavaScript as another user; the shim is `shim` there. */
export function asUser(uid: number, code: string) {
  const source = `const shim = require('posix-ipc-shim'); ${code}`;
  return spawnSync(process.execPath, ['-e', source], { cwd: project, uid, gid: uid, encoding: 'utf8' });
}

/** Skips what needs root. */
export const asRoot = process.geteuid?.() === 0 ? {} : { skip: 'only root can act as another user' };

/** Skips what needs an IPC namespace of its own, in which limits can be set. */
export const ownNamespace =
  spawnSync('unshare', ['-i', 'sh', '-c', 'echo 7 > /proc/sys/kernel/shmmni']).status === 0
    ? {}
    : { skip: 'no IPC namespace with limits of its own can be made here (unshare -i)' };
