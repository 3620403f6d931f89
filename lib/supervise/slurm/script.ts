/** The text that runs on the node for one entry (spec procmgr.md 2.3). Pure. We write scripts, so no value is too odd for a list of exports. */

import type { Entry } from '../config/types.ts';
import { appended, commandLine, pipeTexts } from '../config/words.ts';
import { headerLines } from '../log-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ScriptOptions {
  readonly file: string;
  readonly platform: number | undefined;
  /** Of whoever submits. */
  readonly env: Environment;
  /** Folders behind the rebuilt PATH: ours, and that of node. */
  readonly programFolders: readonly string[];
  /** Programs that take `-p N -u ID` although they are not the only stage: ours. */
  readonly takesAppended: (program: string) => boolean;
}

/** What a process finds beside the variables that Slurm sets: nothing else of the submitter's environment. */
const PASSED = [
  ...['HOME', 'USER', 'CONDA_DEFAULT_ENV', 'CONDA_EXE', 'CONFIGDB_AUTH', 'SUBMODULEDIR', 'DISPLAY', 'XAUTHORITY'],
  'DAQMGR_EXPORT',
];
const SYSTEM_PATH = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const SPARE_CORES = 4;
const END_MARK = 'END_OF_BODY';

/** A word for a shell. */
export function quoted(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** All words of a list of the shell. */
export function every(list: string): string {
  return `"\${${list}[@]}"`;
}

/** TESTRELDIR and CONDA_PREFIX of the entry's group: `DAQ_TESTRELDIR` for `env_group: 'daq'`. */
function grouped({ envGroup }: Entry, env: Environment, name: string): string | undefined {
  return (envGroup && env[`${envGroup.toUpperCase()}_${name}`]) || env[name];
}

/** Variables whose values are made here; a name stands once, the last value counts. */
export function exportsOf(entry: Entry, { env, programFolders }: ScriptOptions): ReadonlyMap<string, string> {
  const release = grouped(entry, env, 'TESTRELDIR');
  const conda = grouped(entry, env, 'CONDA_PREFIX');
  const path = [
    ...(release ? [`${release}/bin`] : []),
    ...(conda ? [`${conda}/bin`, `${conda}/epics/bin/linux-x86_64`] : []),
    ...SYSTEM_PATH,
    ...programFolders,
  ];
  const made = new Map<string, string>();
  if (release) made.set('TESTRELDIR', release);
  if (conda) made.set('CONDA_PREFIX', conda);
  made.set('PATH', path.join(':'));
  if (release) made.set('LD_LIBRARY_PATH', `${release}/lib`);
  // The form of this variable is the existing manager's: commas separate.
  for (const part of (env.DAQMGR_EXPORT ?? '').split(',')) {
    const at = part.indexOf('=');
    if (at > 0) made.set(part.slice(0, at), part.slice(at + 1));
  }
  for (const [name, value] of entry.env) made.set(name, value);
  return made;
}

/**
 * `srun` of an entry, with its variables, as lines of a shell script. The step opens its log itself: what goes through srun is lost
 * every now and then when a program ends at once with a failure, the whole of it (seen with Slurm 22.05).
 * @param log path as a word of the shell
 * @param more options of srun
 */
export function stepLines(entry: Entry, options: ScriptOptions, log: string, more: readonly string[]): string[] {
  const made = exportsOf(entry, options);
  const release = made.get('TESTRELDIR');
  const python = release !== undefined && !made.has('PYTHONPATH');
  const names = [...new Set([...PASSED, ...made.keys(), ...(python ? ['PYTHONPATH'] : [])])];
  return [
    ...[...made].map(([name, value]) => `export ${name}=${quoted(value)}`),
    ...(python ? [`export PYTHONPATH="$(echo ${quoted(release)}/lib/python3*/site-packages | tr ' ' :)"`] : []),
    // A command stands on one line, so no line of it can be the end mark.
    `read -r -d '' body <<'${END_MARK}'`,
    `exec >> ${log} 2>&1`,
    ...bodyLines(entry, options),
    END_MARK,
    [
      ...['exec', 'srun', '--ntasks=1', `--cpus-per-task=${entry.cores ?? 1}`, '--unbuffered', ...more],
      ...[`--export=${names.join(',')}`, 'bash', '-c', '"$body"'],
    ].join(' '),
  ];
}

/** What bash does on the node: header, the command, and how every stage ended. */
export function bodyLines(entry: Entry, options: ScriptOptions): string[] {
  const stages = stageTexts(entry, options);
  const command = stages.join(' | ');
  const header = headerLines({
    ...{ id: entry.id, platform: options.platform, host: '', commandLine: command },
    env: { ...options.env, ...Object.fromEntries(exportsOf(entry, options)) },
  });
  const spoken = header.map((line) =>
    line.startsWith('# HOST:') ? `echo '# HOST:    '"$(hostname)"` : `printf '%s\\n' ${quoted(line)}`,
  );
  return [
    // A signal reaches the whole step; this shell waits for its children, and tells how they ended.
    'trap : INT TERM',
    ...spoken,
    'echo "# SLURM_JOB_ID:$SLURM_JOB_ID"',
    ...condaLines(entry, options),
    ...(stages.length === 1 ? [command, 'statuses=($?)'] : pipelineLines(stages)),
    ...endLines(stages),
  ];
}

function condaLines({ conda }: Entry, { env }: ScriptOptions): string[] {
  if (conda === undefined || conda === env.CONDA_DEFAULT_ENV) return [];
  const words = `conda environment ${conda} cannot be activated`;
  return [
    `. "\${CONDA_EXE%/bin/conda}/etc/profile.d/conda.sh" && conda activate ${quoted(conda)} || {`,
    `  printf '%s\\n' ${quoted(`# daq-run: ${words}`)} '# daq-run: ended with status 1'`,
    '  exit 1',
    '}',
  ];
}

/** Commands as written, each with what the manager appends: to the only stage, or to those that know what to do with it. */
function stageTexts(entry: Entry, options: ScriptOptions): string[] {
  const { env, platform, takesAppended } = options;
  const { operators } = commandLine(entry.cmd, env);
  const flat = entry.cmd.replace(/\s*\n\s*/g, ' ').trim();
  // With other operators than the bar it is one text for the shell, as with the existing manager.
  const texts = operators.length > 0 ? [flat] : pipeTexts(flat);
  const extra = appended(entry, platform, 'slurm').map((word, i, all) =>
    all[i - 1] === '-p' ? `'${word}'` : quoted(word),
  );
  return texts.map((text) => {
    const program = commandLine(text, env).stages[0]?.argv[0] ?? '';
    const takes = texts.length === 1 || takesAppended(program);
    const words = [text, ...managerExtras(entry, program, options), ...(takes ? extra : [])].join(' ');
    return entry.rtprio === undefined ? words : `chrt -f ${entry.rtprio} ${words}`;
  });
}

/** Of the existing manager: the workers of `drp` go by its cores, and `daqstat` reads the file. */
function managerExtras({ id, cores }: Entry, program: string, { file }: ScriptOptions): string[] {
  if (program === 'drp' && cores !== undefined) return ['-W', String(Math.max(1, cores - SPARE_CORES))];
  return id === 'daqstat' ? [quoted(file)] : [];
}

/** Words of stage n are marked with `[n]`, as in logs that are written here. The markers outlive a signal, so nothing is cut off. */
function pipelineLines(stages: readonly string[]): string[] {
  const fd = (i: number) => i + 10;
  const closed = stages.map((_, i) => `${fd(i)}>&-`).join(' ');
  return [
    'set -o pipefail',
    'markers=()',
    ...stages.map((_, i) => `exec ${fd(i)}> >(trap '' INT TERM; exec sed -u 's/^/[${i + 1}] /'); markers+=($!)`),
    stages.map((stage, i) => `{ ${stage}\n} 2>&${fd(i)} ${closed}`).join(' |\n  '),
    `statuses=(${every('PIPESTATUS')})`,
    `exec ${closed}`,
    `wait ${every('markers')} 2>/dev/null`,
  ];
}

function endLines(stages: readonly string[]): string[] {
  const notes = stages.map((stage, i) => {
    const program = quoted(`# daq-run: stage ${i + 1} (${stage.split(' ')[0]}) ended with`);
    return `echo ${program} "\${statuses[${i}]}"`;
  });
  return [
    ...(stages.length > 1 ? notes : []),
    'status=0',
    `for one in ${every('statuses')}; do [ "$one" = 0 ] || status=$one; done`,
    'echo "# daq-run: ended with status $status"',
    'exit "$status"',
  ];
}
