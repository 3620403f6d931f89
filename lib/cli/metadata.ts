/** A command's own metadata as plain values: what help, man pages and shell completion are made of. */

import type { Command } from '@oclif/core/command';

/** Group under which `daqpipe` lists a command. */
export type Concern =
  | 'dgrams'
  | 'configuration'
  | 'python'
  | 'calibration'
  | 'timing'
  | 'trigger'
  | 'live'
  | 'graphs'
  | 'mapreduce'
  | 'system';

/** What is read of a command class: its statics. */
export interface CommandClass {
  readonly summary?: string | undefined;
  readonly usageLine: string;
  readonly concern: Concern;
  readonly examples?: Command.Example[] | undefined;
  readonly baseFlags: object;
  readonly flags: object;
  readonly exitMeanings: Readonly<Record<string, string>>;
}

export interface OptionMeta {
  name: string;
  char: string | undefined;
  /** What the help writes for the value; undefined for switches. */
  value: string | undefined;
  summary: string;
  description: string | undefined;
  choices: readonly string[];
  defaultText: string | undefined;
  multiple: boolean;
  group: string;
}

export interface CommandMeta {
  name: string;
  summary: string;
  usage: string;
  concern: Concern;
  examples: readonly { description: string; command: string }[];
  options: readonly OptionMeta[];
  /** By status, where it differs from the common table. */
  exitMeanings: Readonly<Record<string, string>>;
}

interface FlagShape {
  type: 'boolean' | 'option';
  char?: string;
  summary?: string;
  description?: string;
  helpValue?: string | string[];
  helpGroup?: string;
  options?: readonly string[];
  default?: unknown;
  multiple?: boolean;
  hidden?: boolean;
  allowNo?: boolean;
}

export function metadataOf(command: CommandClass, name: string): CommandMeta {
  const flags = { ...command.baseFlags, ...command.flags } as Record<string, FlagShape>;
  return {
    name,
    summary: command.summary ?? '',
    usage: command.usageLine,
    concern: command.concern,
    examples: ((command.examples ?? []) as (string | { description: string; command: string })[]).map((example) =>
      typeof example === 'string' ? { description: '', command: example } : example,
    ),
    options: Object.entries(flags)
      .filter(([, flag]) => !flag.hidden)
      .map(([flagName, flag]) => optionMeta(flagName, flag)),
    exitMeanings: command.exitMeanings,
  };
}

function optionMeta(name: string, flag: FlagShape): OptionMeta {
  const helpValue = Array.isArray(flag.helpValue) ? flag.helpValue.join(' ') : flag.helpValue;
  const choices = flag.options ?? [];
  return {
    name: flag.allowNo ? `[no-]${name}` : name,
    char: flag.char,
    value: flag.type === 'boolean' ? undefined : (helpValue ?? (choices.length > 0 ? choices.join('|') : 'VALUE')),
    summary: flag.summary ?? '',
    description: flag.description,
    choices,
    defaultText:
      typeof flag.default === 'string' || typeof flag.default === 'number' ? String(flag.default) : undefined,
    multiple: flag.multiple ?? false,
    group: flag.helpGroup ?? 'OPTIONS',
  };
}

/** Options by group, OPTIONS first, COMMON last. */
export function groupedOptions(meta: CommandMeta): Map<string, OptionMeta[]> {
  const groups = new Map<string, OptionMeta[]>([['OPTIONS', []]]);
  for (const option of meta.options) groups.set(option.group, [...(groups.get(option.group) ?? []), option]);
  const common = groups.get('COMMON');
  groups.delete('COMMON');
  if (common) groups.set('COMMON', common);
  if (groups.get('OPTIONS')!.length === 0) groups.delete('OPTIONS');
  return groups;
}

/** `-n, --count=N`. */
export function optionLabel(option: OptionMeta): string {
  const long = `--${option.name}${option.value === undefined ? '' : `=${option.value}`}`;
  return option.char === undefined ? `    ${long}` : `-${option.char}, ${long}`;
}
