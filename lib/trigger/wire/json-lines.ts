/** JSON lines of contributions, decisions and joined events (spec teb.md, section 2.6). */

import { DataError } from '../../errors.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { BuiltEvent } from '../building/built-event.ts';
import type { DecisionLine, JoinedLine } from '../types.ts';
import { mebOf, wordText } from './buffer-word.ts';
import { contributionBytes, eventEnv, markerBytes } from './eb-dgram.ts';
import { DATA, FLAG } from './layout.ts';
import { sourcesOf } from './masks.ts';
import { TPRM_CODEC, timingPrimitive, tmoPrimitive, tprmFrame } from './primitives.ts';
import { auxOf, monitorOf, type Outcome } from './result.ts';

const U32 = 0xffff_ffff;
const SRC_MAX = 0x0fff_ffff;
/** Time of a contribution that tells none. */
const PULSES_PER_SECOND = 928_571;
const FIRST_SECOND = 1000;
const NANOSECONDS_PER_PULSE = 1077;
const LAST_EVENT_CODE = 287;

type Line = Readonly<Record<string, unknown>>;

/**
 * The record that a JSON line stands for; unknown keys are passed over.
 * @throws DataError `bad-line` that says which key is wrong
 */
export function parseContributionLine(line: string): Buffer {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw bad(`is no JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw bad('is no object');
  const src = number(value, 'src', SRC_MAX);
  const pid = number(value, 'pid', Number.MAX_SAFE_INTEGER);
  if (value.marker === 1 || value.marker === true) return markerBytes(src, pid);
  const env = eventEnv(
    number(value, 'rogs', 0xffff),
    number(value, 'svc', 15, SERVICE.L1Accept),
    number(value, 'keep', 1, 0) === 1,
  );
  const [seconds, nanoseconds] = timeOf(value, pid);
  const header = { pid, seconds, nanoseconds, env, src, damage: number(value, 'damage', 0xffff, 0) };
  return contributionBytes(header, primitiveOf(value.prim));
}

function timeOf({ ts }: Line, pid: number): [number, number] {
  if (ts === undefined) {
    const second = FIRST_SECOND + Math.floor(pid / PULSES_PER_SECOND);
    return [second % (U32 + 1), ((pid % PULSES_PER_SECOND) * NANOSECONDS_PER_PULSE) % 1_000_000_000];
  }
  if (!isNumbers(ts, U32) || ts.length !== 2) throw bad('"ts" should be [seconds, nanoseconds]');
  return [ts[0]!, ts[1]!];
}

function primitiveOf(prim: unknown): Buffer | undefined {
  if (prim === undefined || prim === null) return undefined;
  if (!isObject(prim)) throw bad('"prim" is no object');
  if ('tmo' in prim) {
    if (!isNumbers(prim.tmo, U32) || prim.tmo.length !== 2) throw bad('"tmo" should be [write, monitor]');
    return tmoPrimitive(prim.tmo[0]!, prim.tmo[1]!);
  }
  if ('timing' in prim) {
    if (!isObject(prim.timing)) throw bad('"timing" is no object');
    const { codes = [], beam = 0 } = prim.timing;
    if (!isNumbers(codes, LAST_EVENT_CODE)) throw bad('"codes" should be event codes 0 to 287');
    return timingPrimitive(number(prim.timing, 'dest', 0x7f, 0), beam === 1 || beam === true, codes);
  }
  if ('hex' in prim) return hexBytes(prim.hex);
  if ('json' in prim) return tprmFrame(TPRM_CODEC.json, Buffer.from(JSON.stringify(prim.json)));
  throw bad('"prim" has none of tmo, timing, hex, json');
}

function hexBytes(text: unknown): Buffer {
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw bad('"hex" should be an even number of hexadecimal digits');
  }
  return Buffer.from(text, 'hex');
}

function number(line: Line, key: string, to: number, byDefault?: number): number {
  const value = line[key] ?? byDefault;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > to) {
    throw bad(`"${key}" should be a whole number from 0 to ${to}`);
  }
  return value;
}

function isNumbers(value: unknown, to: number): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isInteger(item) && item >= 0 && item <= to);
}

function isObject(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(problem: string): DataError {
  return new DataError('bad-line', problem);
}

/** What a decision says, with the keys of the specification. */
export function decisionOf(event: BuiltEvent, { data, monBufNo, damage, flags }: Outcome): DecisionLine {
  const monitor = monitorOf(data);
  return {
    pid: event.pid,
    svc: event.service,
    rogs: event.rogs,
    prescale: data & DATA.prescale ? 1 : 0,
    persist: data & DATA.persist ? 1 : 0,
    monitor,
    monbuf: wordText(monitor === 0 ? 0 : monBufNo),
    damage,
    aux: auxOf(data),
    bypass: flags & FLAG.bypass ? 1 : 0,
    recv: sourcesOf(event.receiversLow, event.receiversHigh),
    missing: sourcesOf(event.missingLow, event.missingHigh),
    why: event.why,
    ...(flags & FLAG.forced ? { forced: 1 as const } : {}),
    ...(monitor !== 0 && monBufNo !== 0 ? { meb: mebOf(monBufNo) } : {}),
  };
}

/** One line of teb-decide, with its newline. */
export function decisionLine(event: BuiltEvent, outcome: Outcome): string {
  return `${JSON.stringify(decisionOf(event, outcome))}\n`;
}

/** One line of eb-join, with its newline. */
export function joinedLine(line: JoinedLine): string {
  return `${JSON.stringify(line)}\n`;
}
