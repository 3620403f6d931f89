import { DgramReader } from '../../stream/dgram-reader.ts';
import { openBytes } from '../../stream/source.ts';
import type { Finding } from '../../xtc/finding.ts';
import { CODE } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { ShapesData } from '../../xtc/shapes-data.ts';
import { Walker } from '../../xtc/walk.ts';

/** One event of a run, over all its files. */
export interface RecordedEvent {
  readonly timestamp: bigint;
  /** Readout groups of the env, OR over the files. */
  groups: number;
  /** From the timing detector, where a file has it. */
  pulseId: bigint | null;
  /** True when the timing detector says that this was a slow marker. */
  slowMarker: boolean;
}

export interface RecordedRun {
  /** In time order. */
  readonly events: readonly RecordedEvent[];
  readonly findings: readonly (readonly [file: string, finding: Finding])[];
}

const EIGHT_GROUPS = 0xff;
/** Markers 0..6 exist in every layout; all of them together are a slow marker, whichever order they have. */
const ALL_MARKERS = 0x7f;
/** Place of the packed marker bits in the timing frame of 2019, behind pulse ID and time stamp. */
const FRAME_MARKERS = 16;
const FRAME_LEAST = 18;

/** Reads the L1Accepts of recorded files (spec timing 11.7). Files of one run share their time stamps. */
export async function readEvents(files: readonly string[], stop?: AbortSignal): Promise<RecordedRun> {
  const events = new Map<bigint, RecordedEvent>();
  const findings: [string, Finding][] = [];
  for (const file of files) {
    const reader = new DgramReader(await openBytes(file), stop === undefined ? {} : { stop });
    const walker = new Walker();
    let current: RecordedEvent | null = null;
    const take = (block: ShapesData): void => {
      if (current !== null && block.names.detType === 'ts') readTiming(block, current);
    };
    try {
      do {
        while (reader.next()) {
          const { dgram } = reader;
          current =
            dgram.service === SERVICE.L1Accept ? eventAt(events, dgram.timestamp, dgram.groups & EIGHT_GROUPS) : null;
          if (current !== null || dgram.service === SERVICE.Configure) walker.walk(dgram, { data: take });
        }
      } while (await reader.fill());
      findings.push(...reader.findings.map((finding): [string, Finding] => [file, finding]));
    } finally {
      reader.close();
    }
  }
  const inOrder = [...events.values()].sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  return { events: inOrder, findings };
}

function eventAt(events: Map<bigint, RecordedEvent>, timestamp: bigint, groups: number): RecordedEvent {
  const event = events.get(timestamp) ?? { timestamp, groups: 0, pulseId: null, slowMarker: false };
  events.set(timestamp, event);
  event.groups |= groups;
  return event;
}

/** Pulse ID and markers: named fields today, one packed frame in 2019. */
function readTiming(block: ShapesData, event: RecordedEvent): void {
  for (const field of block.names.fields) {
    if (field.name === 'pulseId' && field.rank === 0 && field.type === CODE.UINT64)
      event.pulseId = block.bigint(field.index);
    if (field.type !== CODE.UINT8 || field.rank !== 1) continue;
    const bytes = block.fieldBytes(field.index);
    if (field.name === 'fixedRates') {
      // One byte per marker, the highest first.
      event.slowMarker = [...bytes]
        .reverse()
        .slice(0, 7)
        .every((bit) => bit !== 0);
    } else if (field.name === 'data' && bytes.length >= FRAME_LEAST) {
      event.pulseId = bytes.readBigUInt64LE(0);
      event.slowMarker = (bytes.readUInt16LE(FRAME_MARKERS) & ALL_MARKERS) === ALL_MARKERS;
    }
  }
}
