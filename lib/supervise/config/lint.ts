/** Everything that is wrong with a process file: what the existing lint finds, and what it misses (spec procmgr.md 1.5, 2.3). Pure. */

import { InputError } from '../../errors.ts';
import { policiesOf } from './entries.ts';
import { PROCMGR_KEYS, type RawEntry, type RawFile, SLURM_KEYS } from './raw.ts';
import type { LintCode, LintProblem, ProcessFile } from './types.ts';
import { commandLine } from './words.ts';

export interface LintOptions {
  /** Absolute path of a program, or undefined; called for the first word of every stage. */
  readonly findProgram: (name: string) => string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Programs that take `-p N -u ID` at the end: ours. */
  readonly takesAppended: (program: string) => boolean;
}

const FLAGS = 'Xxskupg';
const LONGEST_ID = 30;
const PLATFORMS = /^[0-9]$/;

/** Codes that the existing lint has too. */
const EXISTING: ReadonlySet<LintCode> = new Set([
  'missing-key',
  'unknown-key',
  'not-text',
  'bad-id',
  'duplicate-id',
  'unknown-flag',
  'bad-platform',
  'wrapper-in-cmd',
  'unknown-to-existing-lint',
]);
const SEVERITIES: Readonly<Partial<Record<LintCode, LintProblem['severity']>>> = {
  'not-stopped-politely': 'warning',
  'unknown-to-existing-lint': 'note',
};

class Lint {
  readonly problems: LintProblem[] = [];
  readonly #options: LintOptions;
  #line: number | undefined;

  constructor(options: LintOptions) {
    this.#options = options;
  }

  #add(code: LintCode, id: string | null, message: string): void {
    const severity = SEVERITIES[code] ?? 'error';
    this.problems.push({ code, severity, id, message, existing: EXISTING.has(code), line: this.#line });
  }

  file({ entries, platform, text, policies, file }: RawFile): void {
    for (const name of ['__file__', 'TESTRELDIR']) {
      if (new RegExp(`\\b${name}\\b`).test(text.replace(/#.*/g, '')))
        this.#add('unknown-to-existing-lint', null, `the existing lint does not define ${name}`);
    }
    if (platform !== undefined && !PLATFORMS.test(platform))
      this.#add('bad-platform', null, `platform is a digit from 0 to 9, not "${platform}"`);
    const seen = new Map<string, number>();
    const ports = new Map<string, string>();
    entries.forEach((entry, i) => {
      this.#line = entry.line;
      const name = this.#entry(entry, i);
      if (name === undefined) return;
      seen.set(name, (seen.get(name) ?? 0) + 1);
      if (seen.get(name) === 2) this.#add('duplicate-id', name, 'the id is used twice');
      const port = entry.values.get('port');
      const at = `${String(entry.values.get('host') ?? 'localhost')}:${String(port)}`;
      if (port !== undefined && ports.has(at))
        this.#add('duplicate-port', name, `${at} is ${ports.get(at)}'s port already`);
      ports.set(at, name);
    });
    this.#policies(policies, new Set(seen.keys()), file);
  }

  /** Of `daq_run`, which the process manager passes over. */
  #policies(policies: unknown, ids: ReadonlySet<string>, file: string): void {
    this.#line = undefined;
    try {
      const policyOf = policiesOf(policies, ids, file);
      for (const id of ids)
        for (const other of policyOf(id).after)
          if (!ids.has(other)) this.#add('bad-policy', id, `daq_run: ${id} comes after ${other}, which does not exist`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#add('bad-policy', null, error.message);
    }
  }

  /** An entry of our own notation. */
  own(id: string, cmd: string, line: number | undefined): void {
    this.#line = line;
    const { stages, operators } = commandLine(cmd, this.#options.env);
    if (operators.length > 0)
      this.#add('needs-shell', id, `${[...new Set(operators)].join(' ')} needs a shell: write bash -c '...'`);
    this.#programs(
      id,
      stages.map(({ argv }) => argv[0]),
    );
  }

  /** @returns the id, if there is one */
  #entry({ values }: RawEntry, index: number): string | undefined {
    const id = values.get('id');
    const name = typeof id === 'string' ? id : null;
    const label = name ?? `entry ${index + 1}`;
    const known = new Set<string>([...PROCMGR_KEYS, ...SLURM_KEYS]);
    for (const key of ['id', 'cmd']) if (!values.has(key)) this.#add('missing-key', name, `${label} has no ${key}`);
    for (const [key, value] of values) {
      if (!known.has(key)) this.#add('unknown-key', name, `${label}: there is no key ${key}`);
      else if (typeof value !== 'string' && key !== 'cores') this.#add('not-text', name, `${label}: ${key} is no text`);
    }
    const newer = SLURM_KEYS.filter((key) => values.has(key));
    if (newer.length > 0)
      this.#add('unknown-to-existing-lint', name, `${label}: the existing lint does not know ${newer.join(', ')}`);
    if (name !== null) this.#id(name);
    const text = (key: string) => (typeof values.get(key) === 'string' ? (values.get(key) as string) : '');
    const flags = text('flags');
    this.#flags(name, flags);
    const priority = text('rtprio');
    if (priority !== '' && !(/^\d+$/.test(priority) && Number(priority) >= 1 && Number(priority) <= 99))
      this.#add('bad-priority', name, `rtprio is a number from 1 to 99, not "${priority}"`);
    if (values.has('env')) this.#environment(name, text('env'));
    if (text('cmd') !== '') this.#command(name, text('cmd'), flags);
    return name ?? undefined;
  }

  #id(id: string): void {
    if (id.length > LONGEST_ID)
      this.#add('bad-id', id, `an id has at most ${LONGEST_ID} characters, this one ${id.length}`);
    const wrong = [...':|\\/'].filter((letter) => id.includes(letter));
    if (wrong.length > 0) this.#add('bad-id', id, `an id must not contain ${wrong.join(' ')}`);
  }

  #flags(id: string | null, flags: string): void {
    const unknown = [...new Set(flags)].filter((letter) => !FLAGS.includes(letter));
    if (unknown.length > 0)
      this.#add('unknown-flag', id, `flags ${unknown.join(' ')} do not exist; there are ${[...FLAGS].join(' ')}`);
    if (flags.includes('g')) this.#add('unknown-to-existing-lint', id, 'the existing lint does not know flag g');
    if (!flags.includes('s'))
      this.#add(
        'not-stopped-politely',
        id,
        'without flag s the process manager kills it at once: nothing is flushed or cleaned up',
      );
  }

  #environment(id: string | null, text: string): void {
    for (const part of text.split(/\s+/).filter((one) => one !== '')) {
      const signs = part.split('=').length - 1;
      if (signs === 0) this.#add('bad-env', id, `env: "${part}" has no =`);
      else if (signs > 1)
        this.#add('bad-env', id, `env: the value of "${part}" contains =, which Slurm's manager refuses`);
      if (part.includes(','))
        this.#add('bad-env', id, `env: "${part}" contains a comma, which cuts Slurm's list of exports`);
    }
  }

  #command(id: string | null, cmd: string, flags: string): void {
    const { stages, operators } = commandLine(cmd, this.#options.env);
    const programs = stages.map(({ argv }) => argv[0]);
    if (/(^|\s)(\/usr)?\/bin\/(chrt|env)\b/.test(cmd))
      this.#add('wrapper-in-cmd', id, 'chrt and env are put before the command by rtprio and env');
    const outer = [...(stages.length > 1 ? ['|'] : []), ...operators];
    if (outer.length > 0) {
      const which = [...new Set(outer)].join(' ');
      this.#add(
        'outer-shell',
        id,
        `${which} acts on the process manager's own launch command, not on the program; write a script, or bash -c '...'`,
      );
    }
    if (stages.length > 1 && /[up]/.test(flags)) {
      const last = programs.at(-1) ?? '';
      if (!this.#options.takesAppended(last))
        this.#add(
          'appended-to-last-stage',
          id,
          `flags u and p append their options to the last stage only: ${last} would get them`,
        );
    }
    this.#programs(id, programs);
  }

  #programs(id: string | null, programs: readonly (string | undefined)[]): void {
    for (const program of programs) {
      if (program === undefined || program === '') this.#add('missing-program', id, 'a stage has no program');
      else if (this.#options.findProgram(program) === undefined)
        this.#add('missing-program', id, `there is no program ${program} here; the process manager would start "None"`);
    }
  }
}

/** Problems of our own notation that its reader does not refuse: programs that are missing, commands that need a shell. */
export function lintEntries({ entries }: ProcessFile, options: LintOptions): readonly LintProblem[] {
  const run = new Lint(options);
  for (const { id, cmd, line } of entries) run.own(id, cmd, line);
  return run.problems;
}

/** All problems of a file, in the order of its entries. */
export function lint(file: RawFile, options: LintOptions): readonly LintProblem[] {
  const run = new Lint(options);
  run.file(file);
  return run.problems;
}
