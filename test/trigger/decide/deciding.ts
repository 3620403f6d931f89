/** Deciders with real processes, and events for them. */

import { ANSWER_FLAG, EventBatch } from '../../../lib/trigger/decide/batch.ts';
import { type DeciderLimits, type DeciderProgram, makeDecider } from '../../../lib/trigger/decide/make.ts';
import type { Decider, DeciderSetup } from '../../../lib/trigger/decide/types.ts';
import { contributionBytes, EbDgram, eventEnv } from '../../../lib/trigger/wire/eb-dgram.ts';
import type { Scenario } from '../scenarios.ts';

export const SETUP: DeciderSetup = {
  common: 0,
  id: 0,
  drps: [
    { id: 0, alias: 'timing_0', rog: 0, buffers: 16, kind: 'tmo' },
    { id: 1, alias: 'andor_0', rog: 0, buffers: 16 },
    { id: 2, alias: 'slow_0', rog: 1, buffers: 16 },
  ],
  mebs: [
    { id: 0, alias: 'ami-meb0', buffers: 8 },
    { id: 2, alias: 'usr-meb2', buffers: 8 },
  ],
};

export const LIMITS: DeciderLimits = { onError: 'record', restarts: 5, timeoutMs: 20_000, startTimeoutMs: 60_000 };

export interface Made {
  decider: Decider;
  /** What it said. */
  log: string[];
}

/** A decider that is configured. */
export async function started(
  program: DeciderProgram,
  { setup = SETUP, body = {}, ...limits }: Partial<DeciderLimits> & { setup?: DeciderSetup; body?: unknown } = {},
): Promise<Made> {
  const log: string[] = [];
  const decider = await makeDecider(setup, program, { ...LIMITS, ...limits }, (text) => log.push(text));
  await decider.configure(body);
  return { decider, log };
}

/** Starts, decides about all events in batches, stops. */
export async function decideAll(
  program: DeciderProgram,
  events: readonly EventRecords[],
  options: Parameters<typeof started>[1] & { batch?: number } = {},
): Promise<Decided> {
  const { decider, log } = await started(program, options);
  try {
    const answers = await decideEvents(decider, events, options.batch);
    return { ...answers, log, decider };
  } finally {
    await decider.stop();
  }
}

/** An event for a decider: whole records, in order of source. */
export interface EventRecords {
  pid: number;
  records: Buffer[];
}

export interface Decided {
  data: number[];
  forced: number[];
  rejected: number[];
  log: string[];
  decider: Decider;
}

export async function decideEvents(
  decider: Decider,
  events: readonly EventRecords[],
  size = 64,
): Promise<Omit<Decided, 'log' | 'decider'>> {
  const batches: EventBatch[] = [];
  for (const [i, { pid, records }] of events.entries()) {
    if (i % size === 0) batches.push(new EventBatch(size));
    const batch = batches.at(-1)!;
    batch.begin(pid, 0);
    for (const record of records) batch.contribution(record, 0, record.length);
  }
  await Promise.all(batches.map((batch) => decider.decide(batch)));
  const data = batches.flatMap((batch) => [...batch.data.subarray(0, batch.count)]);
  const flags = batches.flatMap((batch) => [...batch.flags.subarray(0, batch.count)]);
  return {
    data,
    forced: positions(flags, ANSWER_FLAG.forced),
    rejected: positions(flags, ANSWER_FLAG.primitiveRejected),
  };
}

function positions(flags: readonly number[], bit: number): number[] {
  return flags.flatMap((flag, i) => (flag & bit ? [i] : []));
}

/** Payloads by source. */
export function event(pid: number, payloads: Readonly<Record<number, Buffer>>, rogs = 1): EventRecords {
  const records = Object.entries(payloads).map(([src, payload]) =>
    contributionBytes(
      { pid, seconds: 1000, nanoseconds: pid % 1_000_000_000, env: eventEnv(rogs, 12), src: Number(src) },
      payload,
    ),
  );
  return { pid, records };
}

export function tmo(write: number, monitor = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32LE(write, 0);
  payload.writeUInt32LE(monitor, 4);
  return payload;
}

/** A TPRM frame; JSON unless another codec is given. */
export function tprm(value: unknown, { codec = 1, version = 0, schema = 0 } = {}): Buffer {
  const data = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(12);
  head.write('TPRM');
  head.writeUInt8(codec, 4);
  head.writeUInt8(version, 5);
  head.writeUInt16LE(schema, 6);
  head.writeUInt32LE(data.length, 8);
  return Buffer.concat([head, data]);
}

/** Events with pid 1000 and on; `write` of source 0 counts from 0. */
export function countedEvents(count: number): EventRecords[] {
  return Array.from({ length: count }, (_, i) => event(1000 + i, { 0: tmo(i), 1: tmo(7 * i) }));
}

/** All L1Accepts of a scenario, as an event builder would hand them on. */
export function eventsOf(scenario: Scenario): EventRecords[] {
  const events = new Map<number, EventRecords>();
  const cursor = new EbDgram();
  for (const { id } of [...scenario.config.drps].sort((a, b) => a.id - b.id)) {
    for (const record of scenario.contributions(id)) {
      cursor.move(record, 0, record.length);
      if (!cursor.isL1) continue;
      const one = events.get(cursor.pid) ?? { pid: cursor.pid, records: [] };
      one.records.push(record);
      events.set(cursor.pid, one);
    }
  }
  return [...events.values()].sort((a, b) => a.pid - b.pid);
}

export function setupOf({ config }: Scenario): DeciderSetup {
  const drps = config.drps.map(({ id, alias, rog, payload }) => ({ id, alias, rog, buffers: 64, kind: payload }));
  return { common: config.common, id: 0, drps, mebs: config.mebs } as DeciderSetup;
}
