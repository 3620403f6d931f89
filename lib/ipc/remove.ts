/** `ipc-rm`: which objects go and which stay, as a pure decision; then the deed, which looks again before it removes. */

import { fstatSync } from 'node:fs';
import { FileLock, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import { explain } from './kernel-limits.ts';
import { KIND, parseKey, showKey } from './keys.ts';
import { allLeases, leasePath } from './lease.ts';
import type { ListedObject } from './listing/types.ts';
import { ownerLives } from './owner.ts';
import { baseName } from './posix-names.ts';
import { unlink } from './posix-set.ts';

export interface RemovalRequest {
  /** Keys (`0x632310a2` or decimal) and names; empty for whatever the options select. */
  targets: readonly string[];
  uid: number;
  partition: number | undefined;
  /** Also what only its key tells, if nobody uses it. */
  allMine: boolean;
  /** Also what a living owner has. */
  force: boolean;
}

export interface Decision {
  object: ListedObject;
  remove: boolean;
  /** Why it goes or stays: `its owner, pid 12, is gone`. */
  why: string;
}

/** Decides about every object that the request is about; others are left out. */
export function decide(objects: readonly ListedObject[], request: RemovalRequest): Decision[] {
  return objects
    .filter((object) => isMeant(object, objects, request))
    .map((object) => ({ object, ...judge(object, request) }));
}

/** The targets that match no object. */
export function unmatched(objects: readonly ListedObject[], { targets }: RemovalRequest): string[] {
  return targets.filter((target) => !objects.some((object) => matches(object, target)));
}

/** `0x632310a2`, or the name; the id for what has no key (any more). */
export function labelOf({ key, id, name, type }: ListedObject): string {
  if (name !== undefined) return name;
  return key === 0 || key === undefined ? `${type} id ${id}` : showKey(key);
}

function isMeant(object: ListedObject, objects: readonly ListedObject[], request: RemovalRequest): boolean {
  if (request.partition !== undefined && object.partition !== request.partition) return false;
  if (request.targets.length > 0) {
    return request.targets.some((target) => matches(object, target) || matchesSet(object, objects, target));
  }
  if (object.uid !== request.uid || object.origin === 'foreign') return false;
  return object.origin !== 'unlisted' || request.allMine;
}

function matches({ key, name }: ListedObject, target: string): boolean {
  if (name !== undefined) return name === (target.startsWith('/') ? target : `/${target}`);
  return key !== undefined && key !== 0 && /^(0x[0-9a-f]+|\d+)$/i.test(target) && Number(target) === key;
}

/** The key of a registry stands for everything that it lists. */
function matchesSet(object: ListedObject, objects: readonly ListedObject[], target: string): boolean {
  if (object.origin !== 'daqpipe' || object.family !== 'sysv') return false;
  const registry = objects.find((other) => isRegistry(other) && other.origin === 'daqpipe' && matches(other, target));
  return registry !== undefined && setOf(registry) === setOf(object);
}

function isRegistry({ family, key }: ListedObject): boolean {
  return family === 'sysv' && key !== undefined && parseKey(key)?.kind === KIND.registry;
}

function setOf({ uid, partition, detector, segment, instance, owner }: ListedObject): string {
  return JSON.stringify([uid, partition, detector, segment, instance, owner?.pid]);
}

function judge({ state, owner, attached }: ListedObject, request: RemovalRequest): Omit<Decision, 'object'> {
  const who =
    owner === undefined ? '' : `, pid ${owner.pid}${owner.command === undefined ? '' : ` (${owner.command})`},`;
  if (state === 'orphaned') {
    return { remove: true, why: owner ? `its owner, pid ${owner.pid}, is gone` : 'nobody has it open' };
  }
  if (state === 'alive') {
    return request.force
      ? { remove: true, why: `by force: its owner${who} lives` }
      : { remove: false, why: `its owner${who} lives; --force removes it all the same` };
  }
  const asked = request.targets.length > 0 || request.allMine || request.force;
  if (!asked) return { remove: false, why: 'nothing says whether somebody needs it; --all-mine removes it' };
  return { remove: true, why: attached === 0 ? 'nobody has it attached' : 'nobody is known to use it' };
}

export interface Outcome extends Decision {
  /** False also for what was to be removed and could not be; `why` says so. */
  removed: boolean;
}

/** Carries decisions out, registries last, so that an interrupted removal can be repeated. */
export function carryOut(decisions: readonly Decision[]): Outcome[] {
  const lease = new LeaseFence();
  const outcome = new Map<Decision, Outcome>();
  try {
    for (const decision of [...decisions].sort((a, b) => Number(isRegistry(a.object)) - Number(isRegistry(b.object)))) {
      outcome.set(decision, decision.remove ? removeOne(decision, lease) : { ...decision, removed: false });
    }
  } finally {
    lease.close();
  }
  return decisions.map((decision) => outcome.get(decision)!);
}

function removeOne(decision: Decision, fence: LeaseFence): Outcome {
  const { object } = decision;
  const left = (why: string): Outcome => ({ ...decision, removed: false, why });
  try {
    if (object.state !== 'alive' && !fence.covers(object)) return left('a new owner has just taken its name');
    return removeObject(object) ? { ...decision, removed: true } : left('it was gone already');
  } catch (error) {
    const reason = explain(error);
    return left(reason instanceof Error ? reason.message : String(reason));
  }
}

/** Only if id, key and user are still those that were listed. */
function removeObject({ name, id, key, uid, type }: ListedObject): boolean {
  if (name !== undefined) return unlink(name);
  const kernel = type === 'queue' ? SysvQueue : SysvSharedMemory;
  const status = kernel.stat(id!);
  return status.key === key && status.uid === uid && kernel.remove(id!);
}

/** Holds the leases of the names that are being removed, so that nobody starts under them meanwhile. */
class LeaseFence {
  private readonly locks = new Map<string, FileLock | undefined>();

  /** False if a living process holds the lease of this object's name. */
  covers({ family, partition, detector, segment, worker }: ListedObject): boolean {
    if (family !== 'posix' || worker === undefined || partition === undefined || segment === undefined) return true;
    const base = baseName({ partition, detName: detector ?? '', segment });
    if (!this.locks.has(base)) this.locks.set(base, FileLock.tryAcquire(leasePath('posix', base)));
    return this.locks.get(base) !== undefined;
  }

  /** Removes files that only this fence has made; a lease is kept while anything that it lists may be there (`tidyLeases`). */
  close(): void {
    for (const lock of this.locks.values()) lock?.close({ unlink: fstatSync(lock.fd).size === 0 });
  }
}

/** Removes lease files whose owner is dead and whose names are all gone. @returns how many */
export function tidyLeases(objects: readonly ListedObject[]): number {
  const there = new Set(objects.map(({ name }) => name));
  let removed = 0;
  for (const { path, text } of allLeases()) {
    if (ownerLives(text.owner, true) || text.names.some((name) => there.has(name))) continue;
    const lock = FileLock.tryAcquire(path);
    lock?.close({ unlink: true });
    if (lock) removed++;
  }
  return removed;
}
