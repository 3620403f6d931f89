/** What `daq-run` does, one function per word of its command line. */

import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Lifecycle } from '../cli/lifecycle.ts';
import { packageRoot } from '../cli/package-root.ts';
import { effectiveUid } from '../cli/runtime-folder.ts';
import { DaqError, InputError, UsageError } from '../errors.ts';
import { lint, lintEntries } from './config/lint.ts';
import type { LintProblem, ProcessFile } from './config/types.ts';
import { commandLine } from './config/words.ts';
import { ask, controlPath, type Reply, type Request } from './local/control.ts';
import { Crew } from './local/crew.ts';
import { Keeper } from './local/keeper.ts';
import { newestLogs } from './log-files.ts';
import { isYaml, type OpenOptions, openProcessFile, openRaw } from './open.ts';
import { findProgram, ownCommands, pathWithOwn } from './programs.ts';
import type { EntryView } from './view.ts';

export interface Session {
  readonly name: string;
  readonly options: OpenOptions;
  readonly logs: string | undefined;
  /** Seconds; 0: no limit. */
  readonly readyWithin: number;
  readonly say: (message: string) => void;
}

/** How long a keeper may take until it answers. */
const KEEPER_MS = 10_000;
const OTHER_KEEPER_MS = 2000;
const POLL_MS = 50;

export function logFolder({ name, logs }: Session): string {
  return resolve(logs ?? join(dirname(name), 'logs'));
}

/** What processes are started with: ours can be named without a path. */
export function environment(): Record<string, string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined));
  // Files name folders by $USER, which containers and timers do not set.
  return { USER: userName(), ...(env as Record<string, string>), PATH: pathWithOwn(env.PATH) };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(effectiveUid());
  }
}

function crewOf(session: Session, file: ProcessFile, onChange?: (id: string) => void): Crew {
  const own = ownCommands();
  return new Crew({
    file,
    platform: file.platform,
    logs: logFolder(session),
    env: environment(),
    takesAppended: (program) => own.has(basename(program)),
    readyWithin: session.readyWithin,
    ...(onChange ? { onChange } : {}),
  });
}

/** Everything that is wrong with a file. @throws InputError if it cannot be read */
export async function lintFile({ name, options }: Session): Promise<readonly LintProblem[]> {
  const env = environment();
  const own = ownCommands();
  const lintOptions = {
    env,
    findProgram: (program: string) => findProgram(program, env.PATH ?? ''),
    takesAppended: (program: string) => own.has(basename(program)),
  };
  if (isYaml(name)) return lintEntries(await openProcessFile(name, options), lintOptions);
  return lint(await openRaw(name, options), lintOptions);
}

/** Starts everything, stays, and stops everything when asked to. @returns the entries as they ended */
export async function runInForeground(
  session: Session,
  ids: readonly string[],
  lifecycle: Lifecycle,
): Promise<readonly EntryView[]> {
  const file = await openProcessFile(session.name, session.options);
  checkLocal(session, file);
  let crew: Crew | undefined;
  crew = crewOf(session, file, (id) => {
    const one = crew?.view().find((entry) => entry.id === id);
    if (!one) return;
    session.say(`${id}: ${one.state}${one.status === undefined ? '' : `, last exit ${one.status}`}`);
    if (one.unready !== undefined && one.state !== 'starting') session.say(`${id} ${one.unready}`);
  });
  checkIds(ids, crew.ids);
  const started = crew;
  const release = lifecycle.onEmergency(() => started.kill());
  const stop = () => started.stop();
  lifecycle.stop.addEventListener('abort', stop, { once: true });
  started.start(ids.length === 0 ? started.ids : ids);
  await started.stopped();
  lifecycle.stop.removeEventListener('abort', stop);
  release();
  started.close();
  return started.view();
}

/** What the detached process does: keeps the processes until it is told to shut down. */
export async function keep(session: Session, lifecycle: Lifecycle): Promise<void> {
  const file = await openProcessFile(session.name, session.options);
  const crew = crewOf(session, file);
  const keeper = new Keeper(crew, controlPath(session.name, file.platform));
  lifecycle.onEmergency(() => crew.kill());
  try {
    await keeper.listen();
  } catch (error) {
    crew.close();
    throw error;
  }
  const signalled = new Promise<void>((over) => {
    lifecycle.stop.addEventListener('abort', () => over(), { once: true });
  });
  await Promise.race([keeper.ended, signalled]);
  crew.stop();
  await crew.stopped();
  crew.close();
  keeper.close();
}

/** Asks the keeper of the file, even if the file has been broken since. @returns undefined if there is none */
export async function askKeeper(session: Session, request: Request): Promise<Reply | undefined> {
  let { platform } = session.options;
  try {
    platform = (await openProcessFile(session.name, session.options)).platform;
  } catch (error) {
    const reply = await ask(controlPath(session.name, platform), request);
    if (!reply) throw error;
    session.say(`the file cannot be read any more: ${(error as Error).message}`);
    return reply;
  }
  return ask(controlPath(session.name, platform), request);
}

/** Logs of an earlier start, for when nothing runs. */
export async function lastLogs(session: Session): Promise<readonly Pick<EntryView, 'id' | 'log'>[]> {
  const { entries, platform } = await openProcessFile(session.name, session.options);
  const ids = entries.map(({ id }) => id);
  const found = newestLogs(logFolder(session), ids, platform);
  return ids.map((id) => ({ id, log: found.get(id) }));
}

/** Stops everything, and waits until the keeper is gone, so that a new one may come. @returns undefined if there was none */
export async function shutDown(session: Session): Promise<Reply | undefined> {
  const reply = await askKeeper(session, { do: 'shutdown' });
  const until = performance.now() + KEEPER_MS;
  const isThere = () => askKeeper(session, { do: 'status' }).catch(() => undefined);
  while (reply && performance.now() < until && (await isThere())?.pid === reply.pid)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return reply;
}

/** Starts entries under the keeper of the file, which is started if there is none. */
export async function start(session: Session, ids: readonly string[]): Promise<Reply> {
  const file = await openProcessFile(session.name, session.options);
  checkIds(
    ids,
    file.entries.map(({ id }) => id),
  );
  checkLocal(session, file);
  const path = controlPath(session.name, file.platform);
  if ((await ask(path, { do: 'status' })) === undefined) await startKeeper(session, path);
  const reply = await ask(path, { do: 'start', ids });
  if (!reply) throw new DaqError('keeper', 'the keeper of this file went away');
  return reply;
}

/**
 * What can be known before anything is started here.
 * @throws InputError for commands that need a shell, and a log folder that cannot be written
 */
function checkLocal(session: Session, file: ProcessFile): void {
  const env = environment();
  for (const { id, cmd, line } of file.entries) {
    const { operators, stages } = commandLine(cmd, env);
    const place = { file: file.file, ...(line === undefined ? {} : { line }) };
    if (operators.length > 0)
      throw new InputError(`${id}: ${[...new Set(operators)].join(' ')} needs a shell: write bash -c '...'`, { place });
    if (stages.some(({ argv }) => argv.length === 0)) throw new InputError(`${id}: a stage has no program`, { place });
  }
  const here = new Set([undefined, 'localhost', hostname(), hostname().split('.')[0]]);
  const others = [...new Set(file.entries.map(({ host }) => host).filter((host) => !here.has(host)))];
  if (others.length > 0) session.say(`started here, not on ${others.join(', ')}; --slurm starts on other hosts`);
  const folder = logFolder(session);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new InputError(`logs cannot be written here: ${(error as Error).message}`, {
      place: { file: folder },
      cause: error,
    });
  }
}

export function checkIds(ids: readonly string[], known: readonly string[]): void {
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new UsageError(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
}

async function startKeeper(session: Session, path: string): Promise<void> {
  const { name, options } = session;
  const folder = logFolder(session);
  const log = join(folder, `${basename(name)}.keeper.log`);
  const fd = openSync(log, 'a', 0o640);
  const words = [
    ...['keep', resolve(name), '--logs', folder, '--ready-within', String(session.readyWithin)],
    ...(options.platform === undefined ? [] : ['-p', String(options.platform)]),
    ...(options.python === undefined ? [] : ['--python', options.python]),
    ...[...options.macros].flatMap(([key, value]) => ['-D', `${key}=${value}`]),
  ];
  const program = join(packageRoot(), 'bin', 'daq-run');
  const child = spawn(process.execPath, [program, ...words], { detached: true, stdio: ['ignore', fd, fd] });
  closeSync(fd);
  let exit: number | null | undefined;
  child.on('exit', (code) => {
    exit = code;
  });
  child.unref();
  let until = performance.now() + KEEPER_MS;
  while ((await ask(path, { do: 'status' })) === undefined) {
    // One that found another keeper ends before that one may answer.
    if (exit !== undefined) until = Math.min(until, performance.now() + OTHER_KEEPER_MS);
    if (performance.now() > until) throw new DaqError('keeper', `the keeper did not come up; its words are in ${log}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
