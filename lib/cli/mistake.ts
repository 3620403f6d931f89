/** Mistakes on the command line, from the words of the flag parser to those of a person: what is missing, and how it is written. */

import { stripVTControlCharacters } from 'node:util';
import { type CommandClass, metadataOf } from './metadata.ts';

interface Argument {
  readonly name: string;
  readonly description?: string;
  readonly options?: readonly string[];
}

/** What the parser throws. */
type ParserError = Error & { readonly oclif: unknown; readonly args?: readonly (Argument | string)[] };

export function isMistake(error: unknown): error is ParserError {
  return error instanceof Error && 'oclif' in error;
}

/** The mistake in one line, without advice. */
export function mistake(error: ParserError, command: CommandClass, name: string): string {
  return told(error, command, name).sentence;
}

/** The mistake, and beneath it how the command is used, and where to read on. */
export function mistakeWithAdvice(error: ParserError, command: CommandClass, name: string): string {
  const { sentence, missing } = told(error, command, name);
  const { usage, examples } = metadataOf(command, name);
  const lines = [sentence];
  if (missing || error.args) lines.push(`usage: ${name} ${usage}`);
  if (missing && examples[0]) lines.push(`example: ${examples[0].command}`);
  return [...lines, `See ${name} --help`].join('\n');
}

function told(error: ParserError, command: CommandClass, name: string): { sentence: string; missing: boolean } {
  const absent = (error.args ?? []).filter((one): one is Argument => typeof one !== 'string').map(argumentLabel);
  if (absent.length > 0) return { sentence: `missing: ${absent.join(', ')}`, missing: true };
  const reasons = reasonsOf(error);
  const flags = reasons.map((reason) => /^Missing required flag (\S+)$/.exec(reason)?.[1]);
  const missing = flags.flatMap((flag) => (flag === undefined ? [] : flagLabel(flag, command, name)));
  const others = reasons.filter((_, i) => flags[i] === undefined);
  const sentences = missing.length > 0 ? [`missing: ${missing.join(', ')}`, ...others] : others;
  return { sentence: sentences.join('; '), missing: missing.length > 0 };
}

/** Without the parser's own heading and advice. */
function reasonsOf({ message }: Error): string[] {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim());
  const own = /^(The following errors? occurred:|See more help with --help|)$/;
  if (lines[0]!.startsWith('The following error')) return lines.filter((line) => !own.test(line));
  const sentence = lines.filter((line) => !own.test(line)).join(' ');
  return [sentence.replace(/^Parsing (--\S+) E/, '$1: e')];
}

function argumentLabel({ name, description, options }: Argument): string {
  const meaning = options?.join(' or ') ?? description;
  return meaning === undefined ? name : `${name} (${meaning})`;
}

function flagLabel(flag: string, command: CommandClass, name: string): string {
  const { value, summary } = metadataOf(command, name).options.find((one) => one.name === flag)!;
  return `--${flag} ${value} (${summary})`;
}
