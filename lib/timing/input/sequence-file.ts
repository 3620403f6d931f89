import type { Machine, Ticks } from '../machine.ts';
import type { SequenceProgram, Warning } from '../partition.ts';
import { looksLikeEncoding, wordsOfEncoding } from '../sequence/encoding.ts';
import { type AddressUse, expandMacros, lintUpper, packScript, type ScriptInstruction } from '../sequence/macro.ts';
import { besideFile, type InputText, parseDocument, type RunScript } from './document.ts';
import { Field } from './field.ts';

interface Loaded {
  readonly words: readonly number[];
  readonly warnings: readonly Warning[];
}

export interface LoadedSequence {
  readonly program: SequenceProgram;
  readonly warnings: readonly Warning[];
}

const WORD_MAX = 0xffffffff;
const ROW = 7;

/** A SEQ of spec timing 12; file names are relative to the partition file. */
export async function readSequence(field: Field, machine: Machine, input: InputText): Promise<LoadedSequence> {
  const forms = field.members(['words', 'encoding', 'file', 'start', 'markerIntervals']).map(([key]) => key);
  const given = ['words', 'encoding', 'file'].filter((key) => forms.includes(key));
  if (given.length !== 1) field.fail('expected exactly one of words, encoding, file');
  const file = field.at('file').present ? besideFile(input.file, field.at('file').text()) : undefined;
  const loaded =
    file === undefined
      ? loadLists(field)
      : await readSequenceFile({ ...input, text: await input.readText(file), file }, machine);
  const start = field.at('start');
  return {
    program: {
      words: loaded.words,
      start: !start.present ? 0 : start.value === 'any' ? 'any' : start.integer(0, Number.MAX_SAFE_INTEGER),
      ...(field.at('markerIntervals').present
        ? { markerIntervals: readIntervals(field.at('markerIntervals'), machine) }
        : {}),
      ...(file === undefined ? {} : { origin: file }),
    },
    warnings: loaded.warnings,
  };
}

/** A `.py` script, or a JSON list or object of words or encoding. Throws `timing-input`, `timing-script` or `timing-program`. */
export async function readSequenceFile(input: InputText, machine: Machine): Promise<Loaded> {
  if (/\.py$/i.test(input.file)) {
    const script = await (input.runScript ?? builtIn)(input.text, input.file, machine);
    const loaded = loadScript(script.instructions);
    return { words: loaded.words, warnings: named(input.file, [...script.warnings, ...loaded.warnings]) };
  }
  const root = new Field(await parseDocument(input.text, input.file), input.file);
  const loaded = Array.isArray(root.value) ? loadBareList(root) : loadLists(root);
  return { words: loaded.words, warnings: named(input.file, loaded.warnings) };
}

/** The parser is loaded only when there is a script. */
const builtIn: RunScript = async (text, file, machine) => {
  const { evaluateScript } = await import('../script/evaluate.ts');
  return evaluateScript(text, file, machine);
};

/** Words and findings of the instructions of a script. */
export function loadScript(instructions: readonly ScriptInstruction[]): Loaded {
  const expanded = expandMacros(instructions);
  const uses = expanded.map((i, line): AddressUse => {
    if (i.kind === 'upper') return { line, upper: i.line };
    return i.kind === 'jump' ? { line, jump: i.line } : { line };
  });
  return { words: packScript(expanded), warnings: lintUpper(uses) };
}

function loadLists(field: Field): Loaded {
  if (field.at('words').present) return { words: readWords(field.at('words')), warnings: [] };
  if (field.at('encoding').present) return loadEncoding(field.at('encoding'));
  return field.fail('expected `words` or `encoding`');
}

function loadBareList(field: Field): Loaded {
  const numbers = field.items().map((item) => item.number());
  return looksLikeEncoding(numbers) ? loadEncoding(field) : { words: readWords(field), warnings: [] };
}

function readWords(field: Field): number[] {
  const words = field.items().map((item) => item.integer(0, WORD_MAX));
  return words.length > 0 ? words : field.fail('the program has no instructions');
}

function loadEncoding(field: Field): Loaded {
  const list = field.items().map((item) => item.integer(-0x80000000, WORD_MAX));
  const words = wordsOfEncoding(list);
  const uses = words.map((_, line): AddressUse => {
    const [opcode, target] = [list[line * ROW + 2], list[line * ROW + 3] as number];
    if (opcode === 8) return { line, upper: target };
    return opcode === 2 ? { line, jump: target } : { line };
  });
  return { words, warnings: lintUpper(uses) };
}

function readIntervals(field: Field, machine: Machine): Ticks[] {
  return field.items().map((item) => {
    const interval = item.integer(1, machine.period);
    return machine.period % interval === 0
      ? interval
      : item.fail(`interval ${interval} does not divide the period ${machine.period}`);
  });
}

function named(file: string, warnings: readonly Warning[]): Warning[] {
  return warnings.map((warning) => ({ ...warning, text: `${file}: ${warning.text}` }));
}
