/** The kernel objects of one tag: segment, discovery queue, two queues per client, and the lease that says whose they are (spec live.md, "Objects"). */

import { listPosixMemory, PosixQueue, PosixSharedMemory } from 'posix-ipc-shim';
import { DaqError } from '../../errors.ts';
import { requireAddon } from '../../ipc/kernel-limits.ts';
import { Lease, leasesOf } from '../../ipc/lease.ts';
import { commandOf, ownerLives } from '../../ipc/owner.ts';
import { unlink } from '../../ipc/posix-set.ts';
import { headOf, segmentUsers } from '../../ipc/processes.ts';
import {
  DISCOVERY_MESSAGES,
  discoveryName,
  type Layout,
  MESSAGE_BYTES,
  queueName,
  segmentName,
  TRANSITION_BUFFERS,
} from '../protocol.ts';
import type { Order } from './event-dealer.ts';
import { checkMemory, explainLive } from './limits.ts';

export interface ObjectOptions {
  tag: string;
  /** Event buffers. */
  buffers: number;
  bufferBytes: number;
  clients: number;
  order: Order;
  /** Permission bits. */
  mode: number;
}

/** How a client's number in the core becomes numbers of the protocol. */
export interface Seat {
  /** What the client is told its number is: the queue it reads. */
  wireNumber: number;
  /** The queue it returns to. */
  returnQueue: number;
  layout: Layout;
}

/** Distributed: queues 0..n-1 to clients, n..2n-1 back. Serial: 2k to client k, and as the protocol says 2k + 1 back. */
export function seatOf(number: number, { buffers, bufferBytes, clients, order }: ObjectOptions): Seat {
  if (order === 'serial') {
    const layout = { events: buffers, queues: 2 * clients, returnQueue: 0, bufferBytes };
    return { wireNumber: 2 * number, returnQueue: 2 * number + 1, layout };
  }
  const returnQueue = clients + number;
  return { wireNumber: number, returnQueue, layout: { events: buffers, queues: clients, returnQueue, bufferBytes } };
}

export interface ClientQueues {
  toClient: PosixQueue;
  fromClient: PosixQueue;
}

const PAGE = 4096;
/** Queue numbers have eight bits. */
const QUEUE_NUMBERS = 256;

export class LiveObjects {
  readonly options: ObjectOptions;
  readonly memory: PosixSharedMemory;
  readonly discovery: PosixQueue;
  /** By client number. */
  readonly queues: ClientQueues[] = [];
  /** Objects of a dead server that were removed. */
  readonly staleRemoved: number;
  private readonly lease: Lease;
  private closed = false;

  /** @throws DaqError `already-served`, `ipc-limit`, `ipc-refused`, `no-native-addon` */
  static make(options: ObjectOptions): LiveObjects {
    requireAddon();
    const lease = takeLease(options.tag);
    // Of a living server nothing may be removed, so this comes first.
    try {
      checkUnleased(options.tag, lease.previous?.names ?? []);
    } catch (error) {
      lease.close();
      throw error;
    }
    try {
      return new LiveObjects(options, lease);
    } catch (error) {
      for (const name of namesOf(options.tag)) unlink(name);
      lease.close();
      throw explainLive(error, options.tag);
    }
  }

  private constructor(options: ObjectOptions, lease: Lease) {
    const { tag, buffers, bufferBytes, clients, mode } = options;
    this.options = options;
    this.lease = lease;
    this.staleRemoved = namesOf(tag).filter(unlink).length;
    const used = new Set(Array.from({ length: clients }, (_, k) => seatOf(k, options)).flatMap(queuesOfSeat(tag)));
    const identity = { partition: 0, detName: tag, segment: 0 };
    lease.write({
      transport: 'posix',
      identity,
      workers: clients,
      names: [segmentName(tag), discoveryName(tag), ...used],
      startedAt: Date.now() / 1000,
    });
    const bytes = Math.ceil(((buffers + TRANSITION_BUFFERS) * bufferBytes) / PAGE) * PAGE;
    checkMemory(bytes);
    // Not reserved: dgrams are mostly smaller than a buffer, and pages that no dgram needs cost nothing. The room has been checked.
    this.memory = PosixSharedMemory.create(segmentName(tag), { size: bytes, mode, reserve: false });
    this.discovery = this.makeQueue(discoveryName(tag), DISCOVERY_MESSAGES, 'both');
    for (let number = 0; number < clients; number++) this.queues.push(this.makeQueues(number));
  }

  /** New queues for a client number: whoever had the old ones cannot reach the next client through them. @throws IpcError; may be tried again */
  renew(number: number): void {
    if (this.closed) return;
    const { toClient, fromClient } = this.queues[number]!;
    for (const queue of [toClient, fromClient]) {
      queue.close();
      PosixQueue.unlink(queue.name);
    }
    this.queues[number] = this.makeQueues(number);
  }

  /** Removes everything. Works twice. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.unlinkSync();
    for (const { toClient, fromClient } of this.queues) {
      toClient.close();
      fromClient.close();
    }
    this.discovery.close();
    this.memory.close();
    this.lease.close();
  }

  /** Removes the names only: for emergencies. */
  unlinkSync(): void {
    const { tag } = this.options;
    for (const name of [segmentName(tag), discoveryName(tag)]) unlink(name);
    for (const { toClient, fromClient } of this.queues) for (const { name } of [toClient, fromClient]) unlink(name);
  }

  private makeQueues(number: number): ClientQueues {
    const { tag, buffers } = this.options;
    const { wireNumber, returnQueue } = seatOf(number, this.options);
    const toClient = this.makeQueue(queueName(tag, wireNumber), buffers, 'both');
    try {
      return { toClient, fromClient: this.makeQueue(queueName(tag, returnQueue), buffers, 'read') };
    } catch (error) {
      toClient.close();
      throw error;
    }
  }

  private makeQueue(name: string, maxMessages: number, access: 'both' | 'read'): PosixQueue {
    return PosixQueue.create(name, { access, maxMessages, messageSize: MESSAGE_BYTES, mode: this.options.mode });
  }
}

function queuesOfSeat(tag: string) {
  return ({ wireNumber, returnQueue }: Seat) => [queueName(tag, wireNumber), queueName(tag, returnQueue)];
}

/** Every name that a server of this tag, ours or the existing one, may have left. */
function namesOf(tag: string): string[] {
  const queues = Array.from({ length: QUEUE_NUMBERS }, (_, queue) => queueName(tag, queue));
  return [segmentName(tag), discoveryName(tag), `/PdsRequestQueue_${tag}`, `/PdsShuffleQueue_${tag}`, ...queues];
}

/** @throws DaqError `already-served` */
function takeLease(tag: string): Lease {
  const name = `monitor_${tag}`;
  const lease = Lease.tryTake('posix', name);
  const holder = leasesOf('posix', name).find(({ owner }) => ownerLives(owner, lease === undefined));
  if (lease !== undefined && holder === undefined) return lease;
  lease?.close();
  throw alreadyServed(tag, holder?.owner.pid);
}

/** The existing system keeps no leases: there only the processes that map its segment tell that it lives. */
function checkUnleased(tag: string, leased: readonly string[]): void {
  const name = segmentName(tag);
  if (leased.includes(name) || !listPosixMemory().some((segment) => segment.name === name)) return;
  const pid = headOf(segmentUsers().get(name) ?? []);
  if (pid !== undefined) throw alreadyServed(tag, pid);
}

function alreadyServed(tag: string, pid: number | undefined): DaqError {
  const who = pid === undefined ? 'another process' : `pid ${pid} (${commandOf(pid) ?? '?'})`;
  return new DaqError('already-served', `tag ${tag} is served already, by ${who}`);
}
