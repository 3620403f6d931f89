/** Streams of a detector process for tests of the trigger chain: dgrams with and without pulse ids, and their decisions. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { data, dgram, names, shapesData, u32 } from '../xtc/raw.ts';
import { type ResultParts, resultBytes } from './result-bytes.ts';

export const L1 = 12;
const TRANSITIONS = [2, 4, 6, 8];
const FIRST_PID = 1_000_000;
const STEP = 100;

export interface Event {
  pid: number;
  svc: number;
  rogs: number;
  /** Without a pid word. */
  dgram: Buffer;
}

interface RunParts {
  /** Number of the detector process. */
  src?: number;
  rogs?: number;
  /** Of its descriptions. */
  node?: number;
  detector?: string;
  /** Bytes of raw data. */
  padding?: number;
  /** Only every so many pulses. */
  every?: number;
}

/** A folder of its own, removed at the end of the test. */
export function scratch(t: { teardown(undo: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'trigger-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Configure, BeginRun, BeginStep, Enable, then `count` L1Accepts; every event has one number, its own.
 */
export function detectorRun(
  count: number,
  { src = 0, rogs = 1, node = src, detector = `det${src}`, padding = 0, every = 1 }: RunParts = {},
): Event[] {
  const id = node << 8;
  const described = names([{ name: 'n', type: 2 }, ...(padding > 0 ? [{ name: 'raw', type: 0, rank: 1 }] : [])], {
    id,
    det: detector,
  });
  const at = (index: number) => FIRST_PID + index * STEP;
  const make = (index: number, svc: number, groups: number, ...children: Buffer[]): Event => {
    const pid = at(index);
    return { pid, svc, rogs: groups, dgram: dgram({ ...timeOf(pid), env: (svc << 24) | groups, src }, ...children) };
  };
  const events = TRANSITIONS.map((svc, i) => (svc === 2 ? make(i, svc, 0xff, described) : make(i, svc, 0xff)));
  for (let i = 0; i < count; i++) {
    if (i % every !== 0) continue;
    const fields = padding > 0 ? [paddingShapes(padding), data(u32(i), Buffer.alloc(padding, i))] : [data(u32(i))];
    events.push(make(TRANSITIONS.length + i, L1, rogs, shapesData(fields, id)));
  }
  return events;
}

function paddingShapes(bytes: number): Buffer {
  const block = Buffer.alloc(12 + 20);
  block.writeUInt16LE(2, 6);
  block.writeUInt32LE(block.length, 8);
  block.writeUInt32LE(bytes, 12);
  return block;
}

/** As dgram times carry pulse ids: the first nanosecond of the pulse. */
function timeOf(pid: number): { sec: number; nsec: number } {
  const nanoseconds = (BigInt(pid) * 14_000n + 12n) / 13n;
  return { sec: Number(nanoseconds / 1_000_000_000n), nsec: Number(nanoseconds % 1_000_000_000n) };
}

export function asXtc(events: readonly Event[]): Buffer {
  return Buffer.concat(events.map((event) => event.dgram));
}

/** With pid words in front. */
export function asRecords(events: readonly Event[]): Buffer {
  return Buffer.concat(events.flatMap(({ pid, dgram }) => [u32(pid % 2 ** 32, Math.floor(pid / 2 ** 32)), dgram]));
}

/** What a decider says about them; `decide` for each L1Accept, in order. */
export function decisions(
  events: readonly Event[],
  decide: (index: number) => Partial<ResultParts> | undefined,
): Buffer[] {
  let index = 0;
  return events.flatMap(({ pid, svc, rogs }) => {
    const decided = svc === L1 ? decide(index++) : {};
    return decided === undefined ? [] : [resultBytes({ pid, svc, rogs, ...decided })];
  });
}

/** A stream for meb-route: every L1Accept with the buffer word that `wordOf` gives it. @param receiver source of the records */
export function monStream(events: readonly Event[], wordOf: (index: number) => number, receiver: number): Buffer {
  return Buffer.concat(
    events.flatMap((event) => {
      const record = asRecords([event]);
      record.writeUInt32LE(receiver, 8 + 12);
      return [u32(event.svc === L1 ? wordOf(pulseOf(event)) : 0), record];
    }),
  );
}

/** Number of the pulse of an L1Accept. */
function pulseOf({ pid }: Event): number {
  return (pid - FIRST_PID) / STEP - TRANSITIONS.length;
}
