/** POSIX objects: names that are known, leases that explain them, processes that have them open. */

import { fstatSync } from 'node:fs';
import { IpcError, listPosixMemory, listPosixQueues, type NamedObject, PosixQueue } from 'posix-ipc-shim';
import { effectiveUid } from '../../cli/runtime-folder.ts';
import { allLeases, type LeaseText } from '../lease.ts';
import { commandOf, ownerLives } from '../owner.ts';
import { parseName, queuesBeside } from '../posix-names.ts';
import { headOf, type ObjectUsers, queueUsers, segmentUsers } from '../processes.ts';
import type { ListedObject, Listing } from './types.ts';

/** What has been found of one object before it is explained. */
interface Found extends NamedObject {
  type: ListedObject['type'];
  size: number;
  messages: number | undefined;
}

/** All POSIX segments, and all queues that can be found. @throws IpcError */
export function listPosix(now: number): Listing {
  const leases = leasesByName();
  const users = { segment: segmentUsers(), queue: queueUsers() };
  const segments: Found[] = listPosixMemory().map((entry) => ({ ...entry, type: 'segment', messages: undefined }));
  const { queues, notes } = findQueues(segments, leases, users.queue);
  const objects = [...segments, ...queues].map((found) =>
    entryOf(found, leases.get(found.name), users[found.type].get(found.name) ?? [], now),
  );
  return { objects, notes };
}

function leasesByName(): Map<string, LeaseText> {
  return new Map(allLeases().flatMap(({ text }) => text.names.map((name) => [name, text] as const)));
}

/** From the mounted file system; where it is not mounted, by the names that segments, leases and processes give away. */
function findQueues(segments: readonly Found[], leases: ReadonlyMap<string, LeaseText>, users: ObjectUsers) {
  const { mountPoint, queues } = listPosixQueues();
  if (mountPoint !== undefined) {
    const found = queues.map(
      ({ bytes, ...entry }): Found => ({ ...entry, type: 'queue', size: bytes, messages: undefined }),
    );
    return { queues: found, notes: [] };
  }
  const names = [...segments.flatMap(({ name }) => queuesBeside(name)), ...leases.keys(), ...users.keys()];
  const found = [...new Set(names)]
    .filter((name) => parseName(name)?.type === 'queue')
    .flatMap((name) => openQueue(name) ?? []);
  const note =
    'the mqueue file system is not mounted, so the kernel lists no POSIX queues; shown are those beside a segment, in a lease, or open in a process (mount -t mqueue none /dev/mqueue shows all)';
  return { queues: found, notes: [note] };
}

/** A queue by its name; undefined if there is none, or one that may not be opened. */
function openQueue(name: string): Found | undefined {
  try {
    using queue = PosixQueue.open(name, { access: 'read' });
    const { uid, gid, mode, ctimeMs } = fstatSync(queue.fd);
    const { messages } = queue;
    const size = messages === 0 ? 0 : Number.NaN;
    return { type: 'queue', name, uid, gid, mode: mode & 0o777, changeTime: ctimeMs / 1000, size, messages };
  } catch (error) {
    if (error instanceof IpcError) return undefined;
    throw error;
  }
}

function entryOf(found: Found, lease: LeaseText | undefined, pids: readonly number[], now: number): ListedObject {
  const known = parseName(found.name);
  const { type, name, uid, mode, size, messages, changeTime } = found;
  return {
    family: 'posix',
    type,
    origin: lease ? 'daqpipe' : known ? 'named' : 'foreign',
    kind: known?.kind ?? type,
    uid,
    mode,
    size,
    messages,
    attached: pids.length,
    ageSeconds: now - changeTime,
    partition: known?.partition,
    detector: known?.detector,
    segment: known?.segment,
    instance: undefined,
    worker: known?.worker,
    key: undefined,
    id: undefined,
    name,
    ...(lease ? leased(lease) : used(pids, uid)),
  };
}

function leased({ owner }: LeaseText): Pick<ListedObject, 'state' | 'owner'> {
  const alive = ownerLives(owner, true);
  return {
    state: alive ? 'alive' : 'orphaned',
    owner: { pid: owner.pid, command: alive ? commandOf(owner.pid) : undefined },
  };
}

/** Without lease its users are all that can be seen, and those of other users' objects only by root. */
function used(pids: readonly number[], uid: number): Pick<ListedObject, 'state' | 'owner'> {
  const pid = headOf(pids);
  if (pid !== undefined) return { state: 'alive', owner: { pid, command: commandOf(pid) } };
  const all = uid === effectiveUid() || effectiveUid() === 0;
  return { state: all ? 'orphaned' : 'unknown', owner: undefined };
}
