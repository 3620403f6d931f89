/** examples/beamline.cnf in a folder of its own: sockets, logs, recorded files, run-time and temporary files are all in it. */

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryView } from '../../../lib/supervise/view.ts';
import { type Outcome, PROJECT, run } from '../../executable.ts';
import { until } from '../runs.ts';
import { KEEPER } from './account.ts';

const EXAMPLES = join(PROJECT, 'examples');
/** Keys of System V objects are by platform and detector: other tests have small numbers, and another beamline should have another one. */
const PLATFORM = 5 + (process.pid % 3);
/** What beamline.cnf finds beside it. */
const BESIDE = ['beamline', 'calib', 'graph', 'trigger'];

/** A process of the beamline: one that an entry leads, or a child of one. */
export interface Member {
  readonly pid: number;
  readonly id: string;
  readonly leads: boolean;
  readonly program: string;
}

export class Beamline {
  readonly folder = mkdtempSync(join(tmpdir(), 'beamline-'));
  readonly logs = join(this.folder, 'logs');
  readonly recorded = join(this.folder, 'run', 'recorded');
  /** Part of the name of the shared memory, of which all users of a machine see the same. */
  readonly user = `soak${process.pid}`;
  private readonly file = join(this.folder, 'beamline.cnf');
  private readonly env: Record<string, string>;
  private readonly more: readonly string[];

  /** @param more options of daq-run, for example `-D events=100` */
  constructor(...more: string[]) {
    this.more = more;
    const runtime = join(this.folder, 'runtime');
    const temporary = join(this.folder, 'tmp');
    for (const folder of [runtime, temporary]) mkdirSync(folder, { mode: 0o700 });
    // A copy, because a person may be running the file itself.
    copyFileSync(join(EXAMPLES, 'beamline.cnf'), this.file);
    for (const name of BESIDE) symlinkSync(join(EXAMPLES, name), join(this.folder, name));
    this.env = { XDG_RUNTIME_DIR: runtime, TMPDIR: temporary, USER: this.user, BEAMLINE_TEST: this.folder };
  }

  run(word: string, ...args: string[]): Promise<Outcome> {
    const macros = ['-D', `run=${join(this.folder, 'run')}`, '-D', 'fates=1', ...this.more];
    return run('daq-run', [word, this.file, ...args, '-p', String(PLATFORM), '-o', this.logs, ...macros], {
      env: this.env,
      cwd: tmpdir(),
    });
  }

  command(name: string, ...args: string[]): Promise<Outcome> {
    return run(name, args, { env: this.env });
  }

  async view(): Promise<readonly EntryView[]> {
    const { stdout, stderr } = await this.run('status', '--json');
    if (stdout.length === 0) throw new Error(stderr);
    return JSON.parse(stdout.toString());
  }

  /** Number of the run under way. */
  get runNumber(): number {
    return Number(readFileSync(join(this.folder, 'run', 'run'), 'utf8'));
  }

  /** Streams of a run of which there is something on the disk. */
  recordedOf(run: number): number {
    const names = namesIn(this.recorded).filter((name) => Number(/-r(\d+)-/.exec(name)?.[1]) === run);
    // A file may be getting its final name just now.
    return names.filter((name) => (statSync(join(this.recorded, name), { throwIfNoEntry: false })?.size ?? 0) > 0)
      .length;
  }

  /** Everybody who belongs to an entry, and the keeper. */
  members(view: readonly EntryView[]): Member[] {
    const leaders = new Map(view.flatMap(({ id, pids }) => pids.map((pid) => [pid, id] as const)));
    return this.processes().flatMap((pid) => {
      const stat = textOf(`/proc/${pid}/stat`);
      const program = textOf(`/proc/${pid}/comm`).trim();
      // Group: the third word behind the name, which may hold anything.
      const id = leaders.get(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]));
      if (id !== undefined) return [{ pid, id, leads: leaders.has(pid), program }];
      return textOf(`/proc/${pid}/cmdline`).includes('\0keep\0') ? [{ pid, id: KEEPER, leads: true, program }] : [];
    });
  }

  /** All processes that this beamline has left, by its word in their environment. */
  processes(): number[] {
    const word = `BEAMLINE_TEST=${this.folder}\0`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/environ`).includes(word))
      .map(Number);
  }

  /** What there should not be after the stop; empty if all is well. */
  async remains(): Promise<string[]> {
    // The keeper answers before it ends itself.
    await until(() => this.processes().length === 0, 'the end of the keeper').catch(() => {});
    const inFolder = (name: string) =>
      readdirSync(join(this.folder, name), { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name));
    const shared = ['/dev/shm', '/dev/mqueue'].flatMap(namesIn).filter((name) => name.includes(this.user));
    const ipc = (await this.command('ipc-ls', '--json')).stdout.toString();
    const left = (JSON.parse(ipc).objects as { partition: number | null }[]).filter(
      (one) => one.partition === PLATFORM,
    );
    return [
      ...this.processes().map((pid) => `process ${pid} ${textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
      ...[...inFolder('runtime'), ...inFolder('tmp')].map((path) => `file ${path}`),
      ...namesIn(join(this.folder, 'run'))
        .filter((name) => !['run', 'calib.url', 'recorded'].includes(name))
        .map((name) => `in the run folder: ${name}`),
      ...shared.map((name) => `shared ${name}`),
      ...left.map((object) => `IPC object ${JSON.stringify(object)}`),
    ];
  }

  /** Ends what still runs, whatever happened, and takes the folder away. */
  async clear(): Promise<void> {
    await this.run('stop').catch(() => {});
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Empty for what cannot be read, for example because its process has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
