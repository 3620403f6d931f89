import { DaqError } from '../../errors.ts';
import { runSubset } from '../../python/subset/program.ts';
import { PyForeign, typeName } from '../../python/subset/value.ts';
import type { Machine } from '../machine.ts';
import type { Warning } from '../partition.ts';
import type { ScriptInstruction } from '../sequence/macro.ts';
import { instructionConstructors } from './instruction.ts';

export interface ScriptResult {
  /** Instructions as written, macros not expanded. */
  readonly instructions: readonly ScriptInstruction[];
  readonly title: string | null;
  readonly warnings: readonly Warning[];
}

/** Code of all errors of scripts. */
export const SCRIPT_ERROR = 'timing-script';

/**
 * Runs a sequence script (spec timing 9.2) without Python: a subset, and anything outside it is an error with its line, never a guess.
 * Throws `timing-script` with file and line.
 */
export function evaluateScript(text: string, file: string, machine: Machine): ScriptResult {
  const warnings: Warning[] = [];
  const names = instructionConstructors(machine, warnings);
  const scope = runSubset(text, { file, code: SCRIPT_ERROR, names, importProblem });
  const list = scope.get('instrset');
  if (!Array.isArray(list))
    throw new DaqError(SCRIPT_ERROR, 'The script does not set `instrset` to a list.', { place: { file } });
  const instructions = list.map((item, i) => {
    if (item instanceof PyForeign) return item.value as ScriptInstruction;
    throw new DaqError(SCRIPT_ERROR, `Entry ${i} of instrset is a ${typeName(item)}, not an instruction.`, {
      place: { file },
    });
  });
  const title = scope.get('title');
  return { instructions, title: typeof title === 'string' ? title : null, warnings };
}

/** Only the module whose names are built in may be named; nothing is loaded. */
function importProblem(statement: string): string | undefined {
  if (/^(from|import)\s+psdaq\.seq\b/.test(statement)) return undefined;
  return `only the psdaq.seq module may be imported, not: ${statement}`;
}
