/** System V objects: the kernel's tables, explained by the registries that stand in them. */

import {
  isSameProcess,
  listSysvMemory,
  listSysvQueues,
  processStatus,
  type SysvMemoryStatus,
  type SysvQueueStatus,
} from 'posix-ipc-shim';
import { KIND, parseKey } from '../keys.ts';
import { commandOf, ownerLives } from '../owner.ts';
import { type FoundRegistry, isQueue, readRegistry } from '../registry.ts';
import { type ObjectRecord, STATE } from '../registry-layout.ts';
import type { ListedObject, State } from './types.ts';

const KIND_NAMES: Readonly<Record<number, string>> = {
  [KIND.queueToWorker]: 'queue to worker',
  [KIND.queueFromWorker]: 'queue from worker',
  [KIND.inputSegment]: 'input',
  [KIND.resultSegment]: 'result',
  [KIND.registry]: 'registry',
  [KIND.registryQueue]: 'registry queue',
};

/** What a registry says about one object. */
interface Explained {
  registry: FoundRegistry;
  record: ObjectRecord | undefined;
}

/** All System V objects of this IPC namespace. @throws IpcError where the kernel has none */
export function listSysv(now: number): ListedObject[] {
  const segments = listSysvMemory();
  const queues = listSysvQueues();
  const known = explain(segments);
  return [
    ...segments.map((segment) => segmentEntry(segment, known.get(`segment ${segment.id}`), now)),
    ...queues.map((queue) => queueEntry(queue, known.get(`queue ${queue.id}`), now)),
  ];
}

/** By type and id: segments and queues count their ids separately. */
function explain(segments: readonly SysvMemoryStatus[]): Map<string, Explained> {
  const known = new Map<string, Explained>();
  for (const { id, key } of segments) {
    if (parseKey(key)?.kind !== KIND.registry) continue;
    const found = readRegistry(id);
    if (found.kind !== 'registry') continue;
    known.set(`segment ${id}`, { registry: found, record: undefined });
    for (const record of found.records) {
      if (record.state !== STATE.made) continue;
      known.set(`${isQueue(record.kind) ? 'queue' : 'segment'} ${record.id}`, { registry: found, record });
    }
  }
  return known;
}

function segmentEntry(status: SysvMemoryStatus, explained: Explained | undefined, now: number): ListedObject {
  const { size, attached } = status;
  const own = believed(explained, status);
  return {
    ...common('segment', status, own, now),
    size,
    attached,
    messages: undefined,
    ...(own ? ownership(own) : strangerState(attached > 0, status.creatorPid)),
  };
}

function queueEntry(status: SysvQueueStatus, explained: Explained | undefined, now: number): ListedObject {
  const own = believed(explained, status);
  const users = [status.lastReceiver, status.lastSender].filter((pid) => pid > 0);
  const user = users.find((pid) => processStatus(pid) !== undefined);
  return {
    ...common('queue', status, own, now),
    size: status.bytes,
    messages: status.messages,
    attached: undefined,
    ...(own ? ownership(own) : strangerState(user !== undefined, user ?? 0)),
  };
}

/** A registry is believed about an object only while user and key are those that it recorded; a marked segment has lost its key. */
function believed(explained: Explained | undefined, status: SysvMemoryStatus | SysvQueueStatus): Explained | undefined {
  if (explained === undefined || explained.registry.head.uid !== status.uid) return undefined;
  const { record } = explained;
  const marked = 'markedForRemoval' in status && status.markedForRemoval;
  return record === undefined || status.key === record.key || marked ? explained : undefined;
}

function common(
  type: ListedObject['type'],
  { key, id, uid, mode, changeTime }: SysvMemoryStatus | SysvQueueStatus,
  own: Explained | undefined,
  now: number,
) {
  const parts = parseKey(own?.record?.key ?? key);
  const identity = own?.registry.head.identity;
  const worker =
    own?.record?.worker ?? (own || parts === undefined || parts.kind >= KIND.registry ? undefined : parts.worker);
  return {
    family: 'sysv' as const,
    type,
    origin: own ? ('daqpipe' as const) : parts ? ('unlisted' as const) : ('foreign' as const),
    kind: parts ? (KIND_NAMES[parts.kind] ?? type) : type,
    uid,
    mode,
    ageSeconds: now - changeTime,
    partition: identity?.partition ?? parts?.partition,
    detector: identity?.detName,
    segment: identity?.segment,
    instance: identity?.instance,
    worker,
    key,
    id,
    name: undefined,
  };
}

function ownership({ registry: { head, status } }: Explained): Pick<ListedObject, 'state' | 'owner'> {
  const { pid, startTicks } = head.owner;
  const state: State = ownerLives(head.owner, status.attached > 0) ? 'alive' : 'orphaned';
  return { state, owner: { pid, command: isSameProcess(pid, startTicks) ? commandOf(pid) : undefined } };
}

/** Of an object that nobody describes only its use can be seen. */
function strangerState(used: boolean, pid: number): Pick<ListedObject, 'state' | 'owner'> {
  return { state: used ? 'alive' : 'unknown', owner: pid > 0 ? { pid, command: commandOf(pid) } : undefined };
}
