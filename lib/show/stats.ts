/** `--stats`: counts, rates, sizes, damage, steps and gaps of a stream. */

import { tableLines } from '../cli/table.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { TYPE, XTC } from '../xtc/layout.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { isEvent, SERVICE, serviceName } from '../xtc/service.ts';
import { type Epoch, formatUtc } from '../xtc/time.ts';
import type { Visitor } from '../xtc/walk.ts';
import { DamageCounts } from './damage-counts.ts';

interface Span {
  count: number;
  bytes: number;
  first: number;
  last: number;
  /** Longest distance of neighbours, seconds, and where it ended. */
  gap: number;
  gapAt: number;
}

interface StepCount {
  events: number;
  damaged: number;
}

export class Stats {
  readonly visitor: Visitor;
  private readonly services = new Map<number, Span>();
  private readonly detectors = new Map<string, Span>();
  private readonly damage = new DamageCounts();
  private readonly steps: StepCount[] = [];
  private inStep = false;
  private dgrams = 0;
  private bytes = 0;
  private dgram!: Dgram;
  private seconds = 0;

  constructor() {
    this.visitor = {
      parent: (start) => this.damage.contributor(this.dgram, start),
      header: (start, type, names) => this.addBlock(start, type, names),
      data: (block) => this.damage.children(block),
    };
  }

  /** Counts the header; the walk that follows counts the contents. */
  begin(dgram: Dgram): void {
    this.dgram = dgram;
    this.dgrams++;
    this.bytes += dgram.size;
    this.seconds = dgram.sec + dgram.nsec / 1e9;
    addToSpan(this.services, dgram.service, dgram.size, this.seconds, dgram.index);
    this.damage.root(dgram);
    this.countStep(dgram);
  }

  private countStep(dgram: Dgram): void {
    if (dgram.service === SERVICE.BeginStep) {
      this.steps.push({ events: 0, damaged: 0 });
      this.inStep = true;
    } else if (dgram.service === SERVICE.EndStep) {
      this.inStep = false;
    } else if (isEvent(dgram.service) && this.inStep) {
      const step = this.steps.at(-1)!;
      step.events++;
      if (dgram.damage !== 0) step.damaged++;
    }
  }

  private addBlock(start: number, type: number, names: NamesBlock | undefined): void {
    const { view } = this.dgram;
    this.damage.block(this.dgram, start, type, names);
    if (type !== TYPE.ShapesData || !names) return;
    const size = view.getUint32(start + XTC.extent, true);
    addToSpan(this.detectors, `${names.detName}\0${names.segment}\0${names.alg}`, size, this.seconds, this.dgram.index);
  }

  /** Everything as plain values. Rates are per second of dgram time, sizes in bytes. */
  document() {
    return {
      dgrams: this.dgrams,
      bytes: this.bytes,
      transitions: [...this.services]
        .sort(([a], [b]) => a - b)
        .map(([service, span]) => ({ transition: serviceName(service), ...spanDocument(span) })),
      detectors: [...this.detectors].map(([key, span]) => {
        const [det, segment, alg] = key.split('\0') as [string, string, string];
        return { det, segment: Number(segment), alg, ...spanDocument(span) };
      }),
      damage: this.damage.document(),
      steps: this.steps,
    };
  }

  /** The same for people. */
  lines(epoch: Epoch): string[] {
    const document = this.document();
    const lines = [`${document.dgrams} dgrams, ${document.bytes} bytes`, ''];
    const columns = ['count', 'rate/s', 'mean bytes', 'max gap s', 'gap ends at dgram'].map((title) => ({
      title,
      align: 'right' as const,
    }));
    lines.push(
      ...tableLines(
        [{ title: 'transition' }, ...columns, { title: 'first' }, { title: 'last' }],
        document.transitions.map((row) => [
          row.transition,
          ...spanCells(row),
          timeCell(row.first, epoch),
          timeCell(row.last, epoch),
        ]),
      ),
    );
    if (document.detectors.length > 0) {
      const rows = document.detectors.map((row) => [`${row.det}_${row.segment}`, row.alg, ...spanCells(row)]);
      lines.push('', ...tableLines([{ title: 'detector' }, { title: 'alg' }, ...columns], rows));
    }
    if (document.steps.length > 0) {
      const rows = document.steps.map((step, i) => [i, step.events, step.damaged]);
      const titles = ['step', 'events', 'damaged'].map((title) => ({ title, align: 'right' as const }));
      lines.push('', ...tableLines(titles, rows));
    }
    lines.push('', ...damageLines(document.damage));
    return lines;
  }
}

function damageLines(damage: readonly { where: string; counts: Record<string, number> }[]): string[] {
  if (damage.length === 0) return ['no damage'];
  const rows = damage.flatMap(({ where, counts }) =>
    Object.entries(counts).map(([name, count]) => [where, name, count]),
  );
  return tableLines([{ title: 'damage on' }, { title: 'what' }, { title: 'dgrams', align: 'right' }], rows);
}

function addToSpan<K>(spans: Map<K, Span>, key: K, bytes: number, seconds: number, index: number): void {
  const span = spans.get(key);
  if (span === undefined) {
    spans.set(key, { count: 1, bytes, first: seconds, last: seconds, gap: 0, gapAt: index });
    return;
  }
  span.count++;
  span.bytes += bytes;
  if (seconds - span.last > span.gap) {
    span.gap = seconds - span.last;
    span.gapAt = index;
  }
  span.last = seconds;
}

function spanDocument(span: Span) {
  const duration = span.last - span.first;
  return {
    count: span.count,
    bytes: span.bytes,
    rate: span.count > 1 && duration > 0 ? (span.count - 1) / duration : null,
    meanBytes: span.bytes / span.count,
    first: span.first,
    last: span.last,
    maxGap: span.gap,
    maxGapAt: span.count > 1 ? span.gapAt : null,
  };
}

function spanCells(row: ReturnType<typeof spanDocument>): (string | number)[] {
  const gap = row.maxGapAt === null ? ['-', '-'] : [row.maxGap.toPrecision(4), row.maxGapAt];
  return [row.count, row.rate === null ? '-' : row.rate.toPrecision(5), row.meanBytes.toFixed(0), ...gap];
}

function timeCell(seconds: number, epoch: Epoch): string {
  const sec = Math.floor(seconds);
  return formatUtc(sec, Math.round((seconds - sec) * 1e9), epoch).slice(0, 23);
}
