/** The bytes of a registry segment (docs/ipc.md): who owns a set of System V objects, and which objects these are. No system calls. */

import { KIND } from './keys.ts';
import type { Owner } from './owner.ts';
import type { IpcIdentity } from './types.ts';

const MAGIC = Buffer.from('DAQPIPE1', 'latin1');
const LAYOUT_VERSION = 1;
const PAGE = 4096;
const NO_INSTANCE = 0xffff;

const HEAD = {
  magic: 0,
  version: 8,
  uid: 16,
  pid: 20,
  startTicks: 24,
  pidNamespace: 32,
  partition: 56,
  segment: 60,
  workers: 64,
  probe: 68,
  startedAt: 72,
  detName: 80,
  instance: 304,
  size: 1024,
} as const;
const NAME_BYTES = 222;
const RECORD = { key: 0, id: 4, state: 8, bytes: 16, size: 24 } as const;
/** Kinds 0 to 3. */
export const RECORDS_PER_WORKER = 4;

/** A record's object: not there, about to be made, made. */
export const STATE = { none: 0, pending: 1, made: 2 } as const;

export interface RegistryHead {
  uid: number;
  owner: Owner;
  identity: IpcIdentity;
  workers: number;
  probe: number;
  /** Seconds since 1970. */
  startedAt: number;
}

export interface ObjectRecord {
  worker: number;
  kind: number;
  key: number;
  id: number;
  state: number;
  bytes: number;
}

/** Size of the registry for so many workers. */
export function registryBytes(workers: number): number {
  return Math.ceil((HEAD.size + workers * RECORDS_PER_WORKER * RECORD.size) / PAGE) * PAGE;
}

/** Fills a zeroed registry. The magic comes last: whoever sees it sees everything. */
export function writeHead(bytes: Buffer, head: RegistryHead): void {
  const { owner, identity } = head;
  bytes.writeUInt32LE(LAYOUT_VERSION, HEAD.version);
  bytes.writeUInt32LE(head.uid, HEAD.uid);
  bytes.writeUInt32LE(owner.pid, HEAD.pid);
  bytes.writeBigUInt64LE(BigInt(owner.startTicks), HEAD.startTicks);
  bytes.writeBigUInt64LE(BigInt(owner.pidNamespace), HEAD.pidNamespace);
  bytes.writeUInt32LE(identity.partition, HEAD.partition);
  bytes.writeUInt32LE(identity.segment, HEAD.segment);
  bytes.writeUInt32LE(head.workers, HEAD.workers);
  bytes.writeUInt32LE(head.probe, HEAD.probe);
  bytes.writeDoubleLE(head.startedAt, HEAD.startedAt);
  writeName(bytes, HEAD.detName, identity.detName);
  writeName(bytes, HEAD.instance, identity.instance);
  MAGIC.copy(bytes, HEAD.magic);
}

/** The head of a registry, or undefined if the bytes are none (or one of another layout version). */
export function readHead(bytes: Buffer): RegistryHead | undefined {
  if (bytes.length < HEAD.size || !bytes.subarray(HEAD.magic, MAGIC.length).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(HEAD.version) !== LAYOUT_VERSION) return undefined;
  const workers = bytes.readUInt32LE(HEAD.workers);
  const detName = readName(bytes, HEAD.detName);
  if (detName === undefined || registryBytes(workers) > bytes.length) return undefined;
  return {
    uid: bytes.readUInt32LE(HEAD.uid),
    owner: {
      pid: bytes.readUInt32LE(HEAD.pid),
      startTicks: Number(bytes.readBigUInt64LE(HEAD.startTicks)),
      pidNamespace: Number(bytes.readBigUInt64LE(HEAD.pidNamespace)),
    },
    identity: {
      partition: bytes.readUInt32LE(HEAD.partition),
      detName,
      segment: bytes.readUInt32LE(HEAD.segment),
      instance: readName(bytes, HEAD.instance),
    },
    workers,
    probe: bytes.readUInt32LE(HEAD.probe),
    startedAt: bytes.readDoubleLE(HEAD.startedAt),
  };
}

/** True if the magic, which is written last, is not there yet: its maker has just made it, or died right then. */
export function isBlank(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).every((byte) => byte === 0);
}

export function writeRecord(bytes: Buffer, record: ObjectRecord): void {
  const at = recordAt(record.worker, record.kind);
  bytes.writeUInt32LE(record.key, at + RECORD.key);
  bytes.writeInt32LE(record.id, at + RECORD.id);
  bytes.writeBigUInt64LE(BigInt(record.bytes), at + RECORD.bytes);
  bytes.writeUInt32LE(record.state, at + RECORD.state);
}

/** The records that are in use. */
export function readRecords(bytes: Buffer, workers: number): ObjectRecord[] {
  const records: ObjectRecord[] = [];
  for (let worker = 0; worker < workers; worker++) {
    for (let kind: number = KIND.queueToWorker; kind <= KIND.resultSegment; kind++) {
      const at = recordAt(worker, kind);
      const state = bytes.readUInt32LE(at + RECORD.state);
      if (state === STATE.none) continue;
      records.push({
        worker,
        kind,
        state,
        key: bytes.readUInt32LE(at + RECORD.key),
        id: bytes.readInt32LE(at + RECORD.id),
        bytes: Number(bytes.readBigUInt64LE(at + RECORD.bytes)),
      });
    }
  }
  return records;
}

function recordAt(worker: number, kind: number): number {
  return HEAD.size + (worker * RECORDS_PER_WORKER + kind) * RECORD.size;
}

function writeName(bytes: Buffer, at: number, name: string | undefined): void {
  bytes.writeUInt16LE(name === undefined ? NO_INSTANCE : Buffer.byteLength(name), at);
  if (name !== undefined) bytes.write(name, at + 2, NAME_BYTES, 'utf8');
}

function readName(bytes: Buffer, at: number): string | undefined {
  const length = bytes.readUInt16LE(at);
  return length > NAME_BYTES ? undefined : bytes.toString('utf8', at + 2, at + 2 + length);
}
