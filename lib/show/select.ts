/** Which dgrams are wanted: header conditions first, content only if a condition asks for it. */

import { UsageError } from '../errors.ts';
import { damageByName } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import type { Field, NamesBlock } from '../xtc/names.ts';
import { isEvent, SERVICES, serviceByName } from '../xtc/service.ts';
import { compareTimes, type DgramTime, EPICS_EPOCH, type Epoch, fromTimestamp } from '../xtc/time.ts';
import type { Visitor, Walker } from '../xtc/walk.ts';
import { Expression } from './expression.ts';

/** Options as they are written on a command line. */
export interface SelectionText {
  service?: string;
  detector?: string;
  alg?: string;
  field?: string;
  time?: string;
  groups?: string;
  damage?: string;
  event?: string;
  where?: string;
  /** Keep everything that is not an event, whatever the other conditions say. */
  transitions?: boolean;
  skip?: number;
  count?: number;
}

/** How many of the wanted ones are passed over, and how many then shown. */
export class Quota {
  private readonly skip: number;
  private readonly count: number;
  private matched = 0;

  constructor({ skip = 0, count = Number.POSITIVE_INFINITY }: Pick<SelectionText, 'skip' | 'count'>) {
    this.skip = skip;
    this.count = count;
  }

  /** Counts one that is wanted; true if it is to be shown. */
  take(): boolean {
    this.matched++;
    return this.matched > this.skip && this.matched <= this.skip + this.count;
  }

  /** True when no later one can be shown. */
  get done(): boolean {
    return this.matched >= this.skip + this.count;
  }
}

interface TimeRange {
  from: DgramTime | undefined;
  to: DgramTime | undefined;
}

export class Selection {
  /** True if payloads must be decoded to decide. */
  readonly payloads: boolean;
  private readonly services: ReadonlySet<number> | undefined;
  private readonly groups: number | undefined;
  private readonly damage: WantedDamage | undefined;
  private readonly range: TimeRange | undefined;
  private readonly event: DgramTime | undefined;
  private readonly detectors: readonly Pattern[] | undefined;
  private readonly algs: readonly Pattern[] | undefined;
  private readonly fields: readonly Pattern[] | undefined;
  private readonly where: Expression | undefined;
  private readonly transitions: boolean;
  private readonly quota: Quota;
  private readonly walker: Walker;
  private found = false;
  private readonly visitor: Visitor = {
    names: (names) => {
      this.found ||= this.wants(names) && names.fields.some((field) => this.wants(names, field));
    },
    data: (block) => {
      this.found ||=
        this.wants(block.names) && (!this.fields || block.names.fields.some((field) => this.wants(block.names, field)));
    },
  };

  /**
   * @param quota shared by all inputs of a command, because `--skip` and `-n` count across them
   * @throws UsageError that quotes what cannot be understood
   */
  constructor(options: SelectionText, epoch: Epoch, walker: Walker, quota = new Quota(options)) {
    this.quota = quota;
    this.walker = walker;
    this.services = options.service === undefined ? undefined : parseServices(options.service);
    this.groups = options.groups === undefined ? undefined : parseMask(options.groups);
    this.damage = options.damage === undefined ? undefined : parseDamage(options.damage);
    this.range = options.time === undefined ? undefined : parseRange(options.time, epoch);
    this.event = options.event === undefined ? undefined : parseEvent(options.event);
    this.detectors = patterns(options.detector);
    this.algs = patterns(options.alg);
    this.fields = patterns(options.field);
    this.where = options.where === undefined ? undefined : new Expression(options.where, walker);
    this.transitions = options.transitions ?? false;
    this.payloads = [this.detectors, this.algs, this.fields, this.where].some((condition) => condition !== undefined);
  }

  /** Whether this dgram is wanted; counts for `skip` and `count`. */
  accepts(dgram: Dgram): boolean {
    if (!(this.transitions && !isEvent(dgram.service)) && !this.matches(dgram)) return false;
    return this.quota.take();
  }

  /** True when no later dgram can be wanted. */
  get done(): boolean {
    return this.quota.done;
  }

  /** Whether a block, and a field of it, shall be shown. */
  readonly wants = (names: NamesBlock, field?: Field): boolean =>
    anyMatches(this.detectors, names.detName, `${names.detName}_${names.segment}`) &&
    anyMatches(this.algs, names.alg) &&
    (field === undefined || anyMatches(this.fields, field.name, field.shortName));

  /** Names in `--where` that were in no dgram. */
  neverSeen(): string[] {
    return this.where?.neverSeen() ?? [];
  }

  private matches(dgram: Dgram): boolean {
    if (this.services && !this.services.has(dgram.service)) return false;
    if (this.groups !== undefined && (dgram.groups & this.groups) === 0) return false;
    if (this.damage !== undefined && !hasDamage(dgram.damage, this.damage)) return false;
    if (this.event && compareTimes(dgram, this.event) !== 0) return false;
    if (this.range && !inRange(dgram, this.range)) return false;
    if (this.detectors || this.algs || this.fields) {
      this.found = false;
      this.walker.look(dgram, this.visitor);
      if (!this.found) return false;
    }
    return this.where === undefined || this.where.matches(dgram);
  }
}

/** The pieces between the stars of `epix*`. */
type Pattern = readonly string[];

/** `hsd,opal_0,epix*`: exact names or `*` patterns. */
function patterns(list: string | undefined): Pattern[] | undefined {
  return list?.split(',').map((name) => name.trim().split('*'));
}

/** Piece by piece from the left: a regular expression with many stars could take exponential time. */
function matchesPattern(pieces: Pattern, name: string): boolean {
  const first = pieces[0]!;
  if (pieces.length === 1) return name === first;
  const last = pieces.at(-1)!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function anyMatches(wanted: readonly Pattern[] | undefined, ...names: string[]): boolean {
  return wanted === undefined || wanted.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
}

function parseServices(list: string): Set<number> {
  const services = new Set<number>();
  for (const name of list.split(',')) {
    const service = serviceByName(name.trim());
    if (service === undefined) {
      throw new UsageError(
        `--service: there is no transition "${name}"; known are ${SERVICES.slice(0, 13).join(', ')}`,
      );
    }
    services.add(service);
  }
  return services;
}

/** `0x3`, `3` (a mask) or `g0,g3` (group numbers). */
function parseMask(text: string): number {
  if (/^g([0-9]|1[0-5])(,g([0-9]|1[0-5]))*$/.test(text)) {
    return text.split(',').reduce((mask, group) => mask | (1 << Number(group.slice(1))), 0);
  }
  const mask = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isInteger(mask) || mask < 1 || mask > 0xffff) {
    throw new UsageError(`--groups: "${text}" is neither a mask 1..0xffff nor a list of g0..g15 like g0,g3`);
  }
  return mask;
}

interface WantedDamage {
  /** Any of these flags. */
  flags: number;
  /** Or any of these user values. */
  users: ReadonlySet<number>;
}

const FLAGS = 0xfff;
const ANY_DAMAGE: WantedDamage = { flags: FLAGS, users: new Set(Array.from({ length: 15 }, (_, i) => i + 1)) };

/** `any`, or names joined by commas. */
function parseDamage(text: string): WantedDamage {
  if (text === 'any') return ANY_DAMAGE;
  let flags = 0;
  const users = new Set<number>();
  for (const name of text.split(',')) {
    const bits = damageByName(name.trim());
    if (bits === undefined) throw new UsageError(`--damage: there is no damage "${name}"`);
    flags |= bits & FLAGS;
    // A user value is a number, not flags: User1 and User2 together are not User3.
    if (bits >>> 12) users.add(bits >>> 12);
  }
  return { flags, users };
}

function hasDamage(damage: number, wanted: WantedDamage): boolean {
  return (damage & wanted.flags) !== 0 || wanted.users.has(damage >>> 12);
}

/** `sec.fraction`, `sec-nsec`, or psana's 64-bit number. */
function parseEvent(text: string): DgramTime {
  const time = /^\d+$/.test(text) ? fromTimestamp(BigInt(text)) : parseSeconds(text);
  if (time && time.sec <= MAX_SECONDS) return time;
  throw new UsageError(`--event: "${text}" is no time; write SEC.FRACTION, SEC-NSEC or the 64-bit timestamp`);
}

const MAX_SECONDS = 0xffffffff;

/** `SEC`, `SEC.FRACTION` (a decimal fraction) or `SEC-NSEC` (nanoseconds). */
function parseSeconds(text: string): DgramTime | undefined {
  const parts = /^(\d+)(?:([.-])(\d{1,9}))?$/.exec(text);
  if (!parts) return undefined;
  const digits = parts[3] ?? '0';
  return { sec: Number(parts[1]), nsec: Number(parts[2] === '.' ? digits.padEnd(9, '0') : digits) };
}

/** `A..B`; either side may be missing. */
function parseRange(text: string, epoch: Epoch): TimeRange {
  const cut = text.indexOf('..');
  if (cut < 0) throw new UsageError(`--time: "${text}" is no range; write A..B, A.. or ..B`);
  const [from, to] = [text.slice(0, cut), text.slice(cut + 2)];
  return { from: from === '' ? undefined : parseTime(from, epoch), to: to === '' ? undefined : parseTime(to, epoch) };
}

function parseTime(text: string, epoch: Epoch): DgramTime {
  const time = parseSeconds(text) ?? parseUtc(text, epoch);
  if (time && time.sec <= MAX_SECONDS) return time;
  throw new UsageError(`--time: "${text}" is neither SEC[.FRACTION] nor a UTC date like 2025-03-28T14:03:20`);
}

const UTC = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?Z?$/i;

/** A date as the lines show it, nanoseconds included: Date knows milliseconds only. */
function parseUtc(text: string, epoch: Epoch): DgramTime | undefined {
  const parts = UTC.exec(text);
  if (!parts) return undefined;
  const [, date, time = '00:00', seconds = '00', fraction = ''] = parts;
  const unix = Date.parse(`${date}T${time}:${seconds}Z`) / 1000;
  // Date takes the 30th of February for the 2nd of March.
  if (Number.isNaN(unix) || !new Date(unix * 1000).toISOString().startsWith(date!)) return undefined;
  const sec = unix - (epoch === 'epics' ? EPICS_EPOCH : 0);
  return sec < 0 ? undefined : { sec, nsec: Number(fraction.padEnd(9, '0')) };
}

function inRange(dgram: Dgram, range: TimeRange): boolean {
  if (range.from && compareTimes(dgram, range.from) < 0) return false;
  return range.to === undefined || compareTimes(dgram, range.to) <= 0;
}
