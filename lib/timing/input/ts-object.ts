import { DaqError } from '../../errors.ts';
import { DESTINATIONS, type Machine, mainsNamed, markerNamed, SC, UED } from '../machine.ts';
import { GROUPS, type Group, type Inhibit, type Select, type Warning } from '../partition.ts';
import { fixedByIndex, mainsSelect, numericWarnings, sequenceSelect } from './select.ts';
import type { Setting, TsTree } from './ts-tree.ts';

/** What a timing object says about its groups. */
export interface TsSettings {
  readonly machine: Machine;
  readonly groups: ReadonlyMap<number, Group>;
  readonly inhibits: ReadonlyMap<number, readonly Inhibit[]>;
  readonly warnings: readonly Warning[];
}

/** Trigger modes by number, for objects without enum. */
const TRIG_MODES = ['FixedRate', 'ACRate', 'EventCode', 'Sequence'];
const INHIBITS = 4;
const SLOTS = 6;
const OLD_DESTINATIONS = 16;

/** Reads every group of a timing object, whatever its layout (spec timing 11.1). `machine` overrides what the labels say. */
export function readTsSettings(tree: TsTree, machine?: Machine): TsSettings {
  return new TsReader(tree, machine ?? (tree.hasLabel('500kHz') ? UED : SC)).read();
}

class TsReader {
  readonly #tree: TsTree;
  readonly #machine: Machine;
  readonly #warnings: Warning[] = [];
  /** Prefixes of the two subtrees; the layout of 2019 has neither. */
  readonly #user: string;
  readonly #expert: string;

  constructor(tree: TsTree, machine: Machine) {
    this.#tree = tree;
    this.#machine = machine;
    const nested = tree.keys('user').length > 0;
    this.#user = nested ? 'user.SC.' : '';
    this.#expert = nested ? 'expert.' : '';
  }

  read(): TsSettings {
    this.#checkEnumOrder();
    const groups = new Map<number, Group>();
    const inhibits = new Map<number, Inhibit[]>();
    for (let g = 0; g < GROUPS; g++) {
      const group = this.#isCu() ? this.#cuGroup(g) : this.#scGroup(g);
      if (!group) continue;
      groups.set(g, group);
      const enabled = this.#inhibits(g);
      if (enabled.length > 0) inhibits.set(g, enabled);
    }
    if (groups.size === 0) throw this.#fail('user', 'the object has no readout group');
    return { machine: this.#machine, groups, inhibits, warnings: this.#warnings };
  }

  #fail(key: string, message: string): DaqError {
    return new DaqError('timing-input', `In the timing object, ${message}.`, { place: { file: this.#tree.file, key } });
  }

  #isCu(): boolean {
    const linac = this.#tree.get('user.LINAC', 'linacEnum');
    return linac !== undefined && (linac.label ?? ['Cu', 'SC'][Number(linac.value)]) === 'Cu';
  }

  #number(path: string): number | undefined {
    const value = this.#tree.get(path)?.value;
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw this.#fail(path, `${JSON.stringify(value)} is not a number`);
    return value;
  }

  #required(path: string): number {
    const value = this.#number(path);
    if (value === undefined) throw this.#fail(path, 'the value is missing');
    return value;
  }

  #cuGroup(g: number): Group | null {
    const code = this.#number(`user.Cu.group${g}_eventcode`);
    if (code === undefined) return null;
    return this.#group(g, { kind: 'code', code }, null, `user.Cu.group${g}_keepRawRate`);
  }

  #scGroup(g: number): Group | null {
    const base = `${this.#user}group${g}`;
    if (this.#tree.get(`${base}.trigMode`) === undefined) return null;
    const group = this.#group(g, this.#select(g, base), this.#destinations(g, base), `${base}.keepRawRate`);
    const l0Delay = this.#number(`${base}.delay`);
    return l0Delay === undefined ? group : { ...group, l0Delay };
  }

  #group(index: number, select: Select, destinations: number | null, keepRawPath: string): Group {
    const keepRawRate = this.#number(keepRawPath) ?? this.#number(keepRawPath.replace('keepRawRate', 'rawInsertRate'));
    return { index, select, destinations, detectors: [], ...(keepRawRate === undefined ? {} : { keepRawRate }) };
  }

  /** By label of the trigger mode; a number alone means the order of the layouts with all four. */
  #select(g: number, base: string): Select {
    const mode = this.#tree.get(`${base}.trigMode`, 'trigModeEnum') as Setting;
    const name = mode.label ?? TRIG_MODES[Number(mode.value)];
    switch (name) {
      case 'FixedRate':
        return this.#fixed(g, `${base}.fixed.rate`);
      case 'ACRate':
        return this.#mains(g, base);
      case 'EventCode':
        return { kind: 'code', code: this.#required(`${base}.eventcode`) };
      case 'Sequence':
        return this.#sequence(base);
      default:
        throw this.#fail(`${base}.trigMode`, `trigger mode ${String(mode.value)} (${name ?? 'no label'}) is not known`);
    }
  }

  #fixed(g: number, path: string): Select {
    const rate = this.#tree.get(path, 'fixedRateEnum');
    if (rate === undefined) throw this.#fail(path, 'the value is missing');
    if (rate.label === null) {
      this.#warnings.push(...numericWarnings(this.#machine, g, `Group ${g}: ${path} ${String(rate.value)}`));
      return fixedByIndex(Number(rate.value), this.#machine);
    }
    const marker = markerNamed(this.#machine, rate.label);
    if (!marker) throw this.#fail(path, `${JSON.stringify(rate.label)} is no marker of machine ${this.#machine.name}`);
    this.#lintDefault(g, path, Number(rate.value), marker.interval);
    return { kind: 'fixed', label: marker.name, interval: marker.interval };
  }

  /** The stored default is index 6, which was 1 Hz when it was chosen and is every tick since the order was reversed. */
  #lintDefault(g: number, path: string, index: number, interval: number): void {
    if (this.#machine.name !== 'sc' || index !== 6 || interval !== 1) return;
    const text = `Group ${g}: ${path} 6 is the stored default; it meant 1 Hz before 2022-12 and means every tick now.`;
    this.#warnings.push({ code: 'default-changed', group: g, text });
  }

  #mains(g: number, base: string): Select {
    const path = `${base}.ac.rate`;
    const setting = this.#tree.get(path, 'acRateEnum');
    if (setting === undefined) throw this.#fail(path, 'the value is missing');
    if (setting.label === null)
      this.#warnings.push(...numericWarnings(this.#machine, g, `Group ${g}: ${path} ${String(setting.value)}`));
    const rate =
      setting.label === null ? this.#machine.mains[Number(setting.value)] : mainsNamed(this.#machine, setting.label);
    if (!rate) throw this.#fail(path, `${setting.label ?? String(setting.value)} is no mains rate`);
    const slots: number[] = [];
    for (let k = 0; k < SLOTS; k++) if (this.#number(`${base}.ac.ts${k}`)) slots.push(k + 1);
    return mainsSelect(rate, slots);
  }

  /** The word is the mode itself; which entry gives the bit depends on it. */
  #sequence(base: string): Select {
    const word = this.#required(`${base}.seq.mode`);
    const entry = new Map([
      [15, 'burst.mode'],
      [16, 'fixed.rate'],
      [17, 'local.rate'],
    ]).get(word);
    if (entry === undefined) throw this.#fail(`${base}.seq.mode`, `sequence word ${word} is none of 15, 16, 17`);
    return sequenceSelect(word, this.#required(`${base}.seq.${entry}`));
  }

  #destinations(g: number, base: string): number | null {
    const select = this.#tree.get(`${base}.destination.select`, 'destSelectEnum');
    let mask = 0;
    if (select === undefined) {
      for (const name of this.#tree.keys(`${base}.destination`)) {
        const id = DESTINATIONS[name];
        if (id !== undefined && this.#number(`${base}.destination.${name}`)) mask |= 1 << id;
      }
      return mask === 0 ? null : mask;
    }
    if ((select.label ?? ['Include', 'DontCare'][Number(select.value)]) === 'DontCare') return null;
    for (let d = 0; d < OLD_DESTINATIONS; d++) if (this.#number(`${base}.destination.dest${d}`)) mask |= 1 << d;
    if (mask === 0) {
      const text = `Group ${g}: includes no destination, so it never fires.`;
      this.#warnings.push({ code: 'dest-include-empty', group: g, text });
    }
    return mask & 0x7fff;
  }

  #inhibits(g: number): Inhibit[] {
    const list: Inhibit[] = [];
    for (let i = 0; i < INHIBITS; i++) {
      const base = `${this.#expert}group${g}.inhibit${i}`;
      if (!this.#number(`${base}.enable`)) continue;
      list.push({ interval: this.#required(`${base}.interval`), limit: this.#required(`${base}.limit`) });
    }
    return list;
  }

  /** Reports an enum with a known label at another place than today. */
  #checkEnumOrder(): void {
    for (let g = 0; g < GROUPS; g++) {
      const labels = this.#tree.get(`${this.#user}group${g}.fixed.rate`, 'fixedRateEnum')?.labels;
      if (!labels) continue;
      for (const [number, label] of labels) {
        const marker = markerNamed(this.#machine, label);
        if (!marker || marker.index === number) continue;
        const text = `The object's marker ${number} is ${label}, which is ${marker.index} today; labels are used.`;
        this.#warnings.push({ code: 'enum-order', group: null, text });
        return;
      }
    }
  }
}
