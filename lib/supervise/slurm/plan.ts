/** From entries to jobs: what `sbatch` is asked for, and the scripts (spec procmgr.md 2.2, 2.3). Pure. */

import { basename, dirname, join, resolve } from 'node:path';
import type { Entry, ProcessFile } from '../config/types.ts';
import { commandLine } from '../config/words.ts';
import { logName } from '../log-files.ts';
import { every, quoted, type ScriptOptions, stepLines } from './script.ts';

export interface PlanOptions extends Omit<ScriptOptions, 'file' | 'platform'> {
  /** Absolute. */
  readonly logs: string;
  readonly started: Date;
  /** Slurm's partition; `drpq`. */
  readonly queue: string;
  /** Of this computer, for entries of `localhost`. */
  readonly host: string;
}

export interface JobPlan {
  /** Entries in it: one, or all if they are steps. */
  readonly ids: readonly string[];
  readonly comment: string;
  /** Options of `sbatch`; the script is its standard input. */
  readonly args: readonly string[];
  readonly script: string;
  /** Entries whose jobs must have begun before. */
  readonly after: readonly string[];
  /** Folders that must exist. */
  readonly folders: readonly string[];
}

const NO_XPM = 99;

/** XPM of the partition, as the existing manager finds it: `-x` of the command `control`. */
function xpmOf(entries: readonly Entry[]): number {
  for (const { cmd } of entries) {
    const argv = commandLine(cmd, {}).stages[0]?.argv ?? [];
    const at = argv.indexOf('-x');
    if (basename(argv[0] ?? '') === 'control' && at > 0 && /^\d+$/.test(argv[at + 1] ?? ''))
      return Number(argv[at + 1]);
  }
  return NO_XPM;
}

/** `x3_p2_s0_teb0`: by these the jobs of a file are known, whoever has started them. */
export function commentOf({ entries, platform, station }: ProcessFile, id: string): string {
  return `x${xpmOf(entries)}_p${platform ?? 0}_s${station}_${id}`;
}

/** Comment of the one job whose steps are the entries. */
export function stepsComment(file: ProcessFile): string {
  return commentOf(file, `steps:${basename(file.file)}`);
}

/** One job for each entry. */
export function planJobs(file: ProcessFile, ids: readonly string[], options: PlanOptions): JobPlan[] {
  return chosen(file, ids).map((entry) => {
    const log = logOf(entry.id, hostOf(entry, options), options);
    const comment = commentOf(file, entry.id);
    const args = [
      ...common(file, entry.id, comment, logPattern(log), options),
      '--ntasks=1',
      `--cpus-per-task=${entry.cores ?? 1}`,
      ...nodeOf(entry, options),
      ...gpuOf(entry),
    ];
    const script = [
      '#!/bin/bash',
      ...stepLines(entry, scriptOptions(file, options), logWord(log), [`--job-name=${quoted(entry.id)}`]),
    ];
    const after = entry.after.filter((id) => ids.includes(id));
    return { ids: [entry.id], comment, args, script: `${script.join('\n')}\n`, after, folders: [dirname(log.before)] };
  });
}

/** One job, one step for each entry. Nodes get as many tasks as the fullest of them needs cores. */
export function planSteps(file: ProcessFile, ids: readonly string[], options: PlanOptions): JobPlan {
  const entries = chosen(file, ids);
  const comment = stepsComment(file);
  const name = basename(file.file);
  const own = logOf(`${name}.steps`, undefined, options);
  const cores = new Map<string, number>();
  for (const entry of entries) {
    const node = hostOf(entry, options) ?? '';
    cores.set(node, (cores.get(node) ?? 0) + (entry.cores ?? 1));
  }
  const anywhere = cores.get('') ?? 0;
  const nodes = [...cores.keys()].filter((node) => node !== '');
  const most = Math.max(0, ...nodes.map((node) => cores.get(node) ?? 0)) + anywhere;
  const args = [
    ...common(file, name, comment, logPattern(own), options),
    ...(nodes.length === 0 ? ['--nodes=1'] : [`--nodes=${nodes.length}`, `--nodelist=${nodes.join(',')}`]),
    ...[`--ntasks-per-node=${most}`, '--cpus-per-task=1'],
    ...(entries.some(({ flags }) => flags.includes('g')) ? ['--gres=gpu:1'] : []),
  ];
  const steps = entries.flatMap((entry) => {
    const more = [
      ...['--exclusive', '--nodes=1', '--ntasks-per-node=1', `--job-name=${quoted(entry.id)}`],
      ...[...nodeOf(entry, options).map(quoted), ...gpuOf(entry)],
    ];
    const log = logWord(logOf(entry.id, hostOf(entry, options), options));
    return ['(', ...stepLines(entry, scriptOptions(file, options), log, more), ') & steps+=($!)'];
  });
  const script = [
    '#!/bin/bash',
    'steps=()',
    ...steps,
    'status=0',
    `for step in ${every('steps')}; do wait "$step" || status=$?; done`,
    'exit "$status"',
  ];
  const folders = [dirname(own.before)];
  return { ids: entries.map(({ id }) => id), comment, args, script: `${script.join('\n')}\n`, after: [], folders };
}

/** Groups in which entries are stopped: those that come after others first. */
export function stopOrder(entries: readonly Entry[]): readonly (readonly string[])[] {
  const depth = new Map<string, number>();
  const depthOf = (id: string): number => {
    const known = depth.get(id);
    if (known !== undefined) return known;
    const after = entries.find((entry) => entry.id === id)?.after ?? [];
    const found = after.length === 0 ? 0 : 1 + Math.max(...after.map(depthOf));
    depth.set(id, found);
    return found;
  };
  const groups: string[][] = [];
  for (const { id } of entries) {
    groups[depthOf(id)] ??= [];
    groups[depthOf(id)]?.push(id);
  }
  return groups.filter((group) => group !== undefined).reverse();
}

function chosen({ entries }: ProcessFile, ids: readonly string[]): Entry[] {
  return entries.filter(({ id }) => ids.includes(id));
}

function scriptOptions({ file, platform }: ProcessFile, options: PlanOptions): ScriptOptions {
  return { ...options, file: resolve(file), platform };
}

function common(
  { file }: ProcessFile,
  name: string,
  comment: string,
  log: string,
  { queue }: PlanOptions,
): readonly string[] {
  return [
    ...['--parsable', '--no-requeue', '--open-mode=append', '--export=ALL', `--partition=${queue}`],
    ...[`--job-name=${name}`, `--comment=${comment}`, `--output=${log}`, `--chdir=${dirname(resolve(file))}`],
  ];
}

/** Undefined: Slurm chooses. */
function hostOf({ host }: Entry, options: PlanOptions): string | undefined {
  return host === 'localhost' ? options.host : host;
}

function nodeOf(entry: Entry, options: PlanOptions): string[] {
  const host = hostOf(entry, options);
  return host === undefined ? [] : [`--nodelist=${host}`];
}

function gpuOf({ flags }: Entry): string[] {
  return flags.includes('g') ? ['--gres=gpu:1'] : [];
}

/** A log's name around the name of its node, which only the node knows if Slurm chooses it. */
interface LogPath {
  readonly before: string;
  readonly node: string | undefined;
  readonly after: string;
}

function logOf(id: string, node: string | undefined, options: PlanOptions): LogPath {
  const [before = '', after = ''] = join(options.logs, logName(options.started, '\0', id)).split('\0');
  return { before, node, after };
}

/** For sbatch: a per cent sign of ours must be doubled. */
function logPattern({ before, node, after }: LogPath): string {
  const plain = (text: string) => text.replaceAll('%', '%%');
  return `${plain(before)}${node === undefined ? '%N' : plain(node)}${plain(after)}`;
}

/** For the shell on the node. */
function logWord({ before, node, after }: LogPath): string {
  return node === undefined
    ? `${quoted(before)}"$SLURMD_NODENAME"${quoted(after)}`
    : quoted(`${before}${node}${after}`);
}
