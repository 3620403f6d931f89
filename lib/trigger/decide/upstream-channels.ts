/** The queues and memories of `--ipc upstream`: real POSIX objects, or pipes and files where there is no native code (spec teb.md, 6.3). */

import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PosixQueue, PosixSharedMemory, posixMemoryUsers, type Watch } from 'posix-ipc-shim';
import { withKernel } from '../../ipc/kernel-limits.ts';
import type { PythonProcess } from '../../python/process.ts';
import { type UpstreamChannel, type UpstreamNames, upstreamNames } from './upstream.ts';

const QUEUE = { maxMessages: 1, messageSize: 512, mode: 0o600 } as const;
const PRIORITY = 31;
const MEMORY_FOLDER = '/dev/shm';
const MAX_MESSAGE = 4096;

/** @throws DaqError `ipc-limit`, `ipc-refused`, `no-native-addon` */
export function posixChannel(names: UpstreamNames, inputBytes: number, resultBytes: number): UpstreamChannel {
  return withKernel(() => new PosixChannel(names, inputBytes, resultBytes));
}

class PosixChannel implements UpstreamChannel {
  readonly env = {};
  readonly pipes = false;
  private readonly names: UpstreamNames;
  private readonly made: { close(): void }[] = [];
  private readonly toPython: PosixQueue;
  private readonly fromPython: PosixQueue;
  private readonly inputs: PosixSharedMemory;
  private readonly result: PosixSharedMemory;
  private watch: Watch | undefined;
  private onError: (why: string) => void = () => {};

  constructor(names: UpstreamNames, inputBytes: number, resultBytes: number) {
    this.names = names;
    const keep = <T extends { close(): void }>(object: T): T => {
      this.made.push(object);
      return object;
    };
    try {
      this.toPython = keep(PosixQueue.create(names.toPython, { ...QUEUE, access: 'write' }));
      this.fromPython = keep(PosixQueue.create(names.fromPython, { ...QUEUE, access: 'read' }));
      this.inputs = keep(PosixSharedMemory.create(names.inputs, { size: inputBytes, mode: 0o600 }));
      this.result = keep(PosixSharedMemory.create(names.result, { size: resultBytes, mode: 0o600 }));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  attach(_process: PythonProcess, onMessage: (text: string) => void, onError: (why: string) => void): void {
    this.onError = onError;
    this.watch = this.fromPython.watch((buffer, length) => onMessage(buffer.toString('latin1', 0, length)), {
      onError: (error) => onError(`its queue failed: ${error.message}`),
    });
  }

  send(text: string): void {
    const late = (error: Error) => {
      if (!this.toPython.closed) this.onError(`its queue failed: ${error.message}`);
    };
    this.toPython.sendSoon(Buffer.from(text), { priority: PRIORITY }).catch(late);
  }

  taken(): boolean {
    return this.toPython.messages === 0;
  }

  putInput(from: Buffer, start: number, end: number, at: number): void {
    from.copy(this.inputs.bytes, at, start, end);
  }

  putResult(from: Buffer): void {
    from.copy(this.result.bytes);
  }

  getResult(into: Buffer): void {
    this.result.bytes.copy(into, 0, 0, into.length);
  }

  close(): void {
    this.watch?.close();
    this.watch = undefined;
    for (const object of this.made) object.close();
    if (this.made.length > 0) removeObjects(this.names);
    this.made.length = 0;
  }
}

function removeObjects({ toPython, fromPython, inputs, result }: UpstreamNames): void {
  for (const name of [toPython, fromPython]) PosixQueue.unlink(name);
  for (const name of [inputs, result]) PosixSharedMemory.unlink(name);
}

/**
 * Removes what a killed run of this decider left: objects under its fresh names that nobody maps any more.
 * @param base `p0_teb0`
 * @returns how many sets
 */
export function removeDebris(base: string): number {
  const pattern = new RegExp(`^shmteb(?:inp|res)_(${base}_[0-9a-f]{8})$`);
  const found = existsSync(MEMORY_FOLDER) ? readdirSync(MEMORY_FOLDER) : [];
  const keys = new Set(found.flatMap((name) => pattern.exec(name)?.[1] ?? []));
  if (keys.size === 0) return 0;
  const used = posixMemoryUsers();
  let removed = 0;
  for (const key of keys) {
    const names = upstreamNames(key);
    if (used.has(names.inputs) || used.has(names.result)) continue;
    removeObjects(names);
    removed++;
  }
  return removed;
}

/** @param folder of our Python, where the look-alike of posix_ipc is */
export function lookalikeChannel(folder: string, path: string) {
  return (names: UpstreamNames, inputBytes: number, resultBytes: number): UpstreamChannel =>
    new LookalikeChannel(names, inputBytes, resultBytes, folder, path);
}

class LookalikeChannel implements UpstreamChannel {
  readonly env: Record<string, string>;
  readonly pipes = true;
  private readonly files: { path: string; fd: number }[] = [];
  private process: PythonProcess | undefined;
  private rest: Buffer = Buffer.alloc(0);

  constructor(names: UpstreamNames, inputBytes: number, resultBytes: number, python: string, path: string) {
    const folder = existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir();
    for (const [name, bytes] of [
      [names.inputs, inputBytes],
      [names.result, resultBytes],
    ] as const) {
      const file = { path: join(folder, name), fd: -1 };
      file.fd = openSync(file.path, 'wx+', 0o600);
      this.files.push(file);
      ftruncateSync(file.fd, bytes);
    }
    this.env = {
      PYTHONPATH: [lookalikeFolder(python), path].filter(Boolean).join(delimiter),
      DAQPIPE_TEB_QUEUES: '3,4',
      DAQPIPE_TEB_MEMORY: folder,
    };
  }

  attach(process: PythonProcess, onMessage: (text: string) => void, onError: (why: string) => void): void {
    this.process = process;
    process.toProcess.on('error', () => {});
    process.fromProcess.on('error', () => {});
    process.fromProcess.on('data', (bytes: Buffer) => {
      let all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
      while (all.length >= 4 && all.length >= 4 + all.readUInt32LE(0)) {
        const end = 4 + all.readUInt32LE(0);
        const text = all.toString('latin1', 4, end);
        all = all.subarray(end);
        onMessage(text);
      }
      this.rest = all;
      if (all.length >= 4 && all.readUInt32LE(0) > MAX_MESSAGE) onError('it sends what is no message');
    });
  }

  send(text: string): void {
    const message = Buffer.alloc(4 + text.length);
    message.writeUInt32LE(text.length, 0);
    message.write(text, 4, 'latin1');
    this.process?.toProcess.write(message);
  }

  /** A pipe does not tell. */
  taken(): boolean {
    return true;
  }

  putInput(from: Buffer, start: number, end: number, at: number): void {
    writeSync(this.files[0]!.fd, from, start, end - start, at);
  }

  putResult(from: Buffer): void {
    writeSync(this.files[1]!.fd, from, 0, from.length, 0);
  }

  getResult(into: Buffer): void {
    readSync(this.files[1]!.fd, into, 0, into.length, 0);
  }

  close(): void {
    this.process = undefined;
    for (const { path, fd } of this.files) {
      closeSync(fd);
      // The existing runtime removes them as well when it ends.
      if (existsSync(path)) unlinkSync(path);
    }
    this.files.length = 0;
  }
}

/** The folder that goes in front of the search path where Python has no posix_ipc. */
export function lookalikeFolder(python: string): string {
  return `${python}/daqpipe/trigger/lookalike`;
}
