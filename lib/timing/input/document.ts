import { DaqError } from '../../errors.ts';
import type { Machine } from '../machine.ts';
import type { ScriptResult } from '../script/evaluate.ts';

/** Where file contents come from: the command reads the disk, a service may read its database. */
export type ReadText = (file: string) => Promise<string>;

/** How sequence scripts are run: the built-in reader of the subset, or a real python3. */
export type RunScript = (text: string, file: string, machine: Machine) => Promise<ScriptResult>;

/** Text and name of one input, and how to get at files it names. */
export interface InputText {
  readonly text: string;
  readonly file: string;
  readonly readText: ReadText;
  /** Default: the built-in reader. */
  readonly runScript?: RunScript;
}

/** A JSON document; anything that does not begin like one is read as YAML. Throws `timing-input` with line and column. */
export async function parseDocument(text: string, file: string): Promise<unknown> {
  if (/^\s*[[{]/.test(text)) {
    const json = tryJson(text);
    if (json.ok) return json.value;
    // YAML takes flow style and comments as well, so it may still be right; if not, the JSON complaint is the better one.
    if (/\.json$/i.test(file)) throw syntaxError(file, json.message, text);
  }
  const { parse, YAMLParseError } = await import('yaml');
  try {
    return parse(text) as unknown;
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    const at = cause.linePos?.[0];
    throw new DaqError('timing-input', `Not YAML: ${cause.message.split('\n')[0] ?? ''}`, {
      place: { file, ...(at === undefined ? {} : { line: at.line, column: at.col }) },
      cause,
    });
  }
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

export function tryJson(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** A `timing-input` error with the line and column where a text stops being JSON. */
export function syntaxError(file: string, message: string, text: string): DaqError {
  const before = text.slice(0, validPrefix(text));
  const place = { file, line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
  return new DaqError('timing-input', `Not JSON: ${message}.`, { place });
}

/** Length of the longest prefix that could still become JSON; the parser's own message often has no position. */
function validPrefix(text: string): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isUnfinished(text.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

function isUnfinished(prefix: string): boolean {
  const json = tryJson(prefix);
  if (json.ok || /end of JSON|Unterminated/.test(json.message)) return true;
  const position = /position (\d+)/.exec(json.message)?.[1];
  return position !== undefined && Number(position) >= prefix.length;
}

/** `name` as seen from the folder of `from`. */
export function besideFile(from: string, name: string): string {
  if (name.startsWith('/') || from === '-' || !from.includes('/')) return name;
  return `${from.slice(0, from.lastIndexOf('/'))}/${name}`;
}
