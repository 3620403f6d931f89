/**
 * System V keys `0x6PHHHWWK` (spec drp-python.md, 3.2): one hexadecimal digit group per part, so that a person reads partition, detector
 * hash, worker and kind off `ipcs`.
 */

import { UsageError } from '../errors.ts';
import type { IpcIdentity } from './types.ts';

/** Object kinds, the last digit of a key. Unique over queues and segments, although these are separate name spaces. */
export const KIND = {
  queueToWorker: 0,
  queueFromWorker: 1,
  inputSegment: 2,
  resultSegment: 3,
  registry: 4,
  registryQueue: 5,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Worker field of the registry's key. */
export const REGISTRY_WORKER = 0xff;
/** How many keys are tried. */
export const MAX_PROBES = 16;
export const MAX_WORKERS = 255;
/** Bytes of a detector's or instance's name: they are kept in fields of fixed size. */
const MAX_NAME_BYTES = 222;

const TOOLKIT = 6;
const HASH_MASK = 0xfff;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The parts of a key. */
export interface KeyParts {
  partition: number;
  /** 12 bits, probe included. */
  hash: number;
  worker: number;
  kind: number;
}

/** FNV-1a, 32 bits, over UTF-8. */
export function fnv1a(text: string): number {
  let value = FNV_OFFSET;
  for (const byte of Buffer.from(text, 'utf8')) value = Math.imul(value ^ byte, FNV_PRIME);
  return value >>> 0;
}

/** 12-bit hash of `<uid>:<detName>_<segment>[:<instance>]`. */
export function identityHash(uid: number, { detName, segment, instance }: IpcIdentity): number {
  const value = fnv1a(`${uid}:${detName}_${segment}${instance === undefined ? '' : `:${instance}`}`);
  return (value ^ (value >>> 12) ^ (value >>> 24)) & HASH_MASK;
}

/** The key of an object. The hash is taken modulo 4096, so `hash + probe` may be given. */
export function makeKey({ partition, hash, worker, kind }: KeyParts): number {
  return ((TOOLKIT << 28) | (partition << 24) | ((hash & HASH_MASK) << 12) | (worker << 4) | kind) >>> 0;
}

/** The parts of a key that this toolkit may have made; undefined for any other key. */
export function parseKey(key: number): KeyParts | undefined {
  if (key >>> 28 !== TOOLKIT) return undefined;
  const parts = {
    partition: (key >>> 24) & 0xf,
    hash: (key >>> 12) & HASH_MASK,
    worker: (key >>> 4) & 0xff,
    kind: key & 0xf,
  };
  if (parts.kind > KIND.registryQueue) return undefined;
  return parts.kind >= KIND.registry === (parts.worker === REGISTRY_WORKER) ? parts : undefined;
}

/** `0x632310a2`, as `ipcs` shows it. */
export function showKey(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`;
}

/** @throws UsageError if no key or name can be made of it */
export function checkIdentity(identity: IpcIdentity): void {
  const { partition, detName, segment, instance } = identity;
  if (!Number.isInteger(partition) || partition < 0 || partition > 15) {
    throw new UsageError(`the partition is a number from 0 to 15, not ${partition}`);
  }
  if (!Number.isInteger(segment) || segment < 0 || segment > 0xffffffff) {
    throw new UsageError(`the segment is a number from 0 on, not ${segment}`);
  }
  checkName('name of the detector', detName);
  if (instance !== undefined) checkName('instance', instance);
}

function checkName(what: string, name: string): void {
  if (name === '' || /[/\s\x00-\x1f\x7f]/.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new UsageError(
      `the ${what} is 1 to ${MAX_NAME_BYTES} bytes without "/" and blanks, not ${JSON.stringify(name)}`,
    );
  }
}

/** `atmopal_0`, or `atmopal_0:xpm2` with an instance. */
export function showIdentity({ detName, segment, instance }: IpcIdentity): string {
  return `${detName}_${segment}${instance === undefined ? '' : `:${instance}`}`;
}

export function sameIdentity(a: IpcIdentity, b: IpcIdentity): boolean {
  return a.partition === b.partition && showIdentity(a) === showIdentity(b);
}
