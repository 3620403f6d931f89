/** System V keys: 32 bits, shown as `ipcs` shows them. */
import { checkInteger } from './errors.ts';

/** The key of an object that only its id names. */
export const IPC_PRIVATE = 0;

export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;

/** The key as the kernel's signed number. @throws RangeError */
export function kernelKey(key: number): number {
  return checkInteger('a System V key', key, 0, 0xffffffff) | 0;
}

/** The key of an object to look for. @throws RangeError for IPC_PRIVATE, with which the kernel would make a new object */
export function existingKey(key: number): number {
  return checkInteger('the key of an existing object', key, 1, 0xffffffff) | 0;
}

/** `key 0x632310a2`. */
export function showKey(key: number): string {
  return `key 0x${(key >>> 0).toString(16).padStart(8, '0')}`;
}
