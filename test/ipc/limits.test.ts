import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { LimitCase, LimitResult } from './limits-process.ts';
import { freshIdentity, ownNamespace, project } from './machine.ts';

const PLENTY = 1000;
const OTHER_USER = 12347;
const script = fileURLToPath(new URL('limits-process.ts', import.meta.url));

/** A limit that is low during one try and plenty after it. */
const sysctl = (path: string, low: number, transport: 'sysv' | 'posix', more: Partial<LimitCase> = {}): LimitCase => ({
  name: `${path} ${low}`,
  setup: `${restore} echo ${low} > /proc/sys/${path}`,
  transport,
  ...more,
});
const restore = ['kernel/shmmni', 'kernel/msgmni', 'fs/mqueue/queues_max']
  .map((path) => `echo ${PLENTY} > /proc/sys/${path};`)
  .concat('echo 16384 > /proc/sys/kernel/msgmnb; echo 1000000000 > /proc/sys/kernel/shmmax;')
  .join(' ');

const cases: readonly (LimitCase & { message: RegExp })[] = [
  { ...sysctl('kernel/shmmni', 0, 'sysv'), message: /allows no System V segments \(kernel\.shmmni is 0\).*--ipc pipe/ },
  { ...sysctl('kernel/msgmni', 0, 'sysv'), message: /allows no System V queues \(kernel\.msgmni is 0\).*--ipc pipe/ },
  { ...sysctl('kernel/shmmni', 3, 'sysv'), message: /no more System V segments: 3 of 3 .*--ipc pipe/ },
  { ...sysctl('kernel/msgmni', 3, 'sysv'), message: /no more System V queues: 3 of 3 .*--ipc pipe/ },
  { ...sysctl('kernel/msgmnb', 100, 'sysv'), message: /only 100 bytes here \(kernel\.msgmnb\).*--ipc pipe/ },
  { ...sysctl('kernel/shmmax', 5000, 'sysv'), message: /kernel\.shmmax is 5000.*--pebble/ },
  {
    ...sysctl('fs/mqueue/queues_max', 3, 'posix', { uid: OTHER_USER }),
    message: /queues_max is 3 for all users.*--ipc sysv/,
  },
  {
    name: 'RLIMIT_MSGQUEUE',
    setup: `${restore} prlimit --pid "$PID" --msgqueue=1500:`,
    transport: 'posix',
    message: /RLIMIT_MSGQUEUE is 1500 bytes \(ulimit -q\).*--ipc sysv/,
  },
  {
    name: 'a full /dev/shm',
    setup: 'prlimit --pid "$PID" --msgqueue=819200:; mount -t tmpfs -o size=16k none /dev/shm',
    transport: 'posix',
    message: /\/dev\/shm is full.*--pebble/,
  },
];

t.test('kernel limits are told with their numbers and a way out, and nothing is left', ownNamespace, (t) => {
  const options = { identity: freshIdentity(), workers: 2, segmentBytes: 8192 };
  const order = JSON.stringify([[...cases, { name: 'none', setup: restore, transport: 'sysv' }], options]);
  const args = ['-im', process.execPath, '--import=tsx', script, order];
  const env = { ...process.env, XDG_RUNTIME_DIR: '' };
  const { stdout, stderr } = spawnSync('unshare', args, { cwd: project, encoding: 'utf8', env });
  t.teardown(() => rmSync(join(tmpdir(), `daqpipe-${OTHER_USER}`), { recursive: true, force: true }));
  t.equal(stderr, '');
  const results = JSON.parse(stdout) as LimitResult[];
  for (const [index, { name, message }] of cases.entries()) {
    t.match(results[index], { code: 'ipc-limit', message, left: 0 }, name);
  }
  t.match(results.at(-1), { code: 'opened', left: 0 }, 'without a limit in the way it opens there as well');
  t.end();
});
