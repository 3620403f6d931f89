/** The wire protocol of the shared-memory monitor: names, sizes and the one message (spec live.md, "Wire protocol"). Values only. */

import { UsageError } from '../errors.ts';

/** Behind the event buffers, one after the other. */
export const TRANSITION_BUFFERS = 18;
/** The count of all buffers has eight bits. */
export const MAX_EVENT_BUFFERS = 0xff - TRANSITION_BUFFERS;
/** The count of queues has eight bits, and every client has two. */
export const MAX_CLIENTS = 127;
export const MAX_BUFFER_BYTES = 0x0fffffff;
export const MESSAGE_BYTES = 16;
/** Ports are tried from here upwards. */
export const FIRST_PORT = 32_768;
export const LOOPBACK = '127.0.0.1';
/** Messages that fit into the discovery queue. */
export const DISCOVERY_MESSAGES = 2;

/** What a message says beside the index. */
export interface Layout {
  /** Event buffers. */
  events: number;
  /** Queues of clients. */
  queues: number;
  /** The queue that events are returned to; 0 in serial order, where it is the one after the client's own. */
  returnQueue: number;
  /** Bytes of one buffer. */
  bufferBytes: number;
}

/** @param index buffer, client number or port */
export function encodeMessage(index: number, { events, queues, returnQueue, bufferBytes }: Layout): Buffer {
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.writeInt32LE(index, 0);
  message.writeInt32LE((events + TRANSITION_BUFFERS) | (queues << 8) | (returnQueue << 16), 4);
  message.writeUInt32LE(bufferBytes, 8);
  return message;
}

/** The index, or port, or number of a message that begins at `at`. */
export function indexOf(message: Buffer, at = 0): number {
  return message.readInt32LE(at);
}

/** The rest of a message. */
export function layoutOf(message: Buffer): Layout {
  const counts = message.readInt32LE(4);
  return {
    events: (counts & 0xff) - TRANSITION_BUFFERS,
    queues: (counts >>> 8) & 0xff,
    returnQueue: (counts >>> 16) & 0xff,
    bufferBytes: message.readUInt32LE(8) & MAX_BUFFER_BYTES,
  };
}

/** The queue that a client returns events to. */
export function returnQueueOf(client: number, { returnQueue }: Layout): number {
  return returnQueue === 0 ? client + 1 : returnQueue;
}

export const segmentName = (tag: string) => `/PdsMonitorSharedMemory_${tag}`;
export const discoveryName = (tag: string) => `/PdsFromMonitorDiscovery_${tag}`;
export const queueName = (tag: string, queue: number) => `/PdsToMonitorEvQueue_${tag}_${queue}`;

/** The kernel's limit for a name, less our longest prefix, a number, and room. */
const MAX_TAG_BYTES = 200;

/** @throws UsageError if a tag cannot stand in a name */
export function checkTag(tag: string): string {
  if (tag === '' || tag.includes('/') || tag.includes('\0') || Buffer.byteLength(tag) > MAX_TAG_BYTES) {
    throw new UsageError(`"${tag}" is no tag: 1 to ${MAX_TAG_BYTES} bytes without "/"`);
  }
  return tag;
}
