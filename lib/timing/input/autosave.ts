import { MAINS_SLOTS, type Machine } from '../machine.ts';
import { GROUPS, type Group, type Select, type SequenceProgram, type Warning } from '../partition.ts';
import { parseDocument, syntaxError, tryJson } from './document.ts';
import { Field } from './field.ts';
import { destinationMask, fixedByIndex, mainsSelect, numericWarnings, sequenceSelect } from './select.ts';

/** What an XPM's autosave object says (spec timing 11.4). */
export interface Autosave {
  readonly groups: ReadonlyMap<number, Group>;
  readonly programs: ReadonlyMap<number, SequenceProgram>;
  /** Groups that some partition was running when it was written, where the object says so. */
  readonly running: ReadonlySet<number>;
  readonly warnings: readonly Warning[];
}

const WORD_MAX = 0xffffffff;
/** Sub-sequences 0 and 1 idle and halt. */
const FIRST_LOADED = 2;
const DESTINATION_MAX = 0xffff;

export async function readAutosave(text: string, file: string, machine: Machine): Promise<Autosave> {
  const root = new Field(await parseDocument(text, file), file);
  const warnings: Warning[] = [];
  const groups = new Map<number, Group>();
  const running = new Set<number>();
  root.at('PV').members();
  root
    .at('PV')
    .at('PART')
    .items()
    .slice(0, GROUPS)
    .forEach((part, g) => {
      groups.set(g, readPart(part, g, machine, warnings));
      if (part.at('Master').value === 1 || part.at('Run').value === 1) running.add(g);
    });
  return { groups, programs: readPrograms(root, file), running, warnings };
}

function readPart(part: Field, g: number, machine: Machine, warnings: Warning[]): Group {
  const pv = (name: string, max: number): number => part.at(name).integer(0, max);
  const ids = Array.from({ length: 16 }, (_, d) => d).filter((d) => (pv('DstSelect_Mask', DESTINATION_MAX) >> d) & 1);
  return {
    index: g,
    select: readSelect(pv, g, machine, warnings),
    destinations: part.at('DstSelect').value === 1 ? null : destinationMask(ids, g, warnings),
    detectors: [],
    ...(part.at('L0Delay').present ? { l0Delay: part.at('L0Delay').number() } : {}),
  };
}

function readSelect(
  pv: (name: string, max: number) => number,
  g: number,
  machine: Machine,
  warnings: Warning[],
): Select {
  switch (pv('L0Select', 3)) {
    case 0: {
      const index = pv('L0Select_FixedRate', 9);
      warnings.push(...numericWarnings(machine, g, `Group ${g}: marker ${index}`));
      return fixedByIndex(index, machine);
    }
    case 1: {
      const rate = machine.mains[pv('L0Select_ACRate', machine.mains.length - 1)];
      const mask = pv('L0Select_ACTimeslot', 63);
      warnings.push(...numericWarnings(machine, g, `Group ${g}: mains rate ${pv('L0Select_ACRate', 7)}`));
      const slots = Array.from({ length: MAINS_SLOTS }, (_, i) => i + 1).filter((slot) => (mask >> (slot - 1)) & 1);
      if (!rate) throw new RangeError('mains rate out of range');
      return mainsSelect(rate, slots);
    }
    case 2:
      return { kind: 'code', code: pv('L0Select_EventCode', 0xffff) };
    default:
      return sequenceSelect(pv('L0Select_Sequence', 0xffff), pv('L0Select_SeqBit', 15));
  }
}

/** The sub-sequence that was running on each engine; its words are relative to itself. */
function readPrograms(root: Field, file: string): Map<number, SequenceProgram> {
  const programs = new Map<number, SequenceProgram>();
  if (!root.at('OBJ').present || !root.at('PV').at('SEQENG').present) return programs;
  root
    .at('PV')
    .at('SEQENG')
    .items()
    .forEach((engineField, engine) => {
      const running = engineField.at('RUNIDX').integer(0, 63);
      const stored = root.at('OBJ').at(`SEQENG_${engine}`);
      if (running < FIRST_LOADED || !stored.present) return;
      const json = tryJson(stored.text());
      if (!json.ok) throw syntaxError(file, json.message, '');
      const [, entries] = new Field(json.value, file, stored.key).items();
      if (!entries) throw stored.fail('expected [indexMask, {address: [index, size, words]}]');
      for (const [, entry] of entries.members()) {
        const [index, , words] = entry.items();
        if (index?.value !== running || !words) continue;
        programs.set(engine, {
          words: words.items().map((word) => word.integer(0, WORD_MAX)),
          start: 0,
          origin: `${file} engine ${engine}`,
        });
      }
      if (!programs.has(engine)) throw stored.fail(`sub-sequence ${running} runs but is not stored`);
    });
  return programs;
}
