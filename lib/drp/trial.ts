/** `drp-python --check`: what a script does to a few events, in words. */

import { Dgram } from '../xtc/dgram.ts';
import { fieldTypeName } from '../xtc/layout.ts';
import { formatVersion, type NamesBlock } from '../xtc/names.ts';
import { SERVICE } from '../xtc/service.ts';
import { Walker } from '../xtc/walk.ts';

/** Sees every dgram before and after the script. */
export class Trial {
  private readonly before = new Walker();
  private readonly after = new Walker();
  private readonly described: NamesBlock[] = [];
  private readonly added = new Map<string, number>();
  private readonly removed = new Map<string, number>();
  private events = 0;
  private dropped = 0;
  private damaged = 0;
  private bytesIn = 0;
  private bytesOut = 0;

  /** @param output undefined if the script dropped the event */
  readonly observe = (input: Buffer, output: Buffer | undefined): void => {
    const given = blocksOf(input, this.before);
    if (output === undefined) {
      this.events++;
      this.dropped++;
      return;
    }
    const dgram = new Dgram(output);
    const made = blocksOf(output, this.after);
    if (dgram.service === SERVICE.Configure) {
      const known = new Set([...this.before.table].map(titleOf));
      this.described.push(...[...this.after.table].filter((names) => !known.has(titleOf(names))));
    }
    if (dgram.service !== SERVICE.L1Accept) return;
    this.events++;
    if (dgram.damage !== 0) this.damaged++;
    this.bytesIn += input.length;
    this.bytesOut += output.length;
    for (const title of made) if (!given.has(title)) count(this.added, title);
    for (const title of given) if (!made.has(title)) count(this.removed, title);
  };

  /** The report. @param micros of the script over all events */
  lines(micros: number): string[] {
    const { events, described, dropped, damaged } = this;
    const lines = described.length === 0 ? ['Configure: the script describes nothing new'] : described.map(describe);
    if (events === 0) return [...lines, 'there was no event to try it on'];
    const kept = Math.max(1, events - dropped);
    lines.push(
      `${events} events: mean size ${Math.round(this.bytesIn / kept)} -> ${Math.round(this.bytesOut / kept)} bytes`,
    );
    for (const [title, times] of this.added) lines.push(`  adds ${title} to ${times} of ${events}`);
    for (const [title, times] of this.removed) lines.push(`  removes ${title} from ${times} of ${events}`);
    if (dropped > 0) lines.push(`  drops ${dropped} of ${events} altogether`);
    if (damaged > 0) lines.push(`  ${damaged} of ${events} came out damaged: see the messages above`);
    const each = micros / events;
    if (each > 0)
      lines.push(
        `script: ${each.toFixed(0)} us per event, so one worker manages about ${Math.round(1e6 / each)} events/s`,
      );
    return lines;
  }
}

/** `detector_segment algorithm` of every ShapesData. */
function blocksOf(bytes: Buffer, walker: Walker): Set<string> {
  const titles = new Set<string>();
  walker.walk(new Dgram(bytes), { data: ({ names }) => void titles.add(titleOf(names)) });
  return titles;
}

function titleOf({ detName, segment, alg }: NamesBlock): string {
  return `${detName}_${segment} ${alg}`;
}

function describe(names: NamesBlock): string {
  const fields = names.fields.map(
    ({ name, type, rank }) => `${name} ${fieldTypeName(type)}${rank > 0 ? `[rank ${rank}]` : ''}`,
  );
  return `Configure: adds ${titleOf(names)} ${formatVersion(names.version)}: ${fields.join(', ')}`;
}

function count(counts: Map<string, number>, title: string): void {
  counts.set(title, (counts.get(title) ?? 0) + 1);
}
