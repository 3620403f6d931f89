/**
 * The state behind the live screen. It sees every dgram, so that costs little: counts, a few numbers of the header, and where the
 * last block of each detector lies. `settle` decodes those blocks before their memory is used again; text is made by `snapshot`,
 * when somebody looks. No screen, no clock, no input in here.
 */

import type { Dgram } from '../xtc/dgram.ts';
import { TYPE, XTC } from '../xtc/layout.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { serviceName } from '../xtc/service.ts';
import { ShapesData } from '../xtc/shapes-data.ts';
import { type Epoch, formatUtc } from '../xtc/time.ts';
import type { Visitor, Walker } from '../xtc/walk.ts';
import { DamageCounts } from './damage-counts.ts';
import type { FindingLog } from './findings.ts';
import { RateMeter, SampleClock } from './live-rates.ts';
import { RecentDgrams } from './live-recent.ts';
import { typeText, valueText } from './values.ts';

/** What the screen shows: plain values, which do not change afterwards. */
export interface LiveSnapshot {
  /** Name of the input, and its number of how many so far. */
  input: string;
  inputs: number;
  /** Nothing will come any more. */
  over: boolean;
  /** Seconds since the start; of the whole run once it is over. */
  elapsed: number;
  dgrams: number;
  bytes: number;
  /** Per second now, or the mean of the run once it is over. */
  dgramRate: number;
  byteRate: number;
  /** One value per second, oldest first. */
  dgramHistory: readonly number[];
  byteHistory: readonly number[];
  /** UTC time of the last dgram; empty before the first. */
  time: string;
  transitions: readonly LiveTransition[];
  /** Those that came once (configurations) last. */
  detectors: readonly LiveDetector[];
  /** Dgrams with root damage. */
  damaged: number;
  damage: readonly { where: string; counts: Readonly<Record<string, number>> }[];
  errors: number;
  warnings: number;
  findings: readonly string[];
  /** The last dgrams as lines, oldest first. */
  recent: readonly string[];
}

export interface LiveTransition {
  name: string;
  count: number;
  rate: number;
}

export interface LiveDetector {
  /** `hsd_0`. */
  detector: string;
  alg: string;
  count: number;
  /** Blocks per second now. */
  rate: number;
  /** Blocks per second of dgram time; undefined before the second. */
  dataRate: number | undefined;
  meanBytes: number;
  /** Values of the last block. */
  fields: readonly LiveField[];
}

export interface LiveField {
  name: string;
  /** `UINT16[512,1024]`. */
  type: string;
  /** Scalars and texts whole, arrays by their first elements. */
  value: string;
}

export interface LiveModelOptions {
  /** Milliseconds; any origin. */
  clock: () => number;
  epoch: Epoch;
  /** Elements of arrays shown. */
  head: number;
}

/** One input of the screen. */
export interface LiveInput {
  name: string;
  /** Knows its descriptions. */
  walker: Walker;
  log: FindingLog;
  /** Whether blocks of a detector shall be shown. */
  wants: (names: NamesBlock) => boolean;
}

/** A block with more fields than a screen has lines is cut. */
const FIELDS_SHOWN = 64;

/** A block that lies in the memory of the reader. */
class PendingBlock {
  bytes: Buffer | undefined;
  view!: DataView;
  start = 0;
  end = 0;
  names!: NamesBlock;
  walker!: Walker;
}

class DetectorState {
  readonly detector: string;
  readonly alg: string;
  readonly meter = new RateMeter();
  bytes = 0;
  first = 0;
  last = 0;
  fields: readonly LiveField[] = [];
  /** Where its last block lies, until `settle`. */
  readonly pending = new PendingBlock();

  constructor({ detName, segment, alg }: NamesBlock) {
    this.detector = `${detName}_${segment}`;
    this.alg = alg;
  }
}

export class LiveModel {
  readonly visitor: Visitor;
  private readonly options: LiveModelOptions;
  private readonly started: number;
  private readonly sampling: SampleClock;
  private readonly dgrams = new RateMeter();
  private readonly bytes = new RateMeter();
  private readonly services = new Map<number, RateMeter>();
  private readonly detectors = new Map<string, DetectorState>();
  /** Descriptions are new objects after a Configure, and the old ones may go. */
  private readonly known = new WeakMap<NamesBlock, DetectorState>();
  private readonly damage = new DamageCounts();
  private readonly recent = new RecentDgrams();
  private readonly inputs: LiveInput[] = [];
  private readonly block = new ShapesData();
  private pending: DetectorState[] = [];
  private input!: LiveInput;
  private damaged = 0;
  private dgram: Dgram | undefined;
  private seconds = 0;
  private time = { sec: 0, nsec: 0 };
  private ended: number | undefined;

  constructor(options: LiveModelOptions) {
    this.options = options;
    this.started = options.clock();
    this.sampling = new SampleClock(this.started);
    this.visitor = {
      parent: (start) => this.damage.contributor(this.dgram!, start),
      header: (start, type, names) => this.header(start, type, names),
      data: (block) => this.damage.children(block),
    };
  }

  /** Another input begins. */
  begin(input: LiveInput): void {
    this.input = input;
    this.inputs.push(input);
  }

  /** Counts a dgram of an input; the walk that follows (with `visitor`) counts its blocks. */
  observe(dgram: Dgram, input: LiveInput): void {
    const { service, sec, nsec } = dgram;
    this.input = input;
    this.dgram = dgram;
    this.dgrams.count++;
    this.bytes.count += dgram.size;
    this.seconds = sec + nsec / 1e9;
    this.time.sec = sec;
    this.time.nsec = nsec;
    let meter = this.services.get(service);
    if (!meter) this.services.set(service, (meter = new RateMeter()));
    meter.count++;
    if (dgram.damage !== 0) this.damaged++;
    this.damage.root(dgram);
    this.recent.add(dgram);
  }

  private header(start: number, type: number, names: NamesBlock | undefined): void {
    const { view, bytes } = this.dgram!;
    this.damage.block(this.dgram!, start, type, names);
    if (type !== TYPE.ShapesData || !names || !this.input.wants(names)) return;
    const state = this.known.get(names) ?? this.meet(names);
    const size = view.getUint32(start + XTC.extent, true);
    if (state.meter.count++ === 0) state.first = this.seconds;
    state.last = this.seconds;
    state.bytes += size;
    const { pending } = state;
    if (pending.bytes === undefined) this.pending.push(state);
    pending.bytes = bytes;
    pending.view = view;
    pending.start = start;
    pending.end = start + size;
    pending.names = names;
    pending.walker = this.input.walker;
  }

  private meet(names: NamesBlock): DetectorState {
    const key = `${names.detName}\0${names.segment}\0${names.alg}`;
    let state = this.detectors.get(key);
    if (!state) this.detectors.set(key, (state = new DetectorState(names)));
    this.known.set(names, state);
    return state;
  }

  /** Decodes the last block of each detector. Must be called before the memory of the dgrams is used again. */
  settle(): void {
    for (const state of this.pending) {
      const { bytes, view, start, end, names, walker } = state.pending;
      state.pending.bytes = undefined;
      // The checker has reported what is wrong with the block.
      if (this.block.open(bytes!, view, start, end, 0, names, () => {})) {
        state.fields = this.fieldsOf(this.block, walker);
      }
    }
    this.pending = [];
  }

  private fieldsOf(block: ShapesData, { table }: Walker): LiveField[] {
    return block.names.fields.slice(0, Math.min(block.count, FIELDS_SHOWN)).map((field) => ({
      name: field.name,
      type: typeText(block, field),
      value: valueText(block, field, table, this.options.head),
    }));
  }

  /** All inputs are over: from now on rates are means of the whole run. */
  end(): void {
    this.settle();
    this.ended ??= this.options.clock();
  }

  /** What there is to see now. Rates are sampled here, so it should be called several times a second. */
  snapshot(): LiveSnapshot {
    const over = this.ended !== undefined;
    const now = this.ended ?? this.options.clock();
    if (!over) this.sample(now);
    const elapsed = now - this.started;
    const rate = (meter: RateMeter) => (over ? meter.mean(elapsed) : meter.rate(elapsed));
    const { sec, nsec } = this.time;
    return {
      input: this.inputs.length > 0 ? this.input.name : '',
      inputs: this.inputs.length,
      over,
      elapsed: elapsed / 1000,
      dgrams: this.dgrams.count,
      bytes: this.bytes.count,
      dgramRate: rate(this.dgrams),
      byteRate: rate(this.bytes),
      dgramHistory: this.dgrams.history,
      byteHistory: this.bytes.history,
      time: this.dgrams.count > 0 ? formatUtc(sec, nsec, this.options.epoch) : '',
      transitions: [...this.services]
        .sort(([a], [b]) => a - b)
        .map(([service, meter]) => ({ name: serviceName(service), count: meter.count, rate: rate(meter) })),
      detectors: [...this.detectors.values()]
        .sort((a, b) => Number(b.meter.count > 1) - Number(a.meter.count > 1))
        .map((state) => detectorSnapshot(state, rate(state.meter))),
      damaged: this.damaged,
      damage: this.damage.document(),
      errors: this.inputs.reduce((sum, { log }) => sum + log.errors, 0),
      warnings: this.inputs.reduce((sum, { log }) => sum + log.warnings, 0),
      findings: this.inputs.flatMap(({ log }) => log.lines(false)),
      recent: this.recent.lines(this.options.epoch),
    };
  }

  private sample(now: number): void {
    const passed = this.sampling.due(now);
    if (passed === undefined) return;
    this.dgrams.sample(passed);
    this.bytes.sample(passed);
    for (const meter of this.services.values()) meter.sample(passed);
    for (const { meter } of this.detectors.values()) meter.sample(passed);
  }
}

function detectorSnapshot(state: DetectorState, rate: number): LiveDetector {
  const { detector, alg, meter, bytes, first, last, fields } = state;
  const { count } = meter;
  return {
    detector,
    alg,
    count,
    rate,
    dataRate: count > 1 && last > first ? (count - 1) / (last - first) : undefined,
    meanBytes: count > 0 ? bytes / count : 0,
    fields,
  };
}
