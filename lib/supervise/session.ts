/** What `daq-run` does, one function per word of its command line. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Lifecycle } from '../cli/lifecycle.ts';
import { packageRoot } from '../cli/package-root.ts';
import { DaqError, UsageError } from '../errors.ts';
import { lint } from './config/lint.ts';
import type { LintProblem, ProcessFile } from './config/types.ts';
import { ask, controlPath, type Reply, type Request } from './local/control.ts';
import { Crew, type EntryView } from './local/crew.ts';
import { Keeper } from './local/keeper.ts';
import { type OpenOptions, openProcessFile, openRaw } from './open.ts';
import { findProgram, ownCommands, pathWithOwn } from './programs.ts';

export interface Session {
  readonly name: string;
  readonly options: OpenOptions;
  readonly logs: string | undefined;
  readonly say: (message: string) => void;
}

/** How long a keeper may take until it answers. */
const KEEPER_MS = 10_000;
const POLL_MS = 50;

function logFolder({ name, logs }: Session): string {
  return resolve(logs ?? join(dirname(name), 'logs'));
}

function environment(): Record<string, string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined));
  return { ...(env as Record<string, string>), PATH: pathWithOwn(env.PATH) };
}

function crewOf(session: Session, file: ProcessFile, onChange?: (id: string) => void): Crew {
  const own = ownCommands();
  return new Crew({
    file,
    platform: file.platform,
    logs: logFolder(session),
    env: environment(),
    takesAppended: (program) => own.has(basename(program)),
    ...(onChange ? { onChange } : {}),
  });
}

/** Everything that is wrong with a file. Our own notation is checked when it is read. */
export async function lintFile({ name, options }: Session): Promise<readonly LintProblem[]> {
  const env = environment();
  const own = ownCommands();
  return lint(await openRaw(name, options), {
    env,
    findProgram: (program) => findProgram(program, env.PATH ?? ''),
    takesAppended: (program) => own.has(basename(program)),
  });
}

/** Starts everything, stays, and stops everything when asked to. @returns the entries as they ended */
export async function runInForeground(
  session: Session,
  ids: readonly string[],
  lifecycle: Lifecycle,
): Promise<readonly EntryView[]> {
  const file = await openProcessFile(session.name, session.options);
  let crew: Crew | undefined;
  crew = crewOf(session, file, (id) => {
    const one = crew?.view().find((entry) => entry.id === id);
    if (one) session.say(`${id}: ${one.state}${one.status === undefined ? '' : `, last exit ${one.status}`}`);
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
  return started.view();
}

/** What the detached process does: keeps the processes until it is told to shut down. */
export async function keep(session: Session, lifecycle: Lifecycle): Promise<void> {
  const file = await openProcessFile(session.name, session.options);
  const crew = crewOf(session, file);
  const keeper = new Keeper(crew, controlPath(session.name, file.platform));
  lifecycle.onEmergency(() => crew.kill());
  await keeper.listen();
  const signalled = new Promise<void>((over) => {
    lifecycle.stop.addEventListener('abort', () => over(), { once: true });
  });
  await Promise.race([keeper.ended, signalled]);
  crew.stop();
  await crew.stopped();
  keeper.close();
}

/** Asks the keeper of the file. @returns undefined if there is none */
export async function askKeeper(session: Session, request: Request): Promise<Reply | undefined> {
  const { platform } = await openProcessFile(session.name, session.options);
  return ask(controlPath(session.name, platform), request);
}

/** Starts entries under the keeper of the file, which is started if there is none. */
export async function start(session: Session, ids: readonly string[]): Promise<Reply> {
  const file = await openProcessFile(session.name, session.options);
  checkIds(
    ids,
    file.entries.map(({ id }) => id),
  );
  const path = controlPath(session.name, file.platform);
  if ((await ask(path, { do: 'status' })) === undefined) await startKeeper(session, path);
  const reply = await ask(path, { do: 'start', ids });
  if (!reply) throw new DaqError('keeper', 'the keeper of this file went away');
  return reply;
}

function checkIds(ids: readonly string[], known: readonly string[]): void {
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) throw new UsageError(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
}

async function startKeeper(session: Session, path: string): Promise<void> {
  const { name, options } = session;
  const folder = logFolder(session);
  mkdirSync(folder, { recursive: true });
  const log = join(folder, `${basename(name)}.keeper.log`);
  const fd = openSync(log, 'a', 0o640);
  const words = [
    ...['keep', resolve(name), '--logs', folder],
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
  const until = performance.now() + KEEPER_MS;
  while ((await ask(path, { do: 'status' })) === undefined) {
    if (exit !== undefined || performance.now() > until)
      throw new DaqError('keeper', `the keeper did not come up; its words are in ${log}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
