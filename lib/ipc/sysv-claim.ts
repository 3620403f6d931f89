/** Taking a key for a set of System V objects: sixteen keys, two fences, and nothing of a living owner touched (docs/ipc.md, rules). */

import { IpcError, listSysvMemory } from 'posix-ipc-shim';
import { effectiveUid } from '../cli/runtime-folder.ts';
import { DaqError } from '../errors.ts';
import { identityHash, KIND, MAX_PROBES, parseKey, sameIdentity, showIdentity, showKey } from './keys.ts';
import { Lease } from './lease.ts';
import { alreadyServed, ownerLives, thisProcess } from './owner.ts';
import { type FoundRegistry, lookAt, Registry, readRegistry, reap, registryKey, type Standing } from './registry.ts';
import type { IpcIdentity } from './types.ts';
import { waitFor } from './waiting.ts';

const LOCK_TRIES = 400;
const LOCK_PAUSE_MS = 5;
const BLANK_TRIES = 50;
const BLANK_PAUSE_MS = 2;

export interface Claim {
  registry: Registry;
  /** 12-bit hash, probe included. */
  hash: number;
  staleRemoved: number;
}

/** Opens what belongs to a claim, or returns what stands in the way under one of its keys. */
export type Furnish<T> = (claim: Claim) => T | { standsInTheWay: string };

/**
 * Takes a key for an identity and fills it. Keys where something else stands are passed over.
 * @throws DaqError `already-served`, `ipc-refused` when all 16 keys are taken; IpcError
 */
export function claimKey<T extends object>(identity: IpcIdentity, workers: number, furnish: Furnish<T>): T {
  const lock = takeLock(identity);
  try {
    lock.write({ transport: 'sysv', identity, workers, startedAt: Date.now() / 1000, names: [] });
    return claimUnderLock(identity, workers, furnish, lock.previous?.owner.pid);
  } finally {
    lock.close();
  }
}

function claimUnderLock<T extends object>(
  identity: IpcIdentity,
  workers: number,
  furnish: Furnish<T>,
  diedStarting: number | undefined,
): T {
  const uid = effectiveUid();
  const hash = identityHash(uid, identity);
  const otherInstances = reapInstances(identity);
  const { free, taken, staleRemoved } = survey(identity, hash, diedStarting);
  for (const probe of free) {
    const key = registryKey(identity.partition, hash + probe);
    const head = { uid, owner: thisProcess(), identity, workers, probe, startedAt: Date.now() / 1000 };
    const registry = createIfFree(key, head);
    if (registry === undefined) {
      const standing = settled(key);
      if (isOurs(standing, identity)) throw served(standing);
      taken.push(describeStanding(key, standing));
      continue;
    }
    const result = furnish({ registry, hash: hash + probe, staleRemoved: otherInstances + staleRemoved });
    if (!('standsInTheWay' in result)) return result;
    taken.push(result.standsInTheWay);
  }
  const where = `${showKey(registryKey(identity.partition, hash))} and the ${MAX_PROBES - 1} after it`;
  throw new DaqError(
    'ipc-refused',
    `no free System V key for ${showIdentity(identity)} (${where}): ${taken.join('; ')}. Remove what is not needed ("ipc-ls --all", "ipc-rm KEY"), give an --instance, or use --ipc pipe`,
  );
}

/** Which keys are free, after what a dead owner of the same identity left has been removed. @throws DaqError `already-served` */
function survey(identity: IpcIdentity, hash: number, diedStarting: number | undefined) {
  const free: number[] = [];
  const taken: string[] = [];
  let staleRemoved = 0;
  for (let probe = 0; probe < MAX_PROBES; probe++) {
    const key = registryKey(identity.partition, hash + probe);
    const standing = settled(key, diedStarting);
    if (isOurs(standing, identity)) {
      if (ownerLives(standing.head.owner, standing.status.attached > 0)) throw served(standing);
      staleRemoved += reap(standing);
    } else if (
      standing.kind === 'blank' &&
      standing.status.creatorPid === diedStarting &&
      standing.status.attached === 0
    ) {
      staleRemoved += reap({ ...standing, head: NOBODY, records: [] });
    } else if (standing.kind !== 'nothing') {
      taken.push(describeStanding(key, standing));
      continue;
    }
    free.push(probe);
  }
  return { free, taken, staleRemoved };
}

/**
 * Removes what dead owners of the same detector segment left under other instances: an instance may be made of a process id, and then
 * nobody would ever start with the same one again. Other detectors are left to their own next start, or to `ipc-rm`.
 */
function reapInstances(identity: IpcIdentity): number {
  const { partition, detName, segment } = identity;
  let removed = 0;
  for (const { id, key } of listSysvMemory()) {
    const parts = parseKey(key);
    if (parts?.kind !== KIND.registry || parts.partition !== partition) continue;
    const found = readRegistry(id);
    if (found.kind !== 'registry' || found.head.uid !== effectiveUid() || sameIdentity(found.head.identity, identity))
      continue;
    const its = found.head.identity;
    if (its.partition !== partition || its.detName !== detName || its.segment !== segment) continue;
    if (!ownerLives(found.head.owner, found.status.attached > 0)) removed += reap(found);
  }
  return removed;
}

/** A blank segment has no owner in it, and no records. */
const NOBODY: FoundRegistry['head'] = {
  uid: -1,
  owner: { pid: 0, startTicks: 0, pidNamespace: 0 },
  identity: { partition: 0, detName: '', segment: 0 },
  workers: 0,
  probe: 0,
  startedAt: 0,
};

function isOurs(standing: Standing, identity: IpcIdentity): standing is Standing & { kind: 'registry' } {
  return (
    standing.kind === 'registry' &&
    standing.head.uid === effectiveUid() &&
    sameIdentity(standing.head.identity, identity)
  );
}

function served({ head, status }: FoundRegistry): DaqError {
  const note = ownerLives(head.owner, false) ? '' : `in another container; ${status.attached} attached`;
  return alreadyServed(head.identity.partition, showIdentity(head.identity), head.owner.pid, note);
}

/** What stands there, after a maker who lives has had a moment to write it (one that the lock does not reach: another /tmp). */
function settled(key: number, diedStarting?: number): Standing {
  const isSettled = (standing: Standing) =>
    standing.kind !== 'blank' || standing.status.attached === 0 || standing.status.creatorPid === diedStarting;
  const look = () => {
    const standing = lookAt(key);
    return isSettled(standing) ? standing : undefined;
  };
  return waitFor(look, BLANK_TRIES, BLANK_PAUSE_MS) ?? lookAt(key);
}

function createIfFree(key: number, head: Parameters<typeof Registry.create>[1]): Registry | undefined {
  try {
    return Registry.create(key, head);
  } catch (error) {
    if (isTaken(error)) return undefined;
    throw error;
  }
}

/** Whether the kernel said that something stands under the key already (EACCES: another user's). */
export function isTaken(error: unknown): boolean {
  return error instanceof IpcError && (error.code === 'EEXIST' || error.code === 'EACCES');
}

function describeStanding(key: number, standing: Standing): string {
  if (standing.kind === 'registry') {
    const { identity, owner, uid } = standing.head;
    return `${showKey(key)} is ${showIdentity(identity)} of user ${uid}, pid ${owner.pid}`;
  }
  if (standing.kind === 'nothing') return `${showKey(key)} was taken and given back`;
  const { status } = standing;
  return `${showKey(key)} is a segment of ${status ? `user ${status.uid}, made by pid ${status.creatorPid}` : 'another user'}, in no registry`;
}

/** Starts with the same identity queue up for a moment; one that runs holds no lock. */
function takeLock(identity: IpcIdentity): Lease {
  const name = `p${identity.partition}_${showIdentity(identity)}`;
  const lock = waitFor(() => Lease.tryTake('sysv', name), LOCK_TRIES, LOCK_PAUSE_MS);
  if (lock) return lock;
  throw new DaqError(
    'already-served',
    `another process has been starting ${showIdentity(identity)} in partition ${identity.partition} for ${(LOCK_TRIES * LOCK_PAUSE_MS) / 1000} s`,
  );
}
