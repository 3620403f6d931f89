import { customMachine, type Machine, SC, UED } from '../machine.ts';
import {
  DEFAULT_MAX_PERIODS,
  firstCode,
  GROUPS,
  type Group,
  type Inhibit,
  LAST_CODE,
  type Partition,
  type Pattern,
  type SequenceProgram,
  type Warning,
} from '../partition.ts';
import { readBeam, readPatterns } from './beam.ts';
import { besideFile, type InputText, parseDocument } from './document.ts';
import { Field } from './field.ts';
import { readCtrlTable } from './pattern-table.ts';
import { readGroupSelect } from './select.ts';
import { readSequence } from './sequence-file.ts';

const KEYS = [
  'format',
  'title',
  'machine',
  'common',
  'autoCommon',
  'groups',
  'detectors',
  'sequences',
  'engines',
  'codes',
  'ctrl',
  'beam',
  'inhibits',
  'maxPeriods',
  'transient',
];
const LARGEST = Number.MAX_SAFE_INTEGER;

/** What an input gives; inputs are laid over each other before they become a Partition. */
export interface PartitionParts {
  title?: string;
  machine?: Machine;
  common?: number;
  autoCommon?: boolean;
  groups: Map<number, Group>;
  detectors: { alias: string; group: number; field: Field }[];
  programs: Map<number, SequenceProgram>;
  engines?: 8 | 4;
  codes: Map<number, readonly Pattern[]>;
  beam?: Partition['beam'];
  inhibits: Map<number, readonly Inhibit[]>;
  maxPeriods?: number;
  transient?: Partition['transient'];
  warnings: Warning[];
}

export function noParts(): PartitionParts {
  return { groups: new Map(), detectors: [], programs: new Map(), codes: new Map(), inhibits: new Map(), warnings: [] };
}

/**
 * Reads a partition file (spec timing 12), JSON or YAML, with the files it names. Throws `timing-input` with file and key for
 * anything the chapter calls an error, `timing-program` for a sequence that is no program.
 */
export async function readPartition(input: InputText): Promise<Partition> {
  return completePartition(await readPartitionParts(input), new Field({}, input.file));
}

export async function readPartitionParts(input: InputText): Promise<PartitionParts> {
  const root = new Field(await parseDocument(input.text, input.file), input.file);
  root.members(KEYS);
  if (root.at('format').value !== 'rog-partition/1') root.at('format').fail('expected "rog-partition/1"');
  const parts = noParts();
  const machine = root.at('machine').present ? readMachine(root.at('machine')) : SC;
  parts.machine = machine;
  readScalars(root, parts);
  for (const [g, field] of root.at('groups').numbered(0, GROUPS - 1)) {
    const { group, warnings } = readGroupSelect(field, g, machine);
    parts.groups.set(g, group);
    parts.warnings.push(...warnings);
  }
  if (root.at('detectors').present) {
    for (const [alias, field] of root.at('detectors').members()) {
      parts.detectors.push({ alias, group: field.integer(0, GROUPS - 1), field });
    }
  }
  if (root.at('codes').present) {
    for (const [code, field] of root.at('codes').numbered(0, LAST_CODE)) {
      parts.codes.set(code, field.value === 'never' ? [] : readPatterns(field, machine.period));
    }
  }
  if (root.at('inhibits').present) {
    for (const [g, field] of root.at('inhibits').numbered(0, GROUPS - 1)) parts.inhibits.set(g, readInhibits(field));
  }
  await readFiles(root, parts, machine, input);
  return parts;
}

function readScalars(root: Field, parts: PartitionParts): void {
  if (root.at('title').present) parts.title = root.at('title').text();
  parts.common = root.at('common').integer(0, GROUPS - 1);
  if (root.at('autoCommon').present) parts.autoCommon = root.at('autoCommon').boolean();
  if (root.at('engines').present) {
    const engines = root.at('engines').integer(4, 8);
    if (engines !== 4 && engines !== 8) throw root.at('engines').fail('expected 4 or 8');
    parts.engines = engines;
  }
  if (root.at('maxPeriods').present) parts.maxPeriods = root.at('maxPeriods').integer(1, LARGEST);
  if (root.at('transient').present) parts.transient = root.at('transient').oneOf(['auto', 'check', 'report']);
}

async function readFiles(root: Field, parts: PartitionParts, machine: Machine, input: InputText): Promise<void> {
  if (root.at('sequences').present) {
    for (const [engine, field] of root.at('sequences').numbered(0, 7)) {
      const { program, warnings } = await readSequence(field, machine, input);
      parts.programs.set(engine, program);
      parts.warnings.push(...warnings);
    }
  }
  const ctrl = root.at('ctrl');
  if (ctrl.present) {
    ctrl.members(['file', 'bits']);
    const bits = ctrl.at('bits').present ? ctrl.at('bits').integer(4, 16) : 4;
    if (bits !== 4 && bits !== 16) throw ctrl.at('bits').fail('expected 4 or 16');
    const file = besideFile(input.file, ctrl.at('file').text());
    const table = await readCtrlTable(
      { text: await input.readText(file), file, readText: input.readText },
      bits,
      machine.period,
    );
    for (const [code, patterns] of table) {
      if (parts.codes.has(code)) ctrl.fail(`code ${code} is in \`codes\` and in the pattern table`);
      parts.codes.set(code, patterns);
    }
  }
  if (root.at('beam').present) parts.beam = await readBeam(root.at('beam'), machine.period, input);
}

/** `"sc"`, `"ued"` or a machine by its marker table. */
export function readMachine(field: Field): Machine {
  if (field.value === 'sc') return SC;
  if (field.value === 'ued') return UED;
  field.members(['period', 'tickHz', 'markers', 'acBoundary']);
  const period = field.at('period').integer(1, 0x3fffffff);
  const intervals = new Map<string, number>();
  for (const [name, interval] of field.at('markers').members()) {
    const ticks = interval.integer(1, period);
    if (period % ticks !== 0) interval.fail(`interval ${ticks} does not divide the period ${period}`);
    intervals.set(name, ticks);
  }
  const boundary = field.at('acBoundary').present ? field.at('acBoundary').integer(1, period) : 1;
  return customMachine(period, field.at('tickHz').number(), intervals, boundary);
}

function readInhibits(field: Field): Inhibit[] {
  const items = field.items();
  if (items.length > 4) field.fail('a group has four inhibits at most');
  return items.map((item) => {
    item.members(['interval', 'limit']);
    return { interval: item.at('interval').integer(1, 4096), limit: item.at('limit').integer(1, 16) };
  });
}

/** Checks that the parts fit together and fills in the defaults. */
export function completePartition(parts: PartitionParts, root: Field): Partition {
  const common = parts.common;
  if (common === undefined) root.fail('the common group is not given');
  const autoCommon = parts.autoCommon ?? false;
  const groups = new Map(parts.groups);
  if (!groups.has(common)) {
    if (!autoCommon) root.at('common').fail(`the common group ${common} has no select`);
    groups.set(common, { index: common, select: null, destinations: null, detectors: [] });
  }
  if (groups.size === 0) root.at('groups').fail('no group is in use');
  for (const { alias, group, field } of parts.detectors) {
    const entry = groups.get(group);
    if (!entry) throw field.fail(`detector ${alias} is in group ${group}, which has no select`);
    groups.set(group, { ...entry, detectors: [...entry.detectors, alias] });
  }
  for (const g of parts.inhibits.keys()) {
    if (!groups.has(g)) root.at('inhibits').at(String(g)).fail(`group ${g} is not in use`);
  }
  const engines = parts.engines ?? 8;
  for (const engine of parts.programs.keys()) {
    for (let code = firstCode(engines, engine), bit = 0; bit < 4; code++, bit++) {
      if (parts.codes.has(code))
        root.at('codes').fail(`code ${code} is made by engine ${engine} and given as a pattern too`);
    }
  }
  return {
    ...(parts.title === undefined ? {} : { title: parts.title }),
    machine: parts.machine ?? SC,
    common,
    autoCommon,
    groups: [...groups.values()].sort((a, b) => a.index - b.index),
    programs: parts.programs,
    engines,
    codes: parts.codes,
    beam: parts.beam ?? { kind: 'unknown' },
    inhibits: parts.inhibits,
    maxPeriods: parts.maxPeriods ?? DEFAULT_MAX_PERIODS,
    transient: parts.transient ?? 'auto',
    warnings: parts.warnings,
  };
}
