/** What squeue and sacct print (Slurm 20 and later). Pure. */

export interface Job {
  /** `123`, or `123.4` for a step. */
  readonly job: string;
  /** `RUNNING`; words of sacct such as `CANCELLED by 0` without what follows. */
  readonly state: string;
  /** As a shell would tell it; undefined while it runs. */
  readonly status: number | undefined;
  readonly comment: string;
  /** Of a step: its name. */
  readonly name: string;
  readonly node: string;
  /** In seconds; undefined if Slurm does not tell. */
  readonly seconds: number | undefined;
}

const JOB_FIELDS = 'jobid:24|,state:24|,exit_code:24|,comment:256|,name:256|,timeused:24|,nodelist:256|';
export const SQUEUE_JOBS = ['--noheader', '--states=all', '--Format', JOB_FIELDS];
export const SQUEUE_STEPS = ['--noheader', '--steps', '--Format', 'stepid:48|,stepname:256|,timeused:24|,nodes:256|'];
export const SACCT = ['--noheader', '--parsable2', '--format=JobID,State,ExitCode,JobName,ElapsedRaw,NodeList'];

const ENDED = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMEOUT',
  'NODE_FAIL',
  'PREEMPTED',
  'BOOT_FAIL',
  'DEADLINE',
  'OUT_OF_MEMORY',
]);

export function hasEnded({ state }: Job): boolean {
  return ENDED.has(state);
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

/** Exit status from a wait status: status in the high byte, or a signal in the low one. */
function fromWaitStatus(text: string): number {
  const value = Number(text);
  return (value & 0x7f) === 0 ? (value >> 8) & 0xff : 128 + (value & 0x7f);
}

/** `[[days-]hours:]minutes:seconds`. */
function fromClock(text: string): number | undefined {
  const match = /^(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$/.exec(text);
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

export function readJobs(text: string): Job[] {
  return rows(text).map(([job = '', state = '', exit = '', comment = '', name = '', used = '', node = '']) => ({
    ...{ job, state, comment, name, node, seconds: fromClock(used) },
    status: ENDED.has(state) ? fromWaitStatus(exit) : undefined,
  }));
}

/** Steps that run; the shell of the job itself is none of ours. */
export function readSteps(text: string): Job[] {
  return rows(text)
    .map(([job = '', name = '', used = '', node = '']) => ({
      ...{ job, name, node, seconds: fromClock(used), state: 'RUNNING', comment: '', status: undefined },
    }))
    .filter(({ job }) => /\.\d+$/.test(job));
}

/** Jobs and steps, with `status:signal` as exit code. */
export function readAccounts(text: string): Job[] {
  return rows(text).map(([job = '', words = '', exit = '', name = '', seconds = '', node = '']) => {
    const [state = ''] = words.split(' ');
    const [status = 0, signal = 0] = exit.split(':').map(Number);
    return {
      ...{ job, state, name, node, comment: '', seconds: Number(seconds) },
      status: ENDED.has(state) ? (signal === 0 ? status : 128 + signal) : undefined,
    };
  });
}

/** Ours: asked to end by a signal is stopped, not failed. */
export function stateOf({ state, status }: Pick<Job, 'state' | 'status'>): string {
  if (state === 'PENDING' || state === 'CONFIGURING') return 'pending';
  if (state === 'COMPLETING') return 'stopping';
  if (!ENDED.has(state)) return 'running';
  if (state === 'COMPLETED') return 'done';
  return state === 'CANCELLED' || stoppedBy(status) ? 'stopped' : 'failed';
}

/** SIGINT, SIGTERM, or SIGKILL after them: by those we stop. */
function stoppedBy(status: number | undefined): boolean {
  return status === 130 || status === 143;
}
