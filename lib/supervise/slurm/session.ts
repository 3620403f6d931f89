/** The words of `daq-run` through Slurm. Slurm itself is the memory: jobs are found by their comments, whoever has started them. */

import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../cli/package-root.ts';
import { DaqError } from '../../errors.ts';
import type { ProcessFile } from '../config/types.ts';
import { commandLine } from '../config/words.ts';
import { LogDigest } from '../log-digest.ts';
import { headerOf, newestLogs } from '../log-files.ts';
import { openProcessFile } from '../open.ts';
import { ownCommands } from '../programs.ts';
import { checkIds, logFolder, type Session } from '../session.ts';
import type { EntryView } from '../view.ts';
import { slurmCommand } from './commands.ts';
import { commentOf, type JobPlan, planJobs, planSteps, stepsComment, stopOrder } from './plan.ts';
import {
  hasEnded,
  type Job,
  readAccounts,
  readJobs,
  readSteps,
  SACCT,
  SQUEUE_JOBS,
  SQUEUE_STEPS,
  stateOf,
} from './queue.ts';

export interface SlurmSession extends Session {
  readonly queue: string;
  readonly asStep: boolean;
}

const POLL_MS = 300;
const JOB_LINE = '# SLURM_JOB_ID:';

async function opened(session: SlurmSession, ids: readonly string[]): Promise<[ProcessFile, readonly string[]]> {
  const file = await openProcessFile(session.name, session.options);
  const all = file.entries.map(({ id }) => id);
  checkIds(ids, all);
  return [file, ids.length === 0 ? all : ids];
}

function plansOf(session: SlurmSession, file: ProcessFile, ids: readonly string[]): JobPlan[] {
  const own = ownCommands();
  const options = {
    ...{ logs: logFolder(session), started: new Date(), queue: session.queue },
    ...{ host: hostname().split('.')[0] ?? '', env: process.env },
    programFolders: [join(packageRoot(), 'bin'), dirname(process.execPath)],
    takesAppended: (program: string) => own.has(basename(program)),
  };
  return session.asStep ? [planSteps(file, ids, options)] : planJobs(file, ids, options);
}

/** What `start` would do, as text. */
export async function planText(session: SlurmSession, names: readonly string[]): Promise<string[]> {
  const [file, ids] = await opened(session, names);
  return plansOf(session, file, ids).flatMap(({ args, script }) => [
    `# sbatch ${args.join(' ')}`,
    ...script.split('\n'),
  ]);
}

/**
 * Submits jobs, all or none.
 * @throws DaqError `already-served` if one of the comments is there already
 */
export async function slurmStart(session: SlurmSession, names: readonly string[]): Promise<readonly EntryView[]> {
  const [file, ids] = await opened(session, names);
  const running = [...(await jobsOf(file))].filter(([id, job]) => ids.includes(id) && !hasEnded(job));
  if (session.asStep) {
    const allocation = stepsComment(file);
    const there = (await queue()).find((job) => job.comment === allocation && !hasEnded(job));
    if (there) throw new DaqError('already-served', `the steps of this file are there already (job ${there.job})`);
  }
  if (running.length > 0) {
    const which = running.map(([id, { job }]) => `${id} (job ${job})`).join(', ');
    throw new DaqError('already-served', `these are there already: ${which}`);
  }
  for (const { id, restart, ready } of file.entries) {
    if (ids.includes(id) && restart.when !== 'never') session.say(`${id}: Slurm's jobs are not started again`);
    if (ids.includes(id) && ready.kind !== 'alive') session.say(`${id}: is taken as ready when its job begins`);
  }
  const plans = plansOf(session, file, ids);
  const order = [...stopOrder(file.entries)].reverse().flat();
  plans.sort((a, b) => order.indexOf(a.ids[0] ?? '') - order.indexOf(b.ids[0] ?? ''));
  const submitted = new Map<string, string>();
  try {
    for (const plan of plans) await submit(plan, submitted);
  } catch (error) {
    if (submitted.size > 0) await slurmCommand('scancel', [...submitted.values()]);
    throw error;
  }
  return (await viewsOf(session, file)).filter(({ id }) => ids.includes(id));
}

async function submit({ ids, args, script, after, folders }: JobPlan, submitted: Map<string, string>): Promise<void> {
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const before = after.map((id) => submitted.get(id)).filter((job) => job !== undefined);
  const dependency = before.length === 0 ? [] : [`--dependency=after:${before.join(':')}`];
  // With a federation it prints `JOB;CLUSTER`.
  const [job = ''] = (await slurmCommand('sbatch', [...args, ...dependency], script)).trim().split(';');
  for (const id of ids) submitted.set(id, job);
}

async function queue(): Promise<readonly Job[]> {
  return readJobs(await slurmCommand('squeue', SQUEUE_JOBS));
}

/** By id: the job or step that runs, else the latest that Slurm still knows. */
async function jobsOf(file: ProcessFile): Promise<ReadonlyMap<string, Job>> {
  const byComment = new Map<string, Job>();
  for (const job of await queue()) {
    const known = byComment.get(job.comment);
    if (!known || Number(known.job) < Number(job.job)) byComment.set(job.comment, job);
  }
  const found = new Map<string, Job>();
  const allocation = byComment.get(stepsComment(file));
  if (allocation && !hasEnded(allocation)) {
    const steps = readSteps(await slurmCommand('squeue', [...SQUEUE_STEPS, `--jobs=${allocation.job}`]));
    for (const { id } of file.entries) {
      const step = steps.find(({ name }) => name === id);
      if (step) found.set(id, step);
      else if (allocation.state === 'PENDING') found.set(id, allocation);
    }
  }
  for (const { id } of file.entries) {
    const job = byComment.get(commentOf(file, id));
    if (job && (!found.has(id) || !hasEnded(job))) found.set(id, job);
  }
  return found;
}

/** Logs that belong to the jobs, read. */
interface Record {
  readonly log: string;
  readonly job: string | undefined;
  readonly digest: LogDigest;
}

function recordsOf(session: SlurmSession, { entries, platform }: ProcessFile): ReadonlyMap<string, Record> {
  const ids = entries.map(({ id }) => id);
  const records = new Map<string, Record>();
  for (const [id, log] of newestLogs(logFolder(session), ids, platform)) {
    const digest = new LogDigest();
    for (const line of readFileSync(log, 'utf8').split('\n')) digest.take(line);
    const job = headerOf(log).find((line) => line.startsWith(JOB_LINE));
    records.set(id, { log, digest, job: job?.slice(JOB_LINE.length) });
  }
  return records;
}

/** Of jobs that squeue has forgotten; nothing where there is no accounting. */
async function accountsOf(records: Iterable<Record>): Promise<readonly Job[]> {
  const jobs = [...new Set([...records].flatMap(({ job }) => (job === undefined ? [] : [job])))];
  if (jobs.length === 0) return [];
  return slurmCommand('sacct', [...SACCT, `--jobs=${jobs.join(',')}`]).then(readAccounts, () => []);
}

/** A step that has ended is not in the queue, where an earlier job of its own may still be. */
function isOutdated(job: Job, record: Record | undefined): boolean {
  return hasEnded(job) && record?.job !== undefined && Number(record.job) > Number.parseInt(job.job, 10);
}

/** What Slurm knows, then what accounting knows, then what the log says. */
async function viewsOf(session: SlurmSession, file: ProcessFile): Promise<EntryView[]> {
  const records = recordsOf(session, file);
  const jobs = new Map([...(await jobsOf(file))].filter(([id, job]) => !isOutdated(job, records.get(id))));
  const forgotten = [...records].filter(([id]) => !jobs.has(id)).map(([, record]) => record);
  const accounts = await accountsOf(forgotten);
  return file.entries.map(({ id, cmd }) => {
    const record = records.get(id);
    const job = jobs.get(id) ?? accounts.find((one) => one.name === id && one.job.split('.')[0] === record?.job);
    // A log of an earlier start says nothing about a job that has not begun.
    const own = record && (!job || job.job.split('.')[0] === record.job) ? record : undefined;
    const status = job ? job.status : own?.digest.status;
    return {
      id,
      state: job ? stateOf(job) : stateByLog(own),
      programs: commandLine(cmd, process.env).stages.map(({ argv }) => basename(argv[0] ?? '')),
      ...{ pids: [], restarts: 0, unwritten: 0, status, seconds: job?.seconds },
      stages: own?.digest.stages ?? [],
      log: own?.log,
      lastLine: own?.digest.lastLine ?? '',
      balances: own?.digest.balances ?? [],
      slurm: { job: job?.job ?? own?.job ?? '', state: job?.state ?? '', node: job?.node ?? '' },
    };
  });
}

/** `gone`: it was killed before it could write how it ended, or Slurm has lost it. */
function stateByLog(record: Record | undefined): string {
  if (!record) return 'stopped';
  const { status } = record.digest;
  return status === undefined ? 'gone' : stateOf({ state: status === 0 ? 'COMPLETED' : 'FAILED', status });
}

export async function slurmStatus(session: SlurmSession, names: readonly string[]): Promise<readonly EntryView[]> {
  const [file, ids] = await opened(session, names);
  return (await viewsOf(session, file)).filter(({ id }) => ids.includes(id));
}

/** SIGINT, after the grace SIGTERM by Slurm's own way, after it again SIGKILL; those that come after others first. */
export async function slurmStop(session: SlurmSession, names: readonly string[]): Promise<readonly EntryView[]> {
  const [file, ids] = await opened(session, names);
  for (const group of stopOrder(file.entries)) {
    const grace = Math.max(...file.entries.filter(({ id }) => group.includes(id)).map((entry) => entry.grace));
    const alive = async () =>
      [...(await jobsOf(file))].filter(([id, job]) => group.includes(id) && ids.includes(id) && !hasEnded(job));
    for (const signal of ['INT', 'TERM', 'KILL'] as const) {
      const jobs = (await alive()).map(([, job]) => job);
      if (jobs.length === 0) break;
      await cancel(jobs, signal);
      const until = performance.now() + grace * 1000;
      while (performance.now() < until && (await alive()).length > 0) await pause(POLL_MS);
    }
  }
  return slurmStatus(session, names);
}

/** A job that has not begun gets no signals; it is taken from the queue. */
async function cancel(jobs: readonly Job[], signal: 'INT' | 'TERM' | 'KILL'): Promise<void> {
  const begun = jobs.filter(({ state }) => state !== 'PENDING').map(({ job }) => job);
  const waiting = jobs.filter(({ state }) => state === 'PENDING').map(({ job }) => job);
  const options = { INT: ['--signal=INT'], TERM: [], KILL: ['--signal=KILL', '--full'] }[signal];
  // Somebody that has just ended is no mistake; whoever is left is seen by the next look.
  if (begun.length > 0) await slurmCommand('scancel', ['--quiet', ...options, ...new Set(begun)]).catch(() => '');
  if (waiting.length > 0) await slurmCommand('scancel', ['--quiet', ...new Set(waiting)]).catch(() => '');
}
