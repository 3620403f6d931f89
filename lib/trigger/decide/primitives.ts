/** Fields of primitives by name (spec teb.md, 1.7 and 3.2): fixed layouts are read in place, TPRM frames as JSON. Never a pickle. */

/** Reads a field of the primitive at `at`; the caller has checked the length. */
type Read = (bytes: Buffer, at: number) => number;

interface Layout {
  bytes: number;
  fields: Readonly<Record<string, Read>>;
}

const u32 =
  (offset: number): Read =>
  (bytes, at) =>
    bytes.readUInt32LE(at + offset);
const u8 =
  (offset: number): Read =>
  (bytes, at) =>
    bytes.readUInt8(at + offset);
const f64 =
  (offset: number): Read =>
  (bytes, at) =>
    bytes.readDoubleLE(at + offset);

const PIRANHA = ['ampl', 'fltpos', 'fltpos_ps', 'fltpos_fwhm', 'amplnxt', 'refampl'];

const LAYOUTS: Readonly<Record<string, Layout>> = {
  tmo: { bytes: 8, fields: { write: u32(0), monitor: u32(4) } },
  timing: {
    bytes: 40,
    fields: {
      destination: (bytes, at) => bytes.readUInt8(at) & 0x7f,
      beam: (bytes, at) => bytes.readUInt8(at) >> 7,
    },
  },
  hrencoder: {
    bytes: 8,
    fields: {
      position: (bytes, at) => bytes.readInt32LE(at),
      encErrCnt: u8(4),
      missedTrigCnt: u8(5),
      latches: (bytes, at) => bytes.readUInt8(at + 6) >> 5,
    },
  },
  piranha4: { bytes: 48, fields: Object.fromEntries(PIRANHA.map((name, i) => [name, f64(8 * i)])) },
};

/** Blocks of BldTebData, bit by bit: size and fields. */
const BLD: readonly { name: string; bytes: number; fields: readonly string[] }[] = [
  { name: 'gmd', bytes: 16, fields: ['milliJoulesPerPulse'] },
  { name: 'xgmd', bytes: 24, fields: ['milliJoulesPerPulse', 'POSY'] },
  { name: 'pcav', bytes: 40, fields: ['fitTime1', 'fitTime2', 'charge1', 'charge2'] },
  { name: 'pcavs', bytes: 40, fields: ['fitTime1', 'fitTime2', 'charge1', 'charge2'] },
  { name: 'gasdet', bytes: 48, fields: ['f11ENRC', 'f12ENRC', 'f21ENRC', 'f22ENRC', 'f63ENRC', 'f64ENRC'] },
  { name: 'ebeam', bytes: 8, fields: ['l3Energy'] },
  { name: 'ebeams', bytes: 8, fields: ['l3Energy'] },
];

const TPRM = { magic: 0x4d525054, codec: 4, length: 8, size: 12, json: 1 } as const;
const EVENT_CODES = 288;

export type PrimitiveValue = number | string | boolean | undefined;

/** The kind for which an alias such as `timing_0` stands, if it is of fixed layout. */
function kindOf(alias: string): string | undefined {
  const name = alias.toLowerCase();
  return [...Object.keys(LAYOUTS), 'bld'].find((kind) => name.startsWith(kind));
}

/** What is known of one source; `Primitive` objects are kept and moved from event to event. */
export class Primitive {
  private readonly kind: string | undefined;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;
  private values: Record<string, unknown> | undefined;
  private decoded = false;
  /** Set by `of`-`value` when the payload cannot be used. */
  bad = false;

  constructor(alias: string, kind: string | undefined) {
    this.kind = kind ?? kindOf(alias);
  }

  /** Moves it to a payload; empty if the source did not contribute. */
  of(bytes: Buffer, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.decoded = false;
    this.bad = false;
  }

  get present(): boolean {
    return this.end > this.at;
  }

  /** The field, or undefined if there is none. */
  value(field: string): PrimitiveValue {
    const { bytes, at } = this;
    const size = this.end - at;
    if (size === 0) return undefined;
    if (size >= TPRM.size && bytes.readUInt32LE(at) === TPRM.magic) return this.keyed(field);
    if (this.kind === 'bld') return this.block(field);
    const layout = LAYOUTS[this.kind ?? 'tmo'];
    if (layout === undefined || (this.kind === undefined && size !== layout.bytes)) return undefined;
    if (size < layout.bytes) {
      this.bad = true;
      return undefined;
    }
    return Object.hasOwn(layout.fields, field) ? layout.fields[field]!(bytes, at) : undefined;
  }

  /** Whether a TimingTebData has an event code. */
  eventCode(code: number): boolean {
    if (!(code >= 0 && code < EVENT_CODES) || this.end - this.at < LAYOUTS.timing!.bytes) return false;
    return ((this.bytes.readUInt32LE(this.at + 4 + 4 * (code >> 5)) >>> (code & 31)) & 1) === 1;
  }

  private keyed(field: string): PrimitiveValue {
    if (!this.decoded) {
      this.decoded = true;
      this.values = this.decode();
      if (this.values === undefined) this.bad = true;
    }
    let value: unknown = this.values;
    for (const key of field.split('.')) {
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined;
    }
    return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
  }

  private decode(): Record<string, unknown> | undefined {
    const { bytes, at, end } = this;
    const length = bytes.readUInt32LE(at + TPRM.length);
    if (length !== end - at - TPRM.size || bytes.readUInt8(at + TPRM.codec) !== TPRM.json) return undefined;
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8', at + TPRM.size, end));
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** `gmd.milliJoulesPerPulse` */
  private block(field: string): PrimitiveValue {
    const { bytes, at, end } = this;
    if (end - at < 8) {
      this.bad = true;
      return undefined;
    }
    const sources = bytes.readUInt32LE(at);
    const [wanted, name] = field.split('.');
    let block = at + 8;
    for (const [bit, { name: known, bytes: size, fields }] of BLD.entries()) {
      if (((sources >>> bit) & 1) === 0) continue;
      if (block + size > end) {
        this.bad = true;
        return undefined;
      }
      const i = fields.indexOf(name ?? '');
      if (known === wanted) return i < 0 ? undefined : bytes.readDoubleLE(block + 8 * i);
      block += size;
    }
    return undefined;
  }
}
