/** Which blocks of a stream become documents: those of the first dgram of a transition, chosen by detector. */

import type { DgramReader } from '../../stream/dgram-reader.ts';
import type { Report } from '../../xtc/finding.ts';
import { describeNames, type NamesBlock } from '../../xtc/names.ts';
import { serviceName } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import { type ExportedDocument, type ExportOptions, exportBlock } from './export.ts';

export interface BlockChoice {
  /** Exact names or `*` patterns joined by commas, of the detector with or without `_` and segment. */
  detector?: string;
  alg?: string;
  segment?: number;
}

export interface Collected {
  documents: ExportedDocument[];
  /** Faults of the stream, as lines for a person. */
  faults: string[];
  /** Blocks with values that were not chosen, and descriptions without values: what else could have been asked for. */
  others: string[];
  /** A dgram of the transition was there. */
  found: boolean;
}

/**
 * Reads dgrams until one of the wanted transition has come.
 * @param choose which of its blocks to take, and how to write their detector names
 */
export async function collectDocuments(
  reader: DgramReader,
  service: number,
  choice: BlockChoice,
  options: (all: readonly NamesBlock[]) => ExportOptions,
): Promise<Collected> {
  const wanted = blockFilter(choice);
  const walker = new Walker();
  const collected: Collected = { documents: [], faults: [], others: [], found: false };
  const fault: Report = (code, offset, detail) => collected.faults.push(`offset ${offset}: ${code}: ${detail}`);
  do {
    while (!collected.found && reader.next()) {
      const { dgram } = reader;
      if (dgram.service !== service) {
        walker.walk(dgram, {});
        continue;
      }
      collected.found = true;
      const chosen: NamesBlock[] = [];
      walker.walk(dgram, { data: ({ names }) => void (wanted(names) && chosen.push(names)) });
      const how = options(chosen);
      walker.walk(
        dgram,
        {
          data: (block) => {
            if (wanted(block.names)) collected.documents.push(exportBlock(block, how));
            else collected.others.push(describeNames(block.names));
          },
        },
        fault,
      );
      const withValues = new Set([...collected.documents.map(({ title }) => title), ...collected.others]);
      for (const names of walker.table) {
        if (!withValues.has(describeNames(names))) collected.others.push(`${describeNames(names)} (no values here)`);
      }
    }
  } while (!collected.found && (await reader.fill()));
  for (const { code, offset, detail } of reader.findings) {
    if (!collected.found || offset === 0) collected.faults.push(`offset ${offset}: ${code}: ${detail}`);
  }
  reader.close();
  return collected;
}

/** What to say when there is no document. */
export function nothingFound(collected: Collected, service: number): string {
  const transition = serviceName(service);
  if (!collected.found) return `there is no ${transition} in the input`;
  const others = collected.others.length > 0 ? `; there are: ${collected.others.join(', ')}` : '';
  return `the ${transition} has no values of that kind${others}`;
}

function blockFilter({ detector, alg, segment }: BlockChoice): (names: NamesBlock) => boolean {
  const detectors = patterns(detector);
  const algs = patterns(alg);
  return (names) =>
    (detectors === undefined || matches(detectors, names.detName, `${names.detName}_${names.segment}`)) &&
    (algs === undefined || matches(algs, names.alg)) &&
    (segment === undefined || names.segment === segment);
}

function matches(wanted: readonly RegExp[], ...names: string[]): boolean {
  return wanted.some((pattern) => names.some((name) => pattern.test(name)));
}

function patterns(list: string | undefined): RegExp[] | undefined {
  return list?.split(',').map((name) => {
    const parts = name.trim().split('*');
    return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.+?()|[\]{}]/g, '\\$&')).join('.*')}$`);
  });
}
