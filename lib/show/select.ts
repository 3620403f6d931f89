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

interface TimeRange {
  from: DgramTime | undefined;
  to: DgramTime | undefined;
}

export class Selection {
  /** True if payloads must be decoded to decide. */
  readonly payloads: boolean;
  private readonly services: ReadonlySet<number> | undefined;
  private readonly groups: number | undefined;
  private readonly damage: number | undefined;
  private readonly range: TimeRange | undefined;
  private readonly event: DgramTime | undefined;
  private readonly detectors: readonly RegExp[] | undefined;
  private readonly algs: readonly RegExp[] | undefined;
  private readonly fields: readonly RegExp[] | undefined;
  private readonly where: Expression | undefined;
  private readonly transitions: boolean;
  private readonly skip: number;
  private readonly count: number;
  private readonly walker: Walker;
  private found = false;
  private matched = 0;
  private readonly visitor: Visitor = {
    names: (names) => {
      this.found ||= this.wants(names) && names.fields.some((field) => this.wants(names, field));
    },
    data: (block) => {
      this.found ||=
        this.wants(block.names) && (!this.fields || block.names.fields.some((field) => this.wants(block.names, field)));
    },
  };

  /** @throws UsageError that quotes what cannot be understood */
  constructor(options: SelectionText, epoch: Epoch, walker: Walker) {
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
    this.skip = options.skip ?? 0;
    this.count = options.count ?? Number.POSITIVE_INFINITY;
    this.payloads = [this.detectors, this.algs, this.fields, this.where].some((condition) => condition !== undefined);
  }

  /** Whether this dgram is wanted; counts for `skip` and `count`. */
  accepts(dgram: Dgram): boolean {
    if (!(this.transitions && !isEvent(dgram.service)) && !this.matches(dgram)) return false;
    this.matched++;
    return this.matched > this.skip && this.matched <= this.skip + this.count;
  }

  /** True when no later dgram can be wanted. */
  get done(): boolean {
    return this.matched >= this.skip + this.count;
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
      this.walker.walk(dgram, this.visitor);
      if (!this.found) return false;
    }
    return this.where === undefined || this.where.matches(dgram);
  }
}

/** `hsd,opal_0,epix*`: exact names or `*` patterns. */
function patterns(list: string | undefined): RegExp[] | undefined {
  return list?.split(',').map((name) => {
    const escaped = name
      .trim()
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*');
    return new RegExp(`^${escaped}$`);
  });
}

function anyMatches(wanted: readonly RegExp[] | undefined, ...names: string[]): boolean {
  return wanted === undefined || wanted.some((pattern) => names.some((name) => pattern.test(name)));
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
  if (/^g\d{1,2}(,g\d{1,2})*$/.test(text)) {
    return text.split(',').reduce((mask, group) => mask | (1 << Number(group.slice(1))), 0);
  }
  const mask = Number(text);
  if (!Number.isInteger(mask) || mask < 1 || mask > 0xffff) {
    throw new UsageError(`--groups: "${text}" is neither a mask 1..0xffff nor a list like g0,g3`);
  }
  return mask;
}

const ANY_DAMAGE = 0xffff;

/** `any`, or names joined by commas. */
function parseDamage(text: string): number {
  if (text === 'any') return ANY_DAMAGE;
  return text.split(',').reduce((mask, name) => {
    const bits = damageByName(name.trim());
    if (bits === undefined) throw new UsageError(`--damage: there is no damage "${name}"`);
    return mask | bits;
  }, 0);
}

/** Any of the wanted flags, or the wanted user value. */
function hasDamage(damage: number, wanted: number): boolean {
  if (wanted === ANY_DAMAGE) return damage !== 0;
  const user = wanted >>> 12;
  return (damage & wanted & 0xfff) !== 0 || (user !== 0 && damage >>> 12 === user);
}

/** `sec.nsec`, `sec-nsec`, or psana's 64-bit number. */
function parseEvent(text: string): DgramTime {
  const parts = /^(\d+)[.-](\d{1,9})$/.exec(text);
  if (parts) return { sec: Number(parts[1]), nsec: nsecOf(parts[2]!, text.includes('.')) };
  if (/^\d+$/.test(text)) return fromTimestamp(BigInt(text));
  throw new UsageError(`--event: "${text}" is no time; write SEC.NSEC, SEC-NSEC or the 64-bit timestamp`);
}

/** After a point the digits are a decimal fraction, after a dash they are nanoseconds. */
function nsecOf(digits: string, fraction: boolean): number {
  return Number(fraction ? digits.padEnd(9, '0') : digits);
}

/** `A..B`; either side may be missing. */
function parseRange(text: string, epoch: Epoch): TimeRange {
  const cut = text.indexOf('..');
  if (cut < 0) throw new UsageError(`--time: "${text}" is no range; write A..B, A.. or ..B`);
  const [from, to] = [text.slice(0, cut), text.slice(cut + 2)];
  return { from: from === '' ? undefined : parseTime(from, epoch), to: to === '' ? undefined : parseTime(to, epoch) };
}

function parseTime(text: string, epoch: Epoch): DgramTime {
  const seconds = /^(\d+)(?:[.-](\d{1,9}))?$/.exec(text);
  if (seconds) return { sec: Number(seconds[1]), nsec: seconds[2] ? nsecOf(seconds[2], text.includes('.')) : 0 };
  const utc = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
  if (Number.isNaN(utc))
    throw new UsageError(`--time: "${text}" is neither SEC[.NSEC] nor a UTC date like 2025-03-28T14:03:20`);
  return { sec: Math.floor(utc / 1000) - (epoch === 'epics' ? EPICS_EPOCH : 0), nsec: (utc % 1000) * 1_000_000 };
}

function inRange(dgram: Dgram, range: TimeRange): boolean {
  if (range.from && compareTimes(dgram, range.from) < 0) return false;
  return range.to === undefined || compareTimes(dgram, range.to) <= 0;
}
