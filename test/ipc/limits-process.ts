/**
 * Run by tests as root in IPC and mount namespaces of its own: sets limits one after the other, tries to open a set under each, and prints
 * what came of it.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { DaqError } from '../../lib/errors.ts';
import { openIpcSet } from '../../lib/ipc/open.ts';
import type { IpcSetOptions } from '../../lib/ipc/types.ts';

export interface LimitCase {
  name: string;
  /** Shell commands; $PID is the process that opens. */
  setup: string;
  transport: 'sysv' | 'posix';
  /** User under whom it is tried. */
  uid?: number;
}

export interface LimitResult {
  code: string;
  message: string;
  /** System V objects that are there afterwards. */
  left: number;
}

const [cases, options] = JSON.parse(process.argv[2]!) as [LimitCase[], IpcSetOptions];

function tryOpen({ transport, uid }: LimitCase): Omit<LimitResult, 'left'> {
  if (uid !== undefined) process.seteuid!(uid);
  try {
    const set =
      transport === 'sysv'
        ? openIpcSet({ ...options, transport: 'sysv' })
        : openIpcSet({ ...options, transport: 'posix' });
    set.close();
    return { code: 'opened', message: '' };
  } catch (error) {
    if (error instanceof DaqError) return { code: error.code, message: error.message };
    throw error;
  } finally {
    process.seteuid!(0);
  }
}

const rows = (table: string) => readFileSync(`/proc/sysvipc/${table}`, 'latin1').trim().split('\n').length - 1;

const results = cases.map((one): LimitResult => {
  execFileSync('sh', ['-ec', one.setup], { env: { ...process.env, PID: String(process.pid) } });
  return { ...tryOpen(one), left: rows('shm') + rows('msg') };
});
process.stdout.write(JSON.stringify(results));
