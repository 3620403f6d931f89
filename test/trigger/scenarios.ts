/** The scenarios of the trigger chain beside the project: configurations, what happened, and the right answers. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contributionBytes, eventEnv } from '../../lib/trigger/wire/eb-dgram.ts';
import { SHARED } from '../golden.ts';

export const SCENARIOS = join(SHARED, 'data', 'teb');

const L1 = 12;
const PULSES_PER_SECOND = 928_571;
const EVENT_PAYLOAD = 64;

/** The part of a scenario's configuration that its streams depend on. */
export interface ScenarioConfig {
  common: number;
  drps: { id: number; alias: string; rog: number; payload?: string }[];
  mebs: { id: number; alias: string; buffers: number }[];
}

/** One contribution, as in a JSON line. */
export interface Contributed {
  src: number;
  pid: number;
  svc?: number;
  rogs: number;
  keep?: number;
  damage?: number;
  prim?: { tmo?: number[]; timing?: { dest: number; beam: number; codes: number[] } };
}

/** The right line for an event; `to` are the receivers that have it. */
export interface Expected {
  pid: number;
  svc: number;
  rogs: number;
  prescale: number;
  persist: number;
  monitor: number;
  monbuf: string;
  damage: number;
  aux: number;
  bypass: number;
  recv: number[];
  to: number[];
  missing: number[];
}

/** Names of scenarios that tell what happened (`scn`), or in what order it arrived (`arr.jsonl`). */
export function scenarioNames(kind: 'scn' | 'arr.jsonl'): string[] {
  return readdirSync(SCENARIOS)
    .filter((file) => file.endsWith(`.${kind}`))
    .map((file) => file.slice(0, -kind.length - 1))
    .sort();
}

export class Scenario {
  readonly name: string;
  readonly config: ScenarioConfig;
  /** Path of the configuration. */
  readonly configFile: string;

  constructor(name: string) {
    this.name = name;
    this.configFile = join(SCENARIOS, `${name}.json`);
    this.config = JSON.parse(readFileSync(this.configFile, 'utf8')) as ScenarioConfig;
  }

  expected(): Expected[] {
    return jsonLines(join(SCENARIOS, `${this.name}.expect.jsonl`)) as Expected[];
  }

  /** What arrived, in the order of arrival; only of `arr.jsonl` scenarios. */
  arrivals(): Contributed[] {
    return jsonLines(join(SCENARIOS, `${this.name}.arr.jsonl`)) as Contributed[];
  }

  /** What a source saw of a `scn` scenario, events without the common bit included. */
  seenBy(source: number): Contributed[] {
    const drp = this.config.drps.find(({ id }) => id === source)!;
    const seen: Contributed[] = [];
    for (const line of readFileSync(join(SCENARIOS, `${this.name}.scn`), 'utf8').split('\n')) {
      const [kind, pid, second, third, missing, write, monitor] = line.split(/\s+/);
      if (kind !== 'E' && kind !== 'T') continue;
      if ((Number(missing) >>> source) & 1) continue;
      if (kind === 'T') {
        seen.push({ src: source, pid: Number(pid), svc: Number(second), rogs: Number(third) });
        continue;
      }
      const rogs = Number(second);
      if (!((rogs >>> drp.rog) & 1)) continue;
      const values = [valueFor(write!, source), valueFor(monitor!, source)];
      const codes = [...new Set(values.filter((code) => code !== 0))];
      const prim = drp.payload === 'timing' ? { timing: { dest: 3, beam: 1, codes } } : { tmo: values };
      seen.push({ src: source, pid: Number(pid), rogs, keep: Number(third), prim });
    }
    return seen;
  }

  /** What a source sends to the decider, as records. */
  contributions(source: number): Buffer[] {
    const common = 1 << this.config.common;
    return this.seenBy(source)
      .filter(({ svc, rogs }) => (svc ?? L1) !== L1 || (rogs & common) !== 0)
      .map(contributionRecord);
  }

  /** What `eb-join` of a receiver reads: all its events, with a payload of 64 bytes in L1Accepts. */
  events(source: number): Buffer[] {
    return this.seenBy(source).map((one) =>
      record(one, (one.svc ?? L1) === L1 ? Buffer.alloc(EVENT_PAYLOAD, source) : undefined),
    );
  }
}

/** A contribution as a binary record. */
export function contributionRecord(one: Contributed): Buffer {
  return record(one, primitive(one));
}

function record({ pid, rogs, keep = 0, svc = L1, src, damage = 0 }: Contributed, payload?: Buffer): Buffer {
  const seconds = 1000 + Math.floor(pid / PULSES_PER_SECOND);
  const nanoseconds = ((pid % PULSES_PER_SECOND) * 1077) % 1_000_000_000;
  const env = eventEnv(rogs, svc, keep === 1);
  return contributionBytes({ pid, seconds, nanoseconds, env, src, damage }, payload);
}

function primitive({ prim }: Contributed): Buffer | undefined {
  if (prim?.tmo) return bytesOfWords(prim.tmo);
  if (!prim?.timing) return undefined;
  const { dest, beam, codes } = prim.timing;
  const mask = Array<number>(9).fill(0);
  for (const code of codes) mask[code >>> 5]! |= 1 << (code & 31);
  return bytesOfWords([dest | (beam << 7), ...mask]);
}

function bytesOfWords(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * i);
  return bytes;
}

/** The last value stands for all further sources. */
function valueFor(text: string, source: number): number {
  const values = text.split(',');
  return Number(values[Math.min(source, values.length - 1)]);
}

function jsonLines(file: string): unknown[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
