import { DaqError } from '../../errors.ts';
import type { Machine } from '../machine.ts';
import { type Beam, GROUPS, type Group, type Partition } from '../partition.ts';
import { readActiveDetectors } from './active-detectors.ts';
import { readAutosave } from './autosave.ts';
import { type InputText, parseDocument, type ReadText, type RunScript } from './document.ts';
import { Field } from './field.ts';
import { completePartition, noParts, type PartitionParts, readMachine, readPartitionParts } from './partition-file.ts';
import { readCtrlTable, readDestTable } from './pattern-table.ts';
import { readDestination } from './select.ts';
import { readSequenceFile } from './sequence-file.ts';
import { readTsSettings } from './ts-object.ts';
import { parseTsObject, type TsTree } from './ts-tree.ts';

/** Inputs by name; all may be combined, later ones in this list over earlier ones (spec timing 14.1). */
export interface Inputs {
  readonly partition?: string;
  readonly xpm?: string;
  readonly ts?: string;
  readonly tsBase?: string;
  /** `E:FILE[@START]`. */
  readonly seq?: readonly string[];
  readonly ctrl?: string;
  /** `FILE[:KEY]`, none, unknown or a destination. */
  readonly beam?: string;
  /** sc, ued or a file with a marker table. */
  readonly machine?: string;
  readonly activeDetectors?: string;
  readonly groups?: readonly number[];
  readonly common?: number;
  readonly autoCommon?: boolean;
  readonly inhibits: boolean;
  readonly ignoreDestinations?: boolean;
  readonly transient?: Partition['transient'];
  readonly maxPeriods?: number;
}

/** How inputs are read: text by name, and the timing object inside an xtc2 file. */
export interface Readers {
  readonly readText: ReadText;
  readonly readConfigure: (file: string) => Promise<TsTree>;
  readonly runScript?: RunScript;
}

/**
 * Reads all inputs and makes one partition of them. Throws `timing-input`, `timing-script` or `timing-program` with the place, or what
 * the readers throw.
 */
export async function combineInputs(inputs: Inputs, readers: Readers): Promise<Partition> {
  return new Combiner(inputs, readers).combine();
}

class Combiner {
  readonly #inputs: Inputs;
  readonly #readers: Readers;
  #parts: PartitionParts = noParts();
  /** Groups of an XPM that another partition runs. */
  #running: ReadonlySet<number> = new Set();

  constructor(inputs: Inputs, readers: Readers) {
    this.#inputs = inputs;
    this.#readers = readers;
  }

  async combine(): Promise<Partition> {
    const inputs = this.#inputs;
    if (inputs.partition !== undefined) this.#parts = await readPartitionParts(await this.#text(inputs.partition));
    if (inputs.machine !== undefined) this.#parts.machine = await this.#machine(inputs.machine);
    if (inputs.ts !== undefined) await this.#addTs(inputs.ts);
    if (inputs.xpm !== undefined) await this.#addXpm(inputs.xpm);
    await this.#addSources();
    await this.#choose();
    const { common, autoCommon, transient, maxPeriods } = inputs;
    this.#setCommon(common);
    if (autoCommon) this.#parts.autoCommon = true;
    if (transient !== undefined) this.#parts.transient = transient;
    if (maxPeriods !== undefined) this.#parts.maxPeriods = maxPeriods;
    if (inputs.ignoreDestinations) this.#ignoreDestinations();
    if (!inputs.inhibits) this.#parts.inhibits.clear();
    const label = inputs.partition ?? inputs.ts ?? inputs.xpm;
    return completePartition(this.#parts, new Field({}, label));
  }

  async #text(file: string): Promise<InputText> {
    const { readText, runScript } = this.#readers;
    return { text: await readText(file), file, readText, ...(runScript === undefined ? {} : { runScript }) };
  }

  async #machine(name: string): Promise<Machine> {
    if (name === 'sc' || name === 'ued') return readMachine(new Field(name));
    const { text, file } = await this.#text(name);
    return readMachine(new Field(await parseDocument(text, file), file));
  }

  async #tree(file: string): Promise<TsTree> {
    if (/\.xtc2$/i.test(file)) return this.#readers.readConfigure(file);
    return parseTsObject(await this.#readers.readText(file), file);
  }

  async #addTs(file: string): Promise<void> {
    const { tsBase } = this.#inputs;
    let tree = await this.#tree(file);
    if (tsBase !== undefined) tree = tree.over(await this.#tree(tsBase));
    else if (tree.isPartial) {
      throw new DaqError(
        'timing-input',
        'This object lists only what differs from another: give that one with --ts-base.',
        {
          place: { file, key: '_cfgTypeRef' },
        },
      );
    }
    const settings = readTsSettings(tree, this.#parts.machine);
    this.#parts.machine = settings.machine;
    for (const [g, group] of settings.groups) this.#parts.groups.set(g, group);
    for (const [g, inhibits] of settings.inhibits) this.#parts.inhibits.set(g, inhibits);
    this.#parts.warnings.push(...settings.warnings);
  }

  /** A timing object is what will be configured, so its selects win over those saved by the XPM. */
  async #addXpm(file: string): Promise<void> {
    const machine = this.#parts.machine ?? readMachine(new Field('sc'));
    const saved = await readAutosave(await this.#readers.readText(file), file, machine);
    for (const [g, group] of saved.groups) {
      if (this.#parts.groups.has(g)) continue;
      this.#parts.groups.set(g, group);
      this.#parts.warnings.push(...saved.warnings.filter((warning) => warning.group === g));
    }
    for (const [engine, program] of saved.programs) this.#parts.programs.set(engine, program);
    this.#running = saved.running;
  }

  async #addSources(): Promise<void> {
    const { seq, ctrl, beam } = this.#inputs;
    const machine = this.#parts.machine ?? readMachine(new Field('sc'));
    for (const text of seq ?? []) await this.#addSequence(text, machine);
    if (ctrl !== undefined) {
      for (const [code, patterns] of await readCtrlTable(await this.#text(ctrl), 4, machine.period))
        this.#parts.codes.set(code, patterns);
    }
    if (beam !== undefined) this.#parts.beam = await this.#beam(beam, machine);
  }

  /** `E:FILE`, with `@1Hz`, `@any` or `@TICK` behind it. File names may contain colons and at signs. */
  async #addSequence(text: string, machine: Machine): Promise<void> {
    const match = /^([0-7]):(.+?)(?:@(1Hz|any|\d+))?$/.exec(text);
    if (!match) throw new DaqError('usage', `--seq ${text}: expected ENGINE:FILE or ENGINE:FILE@1Hz, @any or @TICK.`);
    const [, engine, file, start] = match as unknown as [string, string, string, string | undefined];
    const { words, warnings } = await readSequenceFile(await this.#text(file), machine);
    const tick = start === undefined || start === '1Hz' ? 0 : start === 'any' ? 'any' : Number(start);
    this.#parts.programs.set(Number(engine), { words, start: tick, origin: file });
    this.#parts.warnings.push(...warnings);
  }

  async #beam(text: string, machine: Machine): Promise<Beam> {
    if (text === 'none' || text === 'unknown') return { kind: text };
    if (/^\d+$/.test(text) || /^[A-Z][A-Za-z0-9]*$/.test(text)) {
      const destination = readDestination(new Field(/^\d+$/.test(text) ? Number(text) : text, undefined, '--beam'));
      return { kind: 'always', destination };
    }
    const match = /^(.*?)(?::(\(.*\)))?$/.exec(text);
    return readDestTable(await this.#text(match?.[1] ?? text), match?.[2], machine.period);
  }

  /** Reduces the groups to those in use; the common one stays in any case. */
  async #choose(): Promise<void> {
    const { activeDetectors, groups, common } = this.#inputs;
    const parts = this.#parts;
    if (activeDetectors !== undefined) await this.#takeDetectors(activeDetectors);
    if (activeDetectors === undefined && groups === undefined) return;
    const chosen = new Set(groups ?? parts.detectors.map((detector) => detector.group));
    const commonGroup = common ?? parts.common;
    if (commonGroup !== undefined) chosen.add(commonGroup);
    for (const g of chosen) if (!parts.groups.has(g) && g !== commonGroup) this.#withoutSelect(g);
    for (let g = 0; g < GROUPS; g++) {
      if (chosen.has(g)) continue;
      if (this.#running.has(g)) {
        const text = `Group ${g}: the autosave object shows it running, and it is not one of ours.`;
        parts.warnings.push({ code: 'foreign-group', group: g, text });
      }
      parts.groups.delete(g);
      parts.inhibits.delete(g);
      parts.warnings = parts.warnings.filter((warning) => warning.group !== g || warning.code === 'foreign-group');
    }
    parts.detectors = parts.detectors.filter((detector) => parts.groups.has(detector.group));
  }

  async #takeDetectors(file: string): Promise<void> {
    const active = await readActiveDetectors(await this.#readers.readText(file), file);
    this.#parts.detectors = active.map((detector) => ({
      ...detector,
      field: new Field(detector.group, file, detector.alias),
    }));
  }

  #withoutSelect(g: number): void {
    const detectors = this.#parts.detectors
      .filter((detector) => detector.group === g)
      .map((detector) => detector.alias);
    if (detectors.length === 0)
      throw new DaqError('timing-input', `Group ${g} is asked for, but no input has a select for it.`, {
        place: { key: '--groups' },
      });
    const text = `Group ${g} (${detectors.join(', ')}) has active detectors but no select in the inputs; it is left out.`;
    this.#parts.warnings.push({ code: 'group-without-select', group: g, text });
    this.#running = new Set([...this.#running].filter((running) => running !== g));
  }

  /** The platform number of the command line wins over the file's. */
  #setCommon(common: number | undefined): void {
    if (common === undefined) return;
    const { common: inFile } = this.#parts;
    if (inFile !== undefined && inFile !== common) {
      const text = `-p ${common} is used as the common group; the partition file says ${inFile}.`;
      this.#parts.warnings.push({ code: 'common-overridden', group: common, text });
    }
    this.#parts.common = common;
  }

  #ignoreDestinations(): void {
    for (const [g, group] of this.#parts.groups)
      this.#parts.groups.set(g, { ...group, destinations: null } satisfies Group);
    this.#parts.warnings = this.#parts.warnings.filter((warning) => warning.code !== 'dest-include-empty');
  }
}
