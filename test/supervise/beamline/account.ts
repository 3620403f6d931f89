/**
 * What became of every pulse of a beamline: it is in a recorded file, or the recorder has named its fate in its log, or it was under way in a chain
 * of which a process was killed. The pulses themselves follow from the beginning of a run: nobody need be believed.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imbalance } from '../../../lib/cli/balance.ts';
import { DgramReader } from '../../../lib/stream/dgram-reader.ts';
import { openBytes } from '../../../lib/stream/source.ts';
import { LogDigest } from '../../../lib/supervise/log-digest.ts';
import { pulseIdOf } from '../../../lib/xtc/pulse-id.ts';
import { SERVICE } from '../../../lib/xtc/service.ts';

/** Detectors by stream, with the nanoseconds between their events (examples/beamline/run.yaml). */
export const DETECTORS = [
  { name: 'timing_0', spacing: 9_800_000n },
  { name: 'hsd_0', spacing: 9_800_000n },
  { name: 'gmd_0', spacing: 9_800_000n },
  { name: 'epix_0', spacing: 98_000_000n },
] as const;
const SECOND = 1_000_000_000n;
/** From the last dgram of a step to its Disable, nanoseconds. */
const ENDING = 1_400_000n;
const EPICS_EPOCH_MS = 631_152_000_000;

/** The process that owns all others, which die with it. */
export const KEEPER = 'keeper';

export interface Kill {
  readonly id: string;
  /** The process of the entry itself, not a child of it. */
  readonly leads: boolean;
  /** The run under way; while runs change, it may have been of the next one. */
  readonly run: number;
  readonly changing: boolean;
  /** Unix time, milliseconds. */
  readonly at: number;
}

interface Recorded {
  readonly events: Set<number>;
  /** Nanoseconds since 1990. */
  start: bigint | undefined;
  stop: bigint | undefined;
}

export interface Account {
  readonly runs: number;
  readonly pulses: number;
  readonly recorded: number;
  /** Not recorded, and named by the recorder. */
  readonly named: number;
  /** In chains of which a process was killed, behind the last event whose fate is known. */
  readonly cut: number;
  /** Longest time between an event that was cut and the kill, milliseconds; undefined if none was cut before its kill. */
  readonly earliest: number | undefined;
  readonly problems: readonly string[];
}

export function concerns({ run, changing }: Kill, other: number): boolean {
  return other === run || (changing && other === run + 1);
}

/** Streams that may be cut when an entry is killed. */
function reach(id: string): readonly number[] {
  if (id === 'timing' || id === 'teb0' || id === KEEPER) return DETECTORS.map((_, stream) => stream);
  // Without its service the publisher gives up, because a run without constants looks like physics.
  if (id === 'calib_epix' || id === 'calibdb') return [3];
  return DETECTORS.flatMap(({ name }, stream) => (id === `drp_${name}` || id === `rec_${name}` ? [stream] : []));
}

export async function accountOf(recordedFolder: string, logs: string, kills: readonly Kill[]): Promise<Account> {
  const problems: string[] = [];
  const files = await readRecorded(recordedFolder, problems);
  const fates = fatesIn(logs);
  const totals = { pulses: 0, recorded: 0, named: 0, cut: 0 };
  let earliest: number | undefined;
  const starts = [...files.values()].map((streams) => streams.find((one) => one?.start !== undefined)?.start);
  for (const [i, [run, streams]] of [...files].entries()) {
    const start = starts[i];
    const stop = streams.find((one) => one?.stop !== undefined)?.stop;
    const next = starts.slice(i + 1).find((one) => one !== undefined);
    const isOfRun = (pid: number) => pid >= pulseAt(start ?? 0n) && (next === undefined || pid < pulseAt(next));
    if (start === undefined) problems.push(`run ${run}: no stream has its Configure`);
    for (const [stream, { name, spacing }] of DETECTORS.entries()) {
      const { events = new Set<number>() } = streams[stream] ?? {};
      const known = fates[stream]!;
      // The source was told to stop between its last dgram and the Disable, which comes a little later than that.
      const untouched = (pid: number) =>
        !streams.some((one) => one?.events.has(pid)) && !fates.some((one) => one.has(pid));
      const isMade = (pid: number, time: bigint) => stop === undefined || time < stop - ENDING || !untouched(pid);
      const mayCut = kills.filter((kill) => kill.leads && concerns(kill, run) && reach(kill.id).includes(stream));
      const pulses =
        start === undefined
          ? []
          : pulsesOf(start, stop, spacing, [...events, ...[...known.keys()].filter(isOfRun)]).filter(({ pid, time }) =>
              isMade(pid, time),
            );
      const lastKnown = Math.max(...pulses.map(({ pid }) => (known.has(pid) ? pid : 0)));
      const cut = pulses.filter(({ pid }) => !events.has(pid) && !known.has(pid));
      const hole = cut.find(({ pid }) => pid < lastKnown);
      if (hole) problems.push(`run ${run}, ${name}: nobody knows pulse ${hole.pid}, but those after it`);
      if (cut.length > 0 && mayCut.length === 0)
        problems.push(`run ${run}, ${name}: ${cut.length} pulses are lost, and nobody of its chain was killed`);
      for (const { pid } of pulses)
        if (known.has(pid) && known.get(pid) !== events.has(pid))
          problems.push(
            `run ${run}, ${name}: ${pid} is ${events.has(pid) ? '' : 'not '}recorded, its recorder says otherwise`,
          );
      const expected = new Set(pulses.map(({ pid }) => pid));
      for (const pid of events)
        if (!expected.has(pid)) problems.push(`run ${run}, ${name}: ${pid} is no pulse of this run`);
      totals.pulses += pulses.length;
      totals.cut += cut.length;
      totals.recorded += events.size;
      totals.named += pulses.filter(({ pid }) => known.has(pid) && !events.has(pid)).length;
      for (const { at } of cut.slice(0, 1))
        for (const kill of mayCut.slice(0, 1)) earliest = Math.max(earliest ?? 0, kill.at - at);
    }
  }
  return { runs: files.size, ...totals, earliest, problems: [...problems, ...balanceProblems(logs, kills)] };
}

/** @param time nanoseconds since 1990 */
function pulseAt(time: bigint): number {
  return pulseIdOf(Number(time / SECOND), Number(time % SECOND));
}

/** Pulses on which a detector fired: from the Configure of the run to its Disable, or to the last that anybody has seen. */
function pulsesOf(
  start: bigint,
  stop: bigint | undefined,
  spacing: bigint,
  seen: readonly number[],
): { pid: number; time: bigint; at: number }[] {
  const last = Math.max(...seen, 0);
  const pulses: { pid: number; time: bigint; at: number }[] = [];
  for (let time = start + spacing; ; time += spacing) {
    const pid = pulseAt(time);
    if (stop === undefined ? pid > last : time >= stop) return pulses;
    pulses.push({ pid, time, at: Number(time / 1_000_000n) + EPICS_EPOCH_MS });
  }
}

async function readRecorded(folder: string, problems: string[]): Promise<Map<number, (Recorded | undefined)[]>> {
  const runs = new Map<number, (Recorded | undefined)[]>();
  for (const name of readdirSync(folder).sort()) {
    const parts = /-r(\d+)-s(\d+)-c000\.xtc2(\.inprogress)?$/.exec(name);
    if (!parts) {
      problems.push(`${name} is no name of a recorded file`);
      continue;
    }
    const [run, stream] = [Number(parts[1]), Number(parts[2])];
    const streams = runs.get(run) ?? [];
    runs.set(run, streams);
    streams[stream] = await readFile(join(folder, name), problems);
  }
  return runs;
}

async function readFile(path: string, problems: string[]): Promise<Recorded> {
  const recorded: Recorded = { events: new Set(), start: undefined, stop: undefined };
  const reader = new DgramReader(await openBytes(path), { headersOnly: true });
  do {
    while (reader.next()) {
      const { sec, nsec, service } = reader.dgram;
      const time = BigInt(sec) * SECOND + BigInt(nsec);
      if (service === SERVICE.Configure) recorded.start = time;
      if (service === SERVICE.Disable) recorded.stop = time;
      if (service !== SERVICE.L1Accept) continue;
      const pid = pulseIdOf(sec, nsec);
      if (recorded.events.has(pid)) problems.push(`${path}: pulse ${pid} is recorded twice`);
      recorded.events.add(pid);
    }
  } while (await reader.fill());
  return recorded;
}

/** The log of every start: whose, and its lines. Two starts in one second share a file. */
function* logsIn(folder: string): Generator<{ id: string; lines: string[] }> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const id = /:([^:/]*)\.log$/.exec(name)?.[1];
    if (id === undefined) continue;
    const starts = readFileSync(join(folder, name), 'utf8').split(/^(?=# ID: )/m);
    for (const text of starts) yield { id, lines: text.split('\n') };
  }
}

/** Whether L1Accepts are recorded, as the recorders said, by stream and pulse id. */
function fatesIn(folder: string): Map<number, boolean>[] {
  const fates = DETECTORS.map(() => new Map<number, boolean>());
  for (const { id, lines } of logsIn(folder)) {
    if (!id.startsWith('rec_')) continue;
    for (const line of lines) {
      if (!line.startsWith('{"rcv"') || !line.endsWith('}')) continue;
      const { rcv, pid, svc, act } = JSON.parse(line);
      if (svc === SERVICE.L1Accept) fates[rcv]?.set(pid, act === 'record');
    }
  }
  return fates;
}

/** Everybody who was not killed has told a balance, and it closes; and nobody had to be killed by the supervisor. */
function balanceProblems(folder: string, kills: readonly Kill[]): string[] {
  const problems: string[] = [];
  const killed = new Map<string, number>();
  const unended = new Map<string, number>();
  const keepers = kills.filter(({ id }) => id === KEEPER).length;
  for (const { id, leads } of kills) if (leads && id !== KEEPER) killed.set(id, (killed.get(id) ?? 0) + 1);
  for (const { id, lines } of logsIn(folder)) {
    const digest = new LogDigest();
    for (const line of lines) digest.take(line);
    const { status, balances } = digest;
    if (status === undefined) unended.set(id, (unended.get(id) ?? 0) + 1);
    else if (status === 137) killed.set(id, (killed.get(id) ?? 0) - 1);
    else if (balances.length === 0) problems.push(`${id} ended with ${status} and no balance: ${digest.lastLine}`);
    for (const balance of balances)
      if (imbalance(balance) !== 0) problems.push(`${id}: ${imbalance(balance)} unaccounted for: ${digest.lastLine}`);
  }
  // More than we find: it was ending by itself at that moment.
  for (const [id, logs] of unended)
    if (logs > keepers) problems.push(`${id}: ${logs} of its logs have no end, but ${keepers} keepers were killed`);
  for (const [id, left] of killed)
    if (left < 0) problems.push(`${id} was killed ${-left} times more than by us: it did not end in its grace`);
  return problems;
}
