/** What several tests need: names of their own, the peer process, counting what the kernel holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { PosixQueue, PosixSharedMemory } from '../src/index.ts';

let count = 0;

/** A POSIX name that no other process uses. */
export function freshName(): string {
  return `/shim_test_${process.pid}_${count++}`;
}

/** A name for memory or queue that is removed at the end of the test, whatever happens. */
export function nameFor(t: { teardown(remove: () => void): void }): string {
  const name = freshName();
  t.teardown(() => {
    PosixSharedMemory.unlink(name);
    PosixQueue.unlink(name);
  });
  return name;
}

export function startPeer(args: string[], options: { uid?: number; execArgv?: string[] } = {}): ChildProcess {
  const execArgv = options.execArgv ?? ['--import', 'tsx'];
  return spawn(process.execPath, [...execArgv, join(import.meta.dirname, 'peer.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
}

/** All output, and how it ended. */
export async function finish(
  child: ChildProcess,
): Promise<{ output: string; status: number | null; signal: string | null }> {
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  const [status, signal] = await once(child, 'close');
  return { output: output.trim(), status, signal };
}

/** Has a peer block with a time limit while signals rain on it; what it says at the end. */
export async function interrupt(kind: string, target: string): Promise<unknown> {
  const peer = startPeer(['interrupted', kind, target]);
  const ended = finish(peer);
  await once(peer.stdout as Readable, 'data');
  const rain = setInterval(() => peer.kill('SIGUSR2'), 10);
  const { output } = await ended;
  clearInterval(rain);
  return JSON.parse(output.split('\n')[1] ?? output);
}

export const descriptors = () => readdirSync('/proc/self/fd').length;
export const threads = () => readdirSync('/proc/self/task').length;
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something that comes about by itself; false after 10 s. */
export async function eventually(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return true;
    await pause(10);
  }
  return condition();
}

/** Repeatable random numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
