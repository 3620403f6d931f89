/** The compiled part: its functions, and finding it. A failure is the negative error number throughout (docs/design.md). */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IpcBindingError } from './errors.ts';

/** Identifies a mapping to the binding. */
export type RegionHandle = { readonly __region: unique symbol };

export interface NativeRegion {
  buffer: ArrayBuffer;
  handle: RegionHandle;
}

type WatchCallback = (first: number, second: number) => void;

export interface Binding {
  /** Type or priority of the message received last. */
  lastType: Float64Array;

  shmOpen(name: string, flags: number, mode: number): number;
  shmUnlink(name: string): number;
  reserve(fd: number, size: number): number;
  mapFile(fd: number, size: number, readOnly: boolean, offset: number): NativeRegion | number;
  release(handle: RegionHandle, buffer: ArrayBuffer): number;
  truncated(handle: RegionHandle): boolean;
  shmGet(key: number, size: number, flags: number): number;
  shmAttach(id: number, maxBytes: number): NativeRegion | number;
  shmSnapshot(id: number, maxBytes: number): ArrayBuffer | number;
  shmStat(id: number): number[] | number;
  shmRemove(id: number): number;
  shmSetMode(id: number, mode: number): number;

  msgGet(key: number, flags: number): number;
  msgSend(id: number, type: number, bytes: Uint8Array, milliseconds: number): number;
  msgReceive(id: number, wantedType: number, into: Uint8Array, milliseconds: number): number;
  msgStat(id: number): number[] | number;
  msgRemove(id: number): number;
  msgSet(id: number, mode: number, maxBytes: number): number;
  watchQueue(id: number, wantedType: number, spinMicroseconds: number, callback: WatchCallback): number;

  mqOpen(name: string, flags: number, mode: number, messages: number, messageSize: number): number;
  mqUnlink(name: string): number;
  mqAttributes(fd: number): number[] | number;
  mqSend(fd: number, bytes: Uint8Array, priority: number, milliseconds: number): number;
  mqReceive(fd: number, into: Uint8Array, milliseconds: number): number;

  wordWait(
    handle: RegionHandle,
    offset: number,
    expected: number,
    milliseconds: number,
    spinMicroseconds: number,
  ): number;
  wordWake(handle: RegionHandle, offset: number, count: number): number;
  watchWord(
    handle: RegionHandle,
    offset: number,
    seen: number,
    spinMicroseconds: number,
    callback: WatchCallback,
  ): number;

  watchFd(fd: number, events: number, callback: WatchCallback): number;
  referenceWatch(watch: number, on: boolean): number;
  closeWatch(watch: number): number;

  eventOpen(initial: number): number;
  eventAdopt(fd: number): number;
  closeDescriptor(fd: number): number;
  eventSignal(fd: number, count: number): number;
  eventTake(fd: number, milliseconds: number): number;
  lockFile(fd: number): number;
  setParentDeathSignal(signal: number): number;
  parentDeathSignal(): number;
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
let loaded: Binding | undefined;

function load(): Binding {
  const find = createRequire(import.meta.url)('node-gyp-build') as (folder: string) => Binding;
  try {
    return find(packageFolder);
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}, Node ${process.versions.node}`;
    throw new IpcBindingError(
      `posix-ipc-shim has no compiled part that loads here (${platform}). Compile it once, with a C++ compiler, make and ` +
        `Python: in a checkout \`npm run build -w posix-ipc-shim\`, else \`npx node-gyp rebuild --directory ${packageFolder}\`. ` +
        `The loader said: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`,
      { cause },
    );
  }
}

/** The binding, loaded at first use, so that a program which needs none of it runs without. @throws IpcBindingError */
export function native(): Binding {
  loaded ??= load();
  return loaded;
}

/** Why the compiled part does not load, or undefined when it does. */
export function bindingProblem(): IpcBindingError | undefined {
  try {
    native();
    return undefined;
  } catch (error) {
    if (error instanceof IpcBindingError) return error;
    throw error;
  }
}

/** The path of a compiled program of this package, or undefined. */
export function findProgram(name: string): string | undefined {
  const places = [join('build', 'Release'), join('prebuilds', `${process.platform}-${process.arch}`)];
  return places.map((place) => join(packageFolder, place, name)).find((path) => existsSync(path));
}
