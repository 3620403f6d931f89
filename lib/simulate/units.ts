/**
 * Units: the segments of detectors, dealt out to the streams of the partition. A unit has the same content wherever it goes,
 * because its random sequences depend on its name only.
 */

import { DataError } from '../errors.ts';
import { checkNamesSpec, type NamesSpec, namesBlockOf } from '../xtc/describe.ts';
import { MAX_NODE_ID } from '../xtc/layout.ts';
import type { NamesBlock } from '../xtc/names.ts';
import { type CompiledField, compileBlock } from './compile.ts';
import type { DetectorDescription, RunDescription } from './description.ts';
import { type FieldPlan, namesFieldsOf } from './fields.ts';
import type { FramePool } from './frames.ts';

/** NamesIds of the DAQ (spec xtc2.md, section 11). */
export const NAMES_ID = { chunkinfo: 252, scan: 253, runinfo: 255 } as const;
const LAST_FREE = 249;
/** EPICS data and information, in the first stream. */
export const EPICS_IDS = { raw: 250, info: 251 } as const;

export interface CompiledBlock {
  names: NamesBlock;
  fields: readonly CompiledField[];
}

export interface Unit {
  /** Position among all units of the run. */
  index: number;
  detector: DetectorDescription;
  segment: number;
  /** Bit of its readout group. */
  groupBit: number;
  config: { names: NamesBlock; fields: readonly FieldPlan[] } | undefined;
  blocks: readonly CompiledBlock[];
}

/** One DRP: what lies in one file. */
export interface Contributor {
  /** Node id = stream number = root src. */
  node: number;
  units: readonly Unit[];
  /** Groups in which any of its units is read out. */
  groups: number;
}

interface Place {
  detector: DetectorDescription;
  segment: number;
  node: number;
}

/**
 * The contributors of a run, by ascending node id.
 * @throws DataError `bad-description` if a stream has more than its NamesIds can name, or `bad-names`
 */
export function contributorsOf(run: RunDescription): Contributor[] {
  const byNode = new Map<number, Place[]>();
  for (const place of places(run)) byNode.set(place.node, [...(byNode.get(place.node) ?? []), place]);
  let index = 0;
  return [...byNode.keys()]
    .sort((a, b) => a - b)
    .map((node) => {
      let free = 0;
      const take = () => {
        if (free > LAST_FREE) {
          throw new DataError(
            'bad-description',
            `stream ${node} has more than ${LAST_FREE + 1} blocks: use more streams`,
            {
              place: { key: 'detectors' },
            },
          );
        }
        return free++;
      };
      const units = byNode.get(node)!.map((place) => unitOf(run, place, index++, take));
      return { node, units, groups: units.reduce((mask, { groupBit }) => mask | groupBit, 0) };
    });
}

/** Deals segments out in turn, or follows the description. Detectors get more segments if there are more streams than segments. */
function places(run: RunDescription): Place[] {
  const { detectors, streams } = run;
  if (streams > MAX_NODE_ID + 1) throw new DataError('bad-description', `there are at most ${MAX_NODE_ID + 1} streams`);
  const segments = detectors.map(({ segments }) => segments);
  const total = () => segments.reduce((sum, count) => sum + count, 0);
  for (let turn = 0; total() < streams; turn++) segments[turn % segments.length]! += 1;
  let next = 0;
  return detectors.flatMap((detector, d) =>
    Array.from({ length: segments[d]! }, (_, segment) => ({
      detector,
      segment,
      node: streams > 0 ? next++ % streams : (detector.stream ?? 0),
    })),
  );
}

function unitOf(run: RunDescription, { detector, segment, node }: Place, index: number, take: () => number): Unit {
  const describe = (alg: string, version: NamesSpec['version'], fields: readonly FieldPlan[], detId: string) => {
    const spec: NamesSpec = {
      nodeId: node,
      namesId: take(),
      detType: detector.type,
      detName: detector.name,
      detId,
      segment,
      alg,
      version,
      fields: fields.flatMap(namesFieldsOf),
    };
    checkNamesSpec(spec);
    return namesBlockOf(spec);
  };
  const settings = settingsOf(detector);
  const id = segment === 0 ? detector.id : `${detector.id}-${segment}`;
  const config =
    settings.length === 0 ? undefined : { names: describe('config', [2, 0, 1], settings, id), fields: settings };
  const path = [detector.name, segment];
  const pools = new Map<string, FramePool>();
  const blocks = detector.plan.blocks.map(({ alg, version, fields }) => {
    const names = describe(alg, version, fields, '');
    return { names, fields: compileBlock(fields, { seed: run.seed, path: [...path, alg], alg, pools }) };
  });
  return { index, detector, segment, groupBit: 1 << detector.group, config, blocks };
}

/** The kind's settings, each replaced by the description's if it has one of that name, then the others. */
function settingsOf({ plan, settings }: DetectorDescription): FieldPlan[] {
  const own = new Map(settings.map((setting) => [setting.name, setting]));
  const usual = plan.config.map((setting) => own.get(setting.name) ?? setting);
  const names = new Set(usual.map(({ name }) => name));
  return [...usual, ...settings.filter(({ name }) => !names.has(name))];
}
