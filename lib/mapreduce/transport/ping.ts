/**
 * What a worker sends to each ingester on connecting and every 2 s (spec mapreduce.md 6.1): its service uuid, 16 bytes. To ingesters of
 * ours a second part says at once whom they speak with, so that nothing hangs on whether a configuration is in Redis already.
 */

import { isOurs } from '../redis/configs.ts';
import { BadRecord, parseFields } from '../redis/fields.ts';
import { uuidBytes } from '../redis/parameters.ts';

const UUID_BYTES = 16;

export interface Ping {
  /** Service uuid, with dashes. */
  readonly uuid: string;
  /** The worker is one of ours. */
  readonly ours: boolean;
  /** Shared memory of the ingester that the worker has open. */
  readonly frames: string | undefined;
}

/**
 * @param ours the ingester is one of ours; one of the reference gets what it knows
 * @param frames its shared memory, if it could be opened
 */
export function pingParts(serviceUuid: string, ours: boolean, frames?: string): (Buffer | string)[] {
  const uuid = uuidBytes(serviceUuid);
  return ours ? [uuid, JSON.stringify({ impl: 'daqpipe', protocol: 1, ...(frames ? { frames } : {}) })] : [uuid];
}

/** @returns undefined for what is no ping. A second part that nobody understands leaves a peer of the reference. */
export function readPing([uuid, more]: readonly Buffer[]): Ping | undefined {
  if (uuid?.length !== UUID_BYTES) return undefined;
  return { uuid: uuidText(uuid), ...(more === undefined ? REFERENCE : saysOf(more.toString())) };
}

const REFERENCE = { ours: false, frames: undefined } as const;

function saysOf(text: string): Omit<Ping, 'uuid'> {
  try {
    const { impl, protocol, frames } = parseFields(text, 'the second part of a ping');
    if (impl !== 'daqpipe' || typeof protocol !== 'number' || !isOurs({ impl, protocol })) return REFERENCE;
    return { ours: true, frames: typeof frames === 'string' ? frames : undefined };
  } catch (error) {
    if (error instanceof BadRecord) return REFERENCE;
    throw error;
  }
}

/** A uuid with dashes. */
function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
